// Checks each request before the SDK sees it, and serves MCP revision 2026-07-28 alongside the older ones.
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  GetPromptRequestSchema,
  InitializeRequestSchema,
  type JSONRPCRequest,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import type * as z from "zod";
import { announcesView, CLIENT_CAPABILITIES, SEES_VIEW } from "./announced.ts";
import { capabilitiesFor, type ServerFacts } from "./handshake.ts";
import { CODES, invalidParams, isObject, isRequest, type RpcError } from "./read-message.ts";
import { type Verdict, wrapTransport } from "./wrap-transport.ts";

/** The stateless revision has no `initialize`: each request carries the version and the client's capabilities. */
const STATELESS_VERSION = "2026-07-28";
const SUPPORTED = [STATELESS_VERSION];

/** UnsupportedProtocolVersion of revision 2026-07-28. */
const UNSUPPORTED_VERSION = -32022;

const KEY = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: CLIENT_CAPABILITIES,
  clientInfo: "io.modelcontextprotocol/clientInfo",
  serverInfo: "io.modelcontextprotocol/serverInfo",
} as const;

const DISCOVER = "server/discover";
const CACHEABLE = [
  DISCOVER,
  "tools/list",
  "prompts/list",
  "resources/list",
  "resources/templates/list",
  "resources/read",
];
/** The methods of the revision. It removed `initialize`, `ping`, `logging/setLevel`, `resources/subscribe` and tasks. */
const METHODS = new Set([...CACHEABLE, "tools/call", "prompts/get", "completion/complete"]);

/**
 * The lists never change while a process runs, but a restart may change the configuration. A client that keeps its cache across
 * a restart shows the old lists for at most five minutes. Private, because each user's options decide what is listed.
 */
const CACHE_HINTS = { ttlMs: 300_000, cacheScope: "private" } as const;

/** Requests that are rare and small enough to parse twice. `tools/call` is frequent and may be large: it is checked by hand. */
const RARE = new Map<string, z.ZodType>(
  [InitializeRequestSchema, ListToolsRequestSchema, ListPromptsRequestSchema, GetPromptRequestSchema].map((schema) => [
    schema.shape.method.value,
    schema,
  ]),
);

/**
 * A request belongs to revision 2026-07-28 exactly when its `_meta` names a protocol version (MCP 2026-07-28, "Versioning and
 * Compatibility"). The revision of a request is remembered until its answer. Messages of older revisions pass unchanged in both
 * directions, but for null in the arguments of a prompt, and with one exception: params of a wrong type are answered with -32602 and one sentence that repeats none of their
 * values, where the SDK would answer -32603 and a dump of its schema library.
 */
export function withCheckedRequests(inner: Transport, facts: ServerFacts): Transport {
  /** The methods of stateless requests in flight. */
  const methods = new Map<RequestId, string>();

  function receive(given: JSONRPCRequest): Verdict {
    const request = given.method === "prompts/get" ? withoutNullArguments(given) : given;
    const { id, method, params } = request;
    const meta = params?._meta ?? {};
    const isStateless = method === DISCOVER || meta[KEY.version] !== undefined;
    // The method is checked before its params: a method that the revision removed is unknown, whatever its params.
    const error = (isStateless ? (wrongEnvelope(meta) ?? removedMethod(method)) : undefined) ?? wrongParams(request);
    if (error) return { error };
    if (method === DISCOVER) return { result: discovered(meta[KEY.capabilities]) };
    if (isStateless) methods.set(id, method);
    return { pass: method === "tools/call" ? onlyWhatIsRead(request) : request };
  }

  function discovered(client: unknown): Record<string, unknown> {
    const { instructions } = facts;
    return complete(DISCOVER, {
      supportedVersions: SUPPORTED,
      capabilities: capabilitiesFor(facts, announcesView(client)),
      ...(instructions && { instructions }),
    });
  }

  /** Adds what the stateless revision demands of every result. */
  function complete(method: string, result: Record<string, unknown>): Record<string, unknown> {
    const meta = isObject(result._meta) ? result._meta : {};
    return {
      ...result,
      resultType: "complete",
      ...(CACHEABLE.includes(method) && CACHE_HINTS),
      _meta: { [KEY.serverInfo]: facts.serverInfo, ...meta },
    };
  }

  return wrapTransport(inner, {
    incoming(message) {
      if (isRequest(message)) return receive(message);
      if ("method" in message && message.method === "notifications/cancelled") {
        const id = message.params?.requestId;
        // No answer will remove the entry of a cancelled request.
        if (typeof id === "string" || typeof id === "number") methods.delete(id);
      }
      return { pass: message };
    },
    outgoing(message) {
      if ("method" in message || message.id === undefined) return message;
      const method = methods.get(message.id);
      if (method === undefined) return message;
      methods.delete(message.id);
      return "result" in message ? { ...message, result: complete(method, message.result) } : message;
    },
  });
}

function wrongEnvelope(meta: Record<string, unknown>): RpcError | undefined {
  const { [KEY.version]: requested, [KEY.capabilities]: capabilities, [KEY.clientInfo]: clientInfo } = meta;
  if (typeof requested !== "string") return invalidParams(`params._meta must hold ${KEY.version} as a string`);
  if (requested !== STATELESS_VERSION) {
    const message = "Unsupported protocol version";
    return { code: UNSUPPORTED_VERSION, message, data: { supported: SUPPORTED, requested } };
  }
  if (!isObject(capabilities)) return invalidParams(`params._meta must hold ${KEY.capabilities} as an object`);
  const isNamed = isObject(clientInfo) && typeof clientInfo.name === "string" && typeof clientInfo.version === "string";
  return clientInfo === undefined || isNamed
    ? undefined
    : invalidParams(`${KEY.clientInfo} must have a name and a version`);
}

function removedMethod(method: string): RpcError | undefined {
  return METHODS.has(method) ? undefined : { code: CODES.method, message: "Method not found" };
}

function wrongParams({ method, params }: JSONRPCRequest): RpcError | undefined {
  if (method === "tools/call") {
    if (typeof params?.name !== "string") return invalidParams("params.name must be a string");
    const { arguments: args } = params;
    return args === undefined || isObject(args) ? undefined : invalidParams("params.arguments must be an object");
  }
  const { error } = RARE.get(method)?.safeParse({ method, params }) ?? {};
  return error && invalidParams(`${error.issues[0]?.path.join(".")} is missing or has the wrong type`);
}

/** Some hosts send null for an argument of a prompt that the person left blank. Protocol and SDK allow only strings. */
function withoutNullArguments({
  params: { arguments: args, ...params } = {},
  ...request
}: JSONRPCRequest): JSONRPCRequest {
  const given = isObject(args) ? Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null)) : args;
  return { ...request, params: { ...params, ...(given === undefined || given === null ? {} : { arguments: given }) } };
}

/**
 * A call that waits keeps its request in memory, so only what is read stays. A server without the capability for tasks must
 * process a call as if it did not ask for a task (MCP 2025-11-25).
 */
function onlyWhatIsRead({ params, ...request }: JSONRPCRequest): JSONRPCRequest {
  const { name, arguments: args, _meta: meta } = params ?? {};
  const progressToken = meta?.progressToken;
  const kept = {
    ...(progressToken === undefined ? {} : { progressToken }),
    ...(announcesView(meta?.[KEY.capabilities]) && { [KEY.capabilities]: SEES_VIEW }),
  };
  return {
    ...request,
    params: {
      name,
      ...(args === undefined ? {} : { arguments: args }),
      ...(Object.keys(kept).length > 0 && { _meta: kept }),
    },
  };
}
