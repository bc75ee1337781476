import {
  GetPromptRequestSchema,
  InitializeRequestSchema,
  type JSONRPCRequest,
  ListPromptsRequestSchema,
  ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type * as z from "zod";

/**
 * Requests that are rare and small enough to be parsed twice. The SDK would answer wrong ones with -32603 and a dump of
 * its schema library. `tools/call` is frequent and may be large, so it has checks of its own.
 */
const RARE = new Map<string, z.ZodType>(
  [InitializeRequestSchema, ListToolsRequestSchema, ListPromptsRequestSchema, GetPromptRequestSchema].map((schema) => [
    schema.shape.method.value,
    schema,
  ]),
);

const RELATED_TASK = "io.modelcontextprotocol/related-task";

/** What is wrong with a request's or a notification's params, in words without any of its values. */
export function wrongParams(method: string, params: unknown): string | undefined {
  if (params !== undefined && !isObject(params)) return "params must be an object";
  if (!isRequestParams(params)) return "params._meta is malformed";
  if (method === "tools/call") return wrongToolCall(params ?? {});
  const parsed = RARE.get(method)?.safeParse({ method, params });
  return parsed?.error && `${parsed.error.issues[0]?.path.join(".")} is missing or has the wrong type`;
}

function wrongToolCall(params: Record<string, unknown>): string | undefined {
  if (typeof params.name !== "string") return "params.name must be a string";
  if (params.arguments !== undefined && !isObject(params.arguments)) return "params.arguments must be an object";
  return undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the SDK's envelope schema accepts these params; it drops the message without an answer otherwise. */
export function isRequestParams(params: unknown): params is JSONRPCRequest["params"] {
  if (params === undefined) return true;
  if (!isObject(params)) return false;
  const { _meta: meta } = params;
  if (meta === undefined) return true;
  if (!isObject(meta)) return false;
  const { progressToken, [RELATED_TASK]: task } = meta;
  const isToken =
    progressToken === undefined || typeof progressToken === "string" || Number.isSafeInteger(progressToken);
  return isToken && (task === undefined || (isObject(task) && typeof task.taskId === "string"));
}
