import type { Logger } from "pino";

export type Fields = Readonly<Record<string, unknown>>;
type Write = (fields: Fields, message: string) => void;

/** Structured log records; every string in them is scrubbed of secrets before it is written. */
export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
  /** Resolves when every record so far has been written. */
  written: () => Promise<void>;
}

/** An error's chain of causes is finite in practice; a cycle must not hang the log. */
const MAX_CAUSES = 5;

/**
 * Logs to standard error, since standard output belongs to the protocol; synchronously, since the last record before the
 * end of a process matters most. The library is loaded behind the first answer, so that a host that starts a server for
 * every window waits for the answer only; records written before keep their time.
 */
export function createLog({ level, scrub }: { level: string; scrub: (text: string) => string }): Log {
  const waiting: ((logger: Logger) => void)[] = [];
  let logger: Logger | undefined;
  let loading: Promise<void> | undefined;

  async function load(): Promise<void> {
    const { default: pino } = await import("pino");
    logger = pino({ level, base: null, timestamp: false }, pino.destination({ dest: 2, sync: true }));
    for (const write of waiting.splice(0)) write(logger);
  }

  const writer = (at: "debug" | "info" | "warn" | "error"): Write => {
    return (fields, message) => {
      const record = { time: new Date().toISOString(), ...fields };
      const write = (to: Logger) => to[at](scrubbed(record, scrub), scrub(message));
      if (logger) return write(logger);
      waiting.push(write);
      loading ??= new Promise<void>((resolve) => setImmediate(resolve)).then(load);
    };
  };
  return {
    debug: writer("debug"),
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    written: async () => loading,
  };
}

function scrubbed(value: unknown, scrub: (text: string) => string): unknown {
  if (typeof value === "string") return scrub(value);
  if (value instanceof Error) return scrubbed(chainOf(value), scrub);
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrubbed(item, scrub)]));
}

/** The error and its causes, each with what identifies it; stacks only of those that are faults of this program. */
function chainOf(error: Error): Fields[] {
  const chain: Fields[] = [];
  for (let link: unknown = error; link instanceof Error && chain.length < MAX_CAUSES; link = link.cause) {
    const code = "code" in link && typeof link.code === "string" ? { code: link.code } : {};
    chain.push({ name: link.name, ...code, message: link.message, stack: link.stack ?? "" });
  }
  return chain;
}
