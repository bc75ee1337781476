// Says what both eras of MCP ask of a request and of its answer: revision 2026-07-28, and the older ones.
import type { Implementation, JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { CODES, invalidParams, isObject, type RpcError } from "./read-message.ts";

export type Params = Readonly<Record<string, unknown>>;
export type Result = Record<string, unknown>;

/** The capabilities of a client, extensions included. */
export type Announced = Readonly<Record<string, unknown>>;

/** What the answers to `initialize` and `server/discover` contain. */
export interface ServerFacts {
  serverInfo: Implementation;
  /** Only the answer to `initialize` has them: a stateless client gets the rest of the server's facts with every result. */
  icons?: Implementation["icons"];
  /** The server's capabilities, as a client sees them. */
  capabilities: (client: Announced) => Record<string, object>;
  instructions?: string;
}

/** The versions that the SDK negotiates, latest first. Importing the SDK's own list would load the SDK; a test compares both. */
export const NEGOTIABLE = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"] as const;

/** The stateless revision has no `initialize`: each request carries the version and the client's capabilities. */
const STATELESS_VERSION = "2026-07-28";
export const SUPPORTED = [STATELESS_VERSION];

/** UnsupportedProtocolVersion of revision 2026-07-28. */
const UNSUPPORTED_VERSION = -32022;

export const KEY = {
  version: "io.modelcontextprotocol/protocolVersion",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  clientInfo: "io.modelcontextprotocol/clientInfo",
  serverInfo: "io.modelcontextprotocol/serverInfo",
} as const;

export const DISCOVER = "server/discover";
const isList = (method: string) => method.endsWith("/list");
const isCacheable = (method: string) => isList(method) || [DISCOVER, "resources/read"].includes(method);
/** Methods that this server answers and that the stateless revision has removed. */
const REMOVED = ["initialize", "ping"];

/**
 * The lists never change while a process runs, but a restart may change the configuration. A client that keeps its cache across
 * a restart shows the old lists for at most five minutes. Private, because each user's options decide what is listed.
 */
const CACHE_HINTS = { ttlMs: 300_000, cacheScope: "private" } as const;

/** Each call keeps what its client announced while it waits, so a larger announcement counts as none. Those of hosts are small. */
const MAX_ANNOUNCED_CHARACTERS = 4_096;

/**
 * A request belongs to revision 2026-07-28 exactly when its `_meta` names a protocol version (MCP 2026-07-28, "Versioning and
 * Compatibility").
 */
export function isStateless({ method, params }: JSONRPCRequest): boolean {
  return method === DISCOVER || params?._meta?.[KEY.version] !== undefined;
}

/**
 * Why a request cannot be answered. The method is checked before its params: a method that the revision removed is unknown,
 * whatever its params. The SDK would answer params of a wrong type with -32603 and a dump of its schema library.
 */
export function refusalOf(request: JSONRPCRequest, isKnown: (method: string) => boolean): RpcError | undefined {
  const { method, params } = request;
  const isModern = isStateless(request);
  const envelope = isModern ? wrongEnvelope(params?._meta ?? {}) : undefined;
  if (envelope) return envelope;
  if (!isKnown(method) || (isModern && REMOVED.includes(method)))
    return { code: CODES.method, message: "Method not found" };
  const parts = (isList(method) ? READ_OF_LISTS : READ[method])?.(params) ?? [];
  const wrong = parts.find(([, isRight]) => !isRight);
  return wrong && invalidParams(`params${wrong[0]} ${wrong[2] ?? "is missing or has the wrong type"}`);
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

type Part = [path: string, isRight: boolean, rule?: string];
type Read = (params?: Params) => Part[];

const isString = (value: unknown) => typeof value === "string";
const eachOf = (path: string, values: unknown, isRight: (value: unknown, name: string) => boolean) =>
  Object.entries(isObject(values) ? values : {}).map(
    ([name, value]): Part => [`${path}.${name}`, isRight(value, name)],
  );

const CAPABILITIES = ["experimental", "sampling", "elicitation", "roots", "tasks", "extensions"];

/** The parts of the params of each method that are read. Null for an argument of a prompt counts as absent. */
const READ: Record<string, Read> = {
  initialize: (params) => [
    ["", params !== undefined],
    [".protocolVersion", isString(params?.protocolVersion)],
    [".capabilities", isObject(params?.capabilities)],
    ...eachOf(".capabilities", params?.capabilities, (value, name) => isObject(value) || !CAPABILITIES.includes(name)),
    [".clientInfo", isObject(params?.clientInfo)],
    ...["name", "version"].map(
      (name): Part => [`.clientInfo.${name}`, isObject(params?.clientInfo) && isString(params.clientInfo[name])],
    ),
  ],
  "prompts/get": ({ name, arguments: args } = {}) => [
    [".name", isString(name)],
    [".arguments", isObject(args ?? {})],
    ...eachOf(".arguments", args, (value) => isString(value ?? "")),
  ],
  "tools/call": ({ name, arguments: args = {} } = {}) => [
    [".name", isString(name), "must be a string"],
    [".arguments", isObject(args), "must be an object"],
  ],
};
const READ_OF_LISTS: Read = ({ cursor = "" } = {}) => [[".cursor", isString(cursor)]];

/** Adds what the stateless revision demands of every result. */
export function complete(method: string, result: Result, serverInfo: Implementation): Result {
  const { resultType = "complete", _meta: meta } = result;
  return {
    ...result,
    resultType,
    ...(resultType === "complete" && isCacheable(method) && CACHE_HINTS),
    _meta: { [KEY.serverInfo]: serverInfo, ...(isObject(meta) ? meta : {}) },
  };
}

/** What is kept of the capabilities that a client announced. */
export function announcedIn(capabilities: unknown): Announced {
  try {
    if (isObject(capabilities) && JSON.stringify(capabilities).length <= MAX_ANNOUNCED_CHARACTERS) return capabilities;
  } catch {
    // Nested so deep that it cannot be written, and so larger than the limit.
  }
  return {};
}

/**
 * A call that waits keeps its request in memory, so only what is read stays, with what its client announced in either era. A
 * server without the capability for tasks must process a call as if it did not ask for a task (MCP 2025-11-25).
 */
export function onlyWhatIsRead({ params, ...request }: JSONRPCRequest, announced: Announced): JSONRPCRequest {
  const { name, arguments: args, _meta: meta } = params ?? {};
  const progressToken = meta?.progressToken;
  return {
    ...request,
    params: {
      name,
      ...(args === undefined ? {} : { arguments: args }),
      _meta: { ...(progressToken === undefined ? {} : { progressToken }), [KEY.capabilities]: announced },
    },
  };
}
