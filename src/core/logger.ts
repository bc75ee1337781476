// The log: structured records on standard error, scrubbed of secrets.
import type { Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { codeOf, Failure } from "./errors.ts";

type Fields = Readonly<Record<string, unknown>>;
type Write = (fields: Fields, message: string) => void;

/** Every string of a record is scrubbed of secrets before it is written. */
export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** Resolves when every record so far has been written. */
  written: () => Promise<void>;
}

/** Keeps a cycle of causes from hanging the log. */
const MAX_CAUSES = 5;

/** Twice the size of a stack of ten frames; a longer text quotes a document. */
const MAX_TEXT_CHARACTERS = 4_096;

/** Unread bytes after which records are dropped: a slow or absent reader must never hold up an answer. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** How long the end of the process waits for a slow reader. */
const DRAIN_LIMIT_MS = 200;

/** The names and numbers of pino, which programs that read logs know. */
const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Number.POSITIVE_INFINITY };

/**
 * Logs to standard error, one JSON object per line, since standard output belongs to the protocol. If the log is full, slow or
 * gone, records are lost and nothing else changes. A logging library would cost every start more than the rest of this file.
 */
export function createLog({
  level,
  scrub,
  stderr,
}: {
  level: keyof typeof LEVELS;
  scrub: (text: string) => string;
  stderr: Writable;
}): Log {
  // Without a listener, a full disk behind the log would end the process.
  stderr.on("error", () => undefined);

  const writer = (at: keyof typeof LEVELS): Write => {
    if (LEVELS[at] < LEVELS[level]) return () => undefined;
    return (fields, message) => {
      if (stderr.writableLength >= MAX_UNREAD_BYTES) return;
      const entries = Object.entries(fields).map(([name, value]) => [name, scrubbed(value, scrub)]);
      const head = { level: LEVELS[at], time: new Date().toISOString() };
      stderr.write(`${JSON.stringify({ ...head, ...Object.fromEntries(entries), msg: cut(scrub(message)) })}\n`);
    };
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    written: async () => {
      if (stderr.writableLength > 0) await Promise.race([drained(stderr), setTimeout(DRAIN_LIMIT_MS)]);
    },
  };
}

function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

/** Called with scrubbed text only: the scrubber would not recognise half a secret. */
function cut(text: string): string {
  return text.length <= MAX_TEXT_CHARACTERS ? text : `${text.slice(0, MAX_TEXT_CHARACTERS)}…`;
}

function scrubbed(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === "string") return cut(scrub(value));
  if (value instanceof Error) return scrubbed(chainOf(value), scrub);
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrubbed(item, scrub)]));
}

/** The error and its causes. Failures are expected and need no stack; other errors get theirs. */
function chainOf(error: Error): Fields[] {
  const chain: Fields[] = [];
  for (let link: unknown = error; link instanceof Error && chain.length < MAX_CAUSES; link = link.cause) {
    const code = codeOf(link);
    const stack = link instanceof Failure || link.stack === undefined ? {} : { stack: link.stack };
    chain.push({ name: link.name, ...(code && { code }), message: link.message, ...stack });
  }
  return chain;
}
