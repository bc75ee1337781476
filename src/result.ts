import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { ErrorEnvelope } from "./core/errors.ts";

/** A success: the value as structured content, and the same facts as JSON text for clients that show only that. */
export function successResult(
  value: object,
  { simulated, indent }: { simulated: boolean; indent: boolean },
): CallToolResult {
  const text = JSON.stringify(simulated ? { ...value, simulated } : value, null, indent ? 2 : 0);
  const structuredContent: Record<string, unknown> = JSON.parse(text);
  return { content: [{ type: "text", text }], structuredContent };
}

/** A failure: prose that is complete without the envelope, and the envelope, which satisfies the tool's output schema too. */
export function failureResult(
  tool: string,
  error: ErrorEnvelope,
  { simulated }: { simulated: boolean },
): CallToolResult {
  return {
    isError: true,
    content: [{ type: "text", text: proseOf(simulated ? `${tool} (simulated)` : tool, error) }],
    structuredContent: { ...(simulated ? { simulated } : {}), error },
  };
}

function proseOf(tool: string, envelope: ErrorEnvelope): string {
  const { error, errorCode, reason, detail, parameters, badRequestDetail, source, retryable, retryAfterSeconds, hint } =
    envelope;
  const facts = [error === undefined ? "" : `HTTP ${error}${reason ? ` ${reason}` : ""}`, errorCode]
    .filter(Boolean)
    .join(", ");
  const fields = badRequestDetail?.fields
    .filter(({ description }) => !detail?.includes(description))
    .map(({ field, description }) => `${field} ${description}`);
  return [
    `${tool} failed: ${facts || "no code"} (source: ${source}).`,
    detail && sentence(detail),
    fields?.length && sentence(fields.join("; ")),
    parameters?.some((parameter) => !detail?.includes(parameter)) && `Parameters: ${parameters.join(", ")}.`,
    `What to do: ${sentence(hint)}`,
    retryable
      ? `The same call may succeed later${retryAfterSeconds === undefined ? "" : `, after ${retryAfterSeconds} seconds`}.`
      : "Repeating the call as it is will not help.",
  ]
    .filter(Boolean)
    .join(" ");
}

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);
