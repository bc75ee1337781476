import type { ToolResult } from "./stdio-server.ts";

/** The fields of an error envelope that a program can act on; absent ones must be absent. */
export interface EnvelopeFacts {
  error?: number | undefined;
  errorCode?: string | undefined;
  source: string;
  retryable: boolean;
  retryAfterSeconds?: number | undefined;
}

/** How a call ended: a success (a complete one for a save), a save that goes on or pauses, or a failure. */
export type Verdict = "ok" | "goes on" | { paused: string | undefined } | EnvelopeFacts;

export const network = (errorCode: string, retryable = true, error?: number): EnvelopeFacts => ({
  ...(error === undefined ? {} : { error }),
  errorCode,
  source: "network",
  retryable,
});

/** An answer that is none of the API's. */
export const unreadable = (error?: number): EnvelopeFacts => ({
  ...(error === undefined ? {} : { error }),
  errorCode: "UNREADABLE_RESPONSE",
  source: "atlas",
  retryable: true,
});

export const fromAtlas = (error: number, errorCode?: string, rest: Partial<EnvelopeFacts> = {}): EnvelopeFacts => ({
  error,
  ...(errorCode === undefined ? {} : { errorCode }),
  source: "atlas",
  retryable: false,
  ...rest,
});

export const fromCredentials = (error: number, errorCode?: string): EnvelopeFacts =>
  fromAtlas(error, errorCode, { source: "credentials" });

export const OUTCOME_UNKNOWN: EnvelopeFacts = { errorCode: "OUTCOME_UNKNOWN", source: "atlas", retryable: false };

const FACTS = ["error", "errorCode", "source", "retryable", "retryAfterSeconds"];

/** A result reduced to its verdict, ready to be compared. */
export function verdictOf({ isError, structuredContent }: ToolResult): unknown {
  const { error, state, lastError } = structuredContent;
  if (isError) return pick(error, FACTS);
  if (state === "paused") return { paused: pick(lastError, ["errorCode"]).errorCode };
  return state === undefined || state === "complete" ? "ok" : "goes on";
}

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.filter(([name]) => names.includes(name)));
}

/** A verdict in words, for titles and tables. */
export function worded(verdict: unknown): string {
  if (typeof verdict !== "object" || verdict === null) return String(verdict);
  const facts = Object.entries(verdict).map(([name, value]) => (name === "paused" ? `paused by ${value}` : `${value}`));
  return facts.join(" ");
}
