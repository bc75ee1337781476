// The log: structured records on standard error, scrubbed of secrets.
import type { Writable } from "node:stream";
import type { Logger } from "pino";
import { codeOf, Failure } from "./errors.ts";

type Fields = Readonly<Record<string, unknown>>;
type Write = (fields: Fields, message: string) => void;

/** Every string of a record is scrubbed of secrets before it is written. */
export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** Resolves when every record so far has been passed to standard error. */
  written: () => Promise<void>;
}

/** Keeps a cycle of causes from hanging the log. */
const MAX_CAUSES = 5;

/** Twice the size of a stack of ten frames; a longer text quotes a document. */
const MAX_TEXT_CHARACTERS = 4_096;

type Levels = Pick<Logger, "debug" | "info" | "warn" | "error">;
const ignore = () => undefined;

/** Unread bytes after which records are dropped: a slow or absent reader must never hold up an answer. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** How long the first record waits, so that the host, which waits for its first answers, does not wait for the logging library. */
const HEAD_START_MS = 150;

/**
 * Logs to standard error, since standard output belongs to the protocol. If the log is full, slow or gone, records are lost and
 * nothing else changes. The logging library is loaded a moment after the first record, or at the end of the process; records keep
 * their time.
 */
export function createLog({
  level,
  scrub,
  stderr,
}: {
  level: string;
  scrub: (text: string) => string;
  stderr: Writable;
}): Log {
  const waiting: ((logger: Levels) => void)[] = [];
  let logger: Levels | undefined;
  let loading: Promise<void> | undefined;
  let start: NodeJS.Timeout | undefined;
  // Without a listener, a full disk behind the log would end the process.
  stderr.on("error", () => undefined);
  const destination = {
    write(line: string): void {
      if (stderr.writableLength < MAX_UNREAD_BYTES) stderr.write(line);
    },
  };

  function load(): Promise<void> {
    clearTimeout(start);
    loading ??= loadPino();
    return loading;
  }

  async function loadPino(): Promise<void> {
    try {
      const { default: pino } = await import("pino");
      logger = pino({ level, base: null, timestamp: false }, destination);
      for (const write of waiting.splice(0)) write(logger);
    } catch (error) {
      // As after an update under a running process. Nothing is kept for a log that will not come.
      logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
      waiting.length = 0;
      destination.write(
        `The log is lost, since its library could not be loaded (${codeOf(error) ?? String(error)}). Restart the MCP client.\n`,
      );
    }
  }

  const writer = (at: "debug" | "info" | "warn" | "error"): Write => {
    return (fields, message) => {
      const record = { time: new Date().toISOString(), ...fields };
      const write = (to: Levels) => to[at](scrubbed(record, scrub), cut(scrub(message)));
      if (logger) return write(logger);
      waiting.push(write);
      start ??= setTimeout(load, HEAD_START_MS);
    };
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    written: async () => {
      if (waiting.length > 0) await load();
    },
  };
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
