import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  GetPromptRequestSchema,
  InitializeRequestSchema,
  type JSONRPCRequest,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type * as z from "zod";
import { CODES } from "./read-message.ts";
import { isRequest, wrapTransport } from "./wrap-transport.ts";

/**
 * Requests that are rare and small enough to be parsed twice. `tools/call` is frequent and may be large, so it has
 * checks of its own.
 */
const RARE = new Map<string, z.ZodType>(
  [InitializeRequestSchema, ListToolsRequestSchema, ListPromptsRequestSchema, GetPromptRequestSchema].map((schema) => [
    schema.shape.method.value,
    schema,
  ]),
);

/**
 * Answers requests whose params have a wrong type with -32602 and one sentence that repeats none of their values. The
 * SDK would answer -32603 and a dump of its schema library.
 */
export function withCheckedParams(inner: Transport): Transport {
  return wrapTransport(inner, {
    incoming(message) {
      if (!isRequest(message)) return { pass: message };
      const problem = wrongParams(message);
      if (problem !== undefined) return { error: { code: CODES.params, message: `Invalid params: ${problem}` } };
      return { pass: message.method === "tools/call" ? withoutTask(message) : message };
    },
  });
}

function wrongParams({ method, params }: JSONRPCRequest): string | undefined {
  if (method === "tools/call") {
    if (typeof params?.name !== "string") return "params.name must be a string";
    const { arguments: args } = params;
    const isObject = typeof args === "object" && args !== null && !Array.isArray(args);
    return args === undefined || isObject ? undefined : "params.arguments must be an object";
  }
  const parsed = RARE.get(method)?.safeParse({ method, params });
  return parsed?.error && `${parsed.error.issues[0]?.path.join(".")} is missing or has the wrong type`;
}

/** A server without the capability for tasks must process the call as if it did not ask for one (MCP 2025-11-25). */
function withoutTask({ params, ...request }: JSONRPCRequest): JSONRPCRequest {
  const { task: _ignored, ...rest } = params ?? {};
  return { ...request, params: rest };
}
