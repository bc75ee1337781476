import pino from "pino";

export type Fields = Readonly<Record<string, unknown>>;
type Write = (fields: Fields, message: string) => void;

/** Structured log records; every string in them is scrubbed of secrets before it is written. */
export interface Log {
  debug: Write;
  info: Write;
  warn: Write;
  error: Write;
}

/** An error's chain of causes is finite in practice; a cycle must not hang the log. */
const MAX_CAUSES = 5;

/**
 * Logs to standard error, since standard output belongs to the protocol; synchronously, since the last record before the
 * end of a process matters most.
 */
export function createLog({ level, scrub }: { level: string; scrub: (text: string) => string }): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  const writer = (write: (fields: unknown, message: string) => void): Write => {
    return (fields, message) => write.call(logger, scrubbed(fields, scrub), scrub(message));
  };
  return {
    debug: writer(logger.debug),
    info: writer(logger.info),
    warn: writer(logger.warn),
    error: writer(logger.error),
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
