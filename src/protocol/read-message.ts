// Reads one line of input as a JSON-RPC message, and defines the JSON-RPC codes and types that all layers share.
import { isUtf8 } from "node:buffer";
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  RequestId,
} from "@modelcontextprotocol/sdk/types.js";

/** JSON-RPC 2.0, section 5.1; `busy` is in the range that JSON-RPC leaves to servers. */
export const CODES = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  busy: -32000,
} as const;

/** An error of JSON-RPC, or of MCP on top of JSON-RPC. */
export interface RpcError {
  code: number;
  message: string;
  data?: unknown;
}

/** The error answer to a line that is not a valid request; `id` is null if the line has no valid id. */
export interface Refusal extends RpcError {
  id: RequestId | null;
}

type Reading =
  | { kind: "message"; message: JSONRPCRequest | JSONRPCNotification }
  | { kind: "refused"; refusal: Refusal }
  /** Gets no answer: a blank line, or an invalid notification or response, which JSON-RPC does not allow to be answered. */
  | { kind: "dropped"; reason?: string };

/**
 * Longest id and progress token, in bytes of JSON. Both are kept until the request is answered and are repeated in the answer or
 * in each progress message. Hosts use numbers and UUIDs.
 */
const MAX_ID_BYTES = 1024;
const ID_RULE = `must be an integer, or a string of at most ${MAX_ID_BYTES} bytes in JSON, quotation marks included`;

const BYTE_ORDER_MARK = "\ufeff";
const RELATED_TASK = "io.modelcontextprotocol/related-task";

/**
 * Every request that is returned as a message satisfies the SDK's envelope schemas, because the SDK silently drops all others.
 * For the same reason, members that JSON-RPC does not define are removed.
 */
export function readMessage(line: Buffer): Reading {
  // Decoding would silently replace invalid bytes.
  if (!isUtf8(line)) return refused(null, CODES.parse, "Parse error: the line is not valid UTF-8");
  let text = line.toString("utf8");
  if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
  if (text.trim() === "") return { kind: "dropped" };
  const value = parse(text);
  if (value === undefined) return refused(null, CODES.parse, "Parse error: the line is not JSON");
  if (Array.isArray(value)) {
    return refused(null, CODES.request, "Invalid request: batches are not part of MCP; send one message per line");
  }
  if (!isObject(value)) return refused(null, CODES.request, "Invalid request: a message is a JSON object");
  return Object.hasOwn(value, "method") ? readCall(value) : readResponse(value);
}

function readCall({ jsonrpc, id, method, params, result, error }: Record<string, unknown>): Reading {
  const invalid = (problem: string) => refused(isId(id) ? id : null, CODES.request, `Invalid request: ${problem}`);
  if (jsonrpc !== "2.0") return invalid('jsonrpc must be "2.0"');
  if (typeof method !== "string") return invalid("method must be a string");
  if (result !== undefined || error !== undefined) return invalid("a message is either a request or a response");
  if (id !== undefined && !isId(id)) return invalid(`id ${ID_RULE}`);
  if (!isParams(params)) {
    const { code, message } = invalidParams(problemOf(params) ?? "");
    return id === undefined ? { kind: "dropped", reason: message } : refused(id, code, message);
  }
  const call = { jsonrpc: "2.0" as const, method, ...(params && { params }) };
  return { kind: "message", message: id === undefined ? call : { ...call, id } };
}

/** This server asks its client nothing, so it needs no responses. */
function readResponse({ id, result, error }: Record<string, unknown>): Reading {
  if (result !== undefined || error !== undefined) return { kind: "dropped", reason: "A response to no request" };
  return refused(isId(id) ? id : null, CODES.request, "Invalid request: the message has no method");
}

/** Returns `undefined`, which JSON cannot express, for text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message is not passed on: it quotes the input, which may hold a secret.
    return undefined;
  }
}

/**
 * MCP allows strings and integers only. Integers beyond 2^53 are refused: the answer could not repeat them exactly. The answer to
 * a request whose id is refused has the id null (JSON-RPC 2.0 section 5).
 */
function isId(value: unknown): value is RequestId {
  if (typeof value !== "string") return Number.isSafeInteger(value);
  // The characters come first, since writing a long text as JSON takes time.
  return value.length <= MAX_ID_BYTES && Buffer.byteLength(JSON.stringify(value)) <= MAX_ID_BYTES;
}

/** What is wrong with the params of a message, if anything is. */
function problemOf(params: unknown): string | undefined {
  if (params === undefined) return undefined;
  if (!isObject(params)) return "params must be an object";
  const { _meta: meta = {} } = params;
  if (!isObject(meta)) return "params._meta must be an object";
  const { progressToken, [RELATED_TASK]: task } = meta;
  if (progressToken !== undefined && !isId(progressToken)) return `params._meta.progressToken ${ID_RULE}`;
  if (task === undefined || (isObject(task) && typeof task.taskId === "string")) return undefined;
  return `params._meta["${RELATED_TASK}"] must be an object with a taskId`;
}

const isParams = (params: unknown): params is JSONRPCRequest["params"] => problemOf(params) === undefined;

function refused(id: RequestId | null, code: number, message: string): Reading {
  return { kind: "refused", refusal: { id, code, message } };
}

export function invalidParams(problem: string): RpcError {
  return { code: CODES.params, message: `Invalid params: ${problem}` };
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
