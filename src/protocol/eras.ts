import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCRequest, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { CODES, isObject } from "./read-message.ts";
import { isRequest, type RpcError, type Verdict, wrapTransport } from "./wrap-transport.ts";

/** The stateless revision, spoken beside the ones that the SDK negotiates with `initialize`. */
const MODERN_VERSION = "2026-07-28";
const SUPPORTED = [MODERN_VERSION];

/** UnsupportedProtocolVersion of revision 2026-07-28. */
const UNSUPPORTED_VERSION = -32022;

const KEY = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
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
/** The revision removed `initialize`, `ping`, `logging/setLevel`, `resources/subscribe` and the tasks from its core. */
const METHODS = new Set([...CACHEABLE, "tools/call", "prompts/get", "completion/complete"]);

/**
 * What a process lists never changes while it runs; five minutes bound how long a client that keeps its cache over a
 * restart shows what an older configuration listed. Private, since options decide what is listed.
 */
const CACHE_HINTS = { ttlMs: 300_000, cacheScope: "private" } as const;

/** What `initialize` and `server/discover` say about a server. */
export interface ServerFacts {
  serverInfo: { name: string; version: string; title?: string };
  capabilities: Record<string, object>;
  instructions?: string;
}

/**
 * Serves revision 2026-07-28 beside the older ones. A request belongs to it exactly when its `_meta` names a protocol
 * version (MCP 2026-07-28, "Versioning and Compatibility"); every other message passes unchanged, in both directions, so
 * older clients notice nothing. The choice is made per request and leaves no state behind.
 */
export function withEras(inner: Transport, facts: ServerFacts): Transport {
  const methods = new Map<RequestId, string>();
  const about = { [KEY.serverInfo]: facts.serverInfo };

  function complete(method: string, result: Record<string, unknown>): Record<string, unknown> {
    const meta = isObject(result._meta) ? result._meta : {};
    return {
      ...result,
      resultType: "complete",
      ...(CACHEABLE.includes(method) && CACHE_HINTS),
      _meta: { ...about, ...meta },
    };
  }

  function discover(): Verdict {
    const { capabilities, instructions } = facts;
    const said = { supportedVersions: SUPPORTED, capabilities, ...(instructions && { instructions }) };
    return { result: complete(DISCOVER, said) };
  }

  function receive(request: JSONRPCRequest): Verdict {
    const { method, params } = request;
    const meta = params?._meta ?? {};
    const isModern = meta[KEY.version] !== undefined;
    if (!isModern && method !== DISCOVER) return { pass: request };
    const error = wrongEnvelope(meta) ?? removedMethod(method);
    if (error) return { error };
    if (method === DISCOVER) return discover();
    methods.set(request.id, method);
    return { pass: request };
  }

  return wrapTransport(inner, {
    incoming(message) {
      if (isRequest(message)) return receive(message);
      if ("method" in message && message.method === "notifications/cancelled") {
        const id = message.params?.requestId;
        // No answer follows a cancellation that would remove it.
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
  const invalid = (problem: string) => ({ code: CODES.params, message: `Invalid params: ${problem}` });
  if (typeof requested !== "string") return invalid(`params._meta must hold ${KEY.version} as a string`);
  if (requested !== MODERN_VERSION) {
    const message = "Unsupported protocol version";
    return { code: UNSUPPORTED_VERSION, message, data: { supported: SUPPORTED, requested } };
  }
  if (!isObject(capabilities)) return invalid(`params._meta must hold ${KEY.capabilities} as an object`);
  const isNamed = isObject(clientInfo) && typeof clientInfo.name === "string" && typeof clientInfo.version === "string";
  return clientInfo === undefined || isNamed ? undefined : invalid(`${KEY.clientInfo} must have a name and a version`);
}

function removedMethod(method: string): RpcError | undefined {
  return METHODS.has(method) ? undefined : { code: CODES.method, message: "Method not found" };
}
