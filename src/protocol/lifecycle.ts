// Ends the process once, cleanly and in time, whatever ends it; keeps `console` away from standard output.
import { Console } from "node:console";
import type { Writable } from "node:stream";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

type EndReason = "input-ended" | "output-closed" | "transport-closed" | "uncaught-exception" | (typeof SIGNALS)[number];

type Fault = "uncaught-exception" | "unhandled-rejection" | "end-failed" | "end-timed-out";

/** MCP clients send SIGTERM two seconds after they close our input; the whole end has to fit below that. */
const END_LIMIT_MS = 1_800;

/**
 * How long calls may continue after the input ended, so that `printf … | server` gets its answers. The rest of the limit is
 * enough to revoke a token.
 */
const GRACE_MS = 1_000;

/**
 * Ends the process exactly once: when the input ends, the output closes, a signal or an uncaught exception arrives, or the
 * returned function is called.
 *
 * If the input ended, it first waits until `settle` resolves, when every call is answered; in all other cases nobody reads
 * answers any more. Then `onEnd` closes the server and releases what it holds, the output is flushed, and the process exits,
 * after `limitMs` at the latest.
 *
 * The exit code is 0 for every ordinary end, signals included: hosts stop a server with signals, and report any other code as
 * a crash. An uncaught exception ends with 1, because the state after it is unknown; partial files and jobs survive it.
 * An unhandled rejection is only reported: it belongs to one call, and ending would cut off all others.
 */
export function runUntilEnd(options: {
  settle: () => Promise<unknown>;
  onEnd: (reason: EndReason) => Promise<unknown>;
  report: (fault: Fault, error: unknown) => void;
  limitMs?: number;
  graceMs?: number;
}): (reason: EndReason) => Promise<void> {
  const { settle, onEnd, report, limitMs = END_LIMIT_MS, graceMs = GRACE_MS } = options;
  const { stdin, stdout, stderr } = process;

  let ending: Promise<void> | undefined;
  function end(reason: EndReason): Promise<void> {
    // Deferred to the next microtask: closing the server may call this again before `ending` is set.
    ending ??= Promise.resolve().then(() => finish(reason));
    return ending;
  }

  async function finish(reason: EndReason): Promise<void> {
    const inTime = await firstOf(cleanUp(reason), limitMs);
    if (!inTime) report("end-timed-out", reason);
    process.exit(reason === "uncaught-exception" ? 1 : 0);
  }

  async function cleanUp(reason: EndReason): Promise<void> {
    try {
      if (reason === "input-ended") await firstOf(settle(), graceMs);
      await onEnd(reason);
    } catch (error) {
      report("end-failed", error);
    }
    await flushed(stdout);
  }

  for (const event of ["end", "close", "error"]) stdin.on(event, () => end("input-ended"));
  for (const event of ["close", "error"]) stdout.on(event, () => end("output-closed"));
  // A log that nobody reads is no reason to end; without a listener the broken pipe would be an uncaught exception.
  stderr.on("error", () => undefined);
  for (const signal of SIGNALS) process.on(signal, () => end(signal));
  process.on("uncaughtException", (error) => {
    report("uncaught-exception", error);
    return end("uncaught-exception");
  });
  process.on("unhandledRejection", (error) => report("unhandled-rejection", error));
  return end;
}

/**
 * Sends everything that foreign code prints with `console` to standard error, because standard output carries the protocol.
 * Call it before anything else runs.
 */
export function keepConsoleOffStdout(target: Console, stderr: Writable): void {
  Object.assign(target, new Console(stderr, stderr));
}

/** Resolves to whether `work` ended within the limit. The timer keeps the process alive until `process.exit` sets the code. */
function firstOf(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    work.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves when everything written so far has left the process, or no longer can. */
function flushed(stdout: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stdout.destroyed || stdout.writableLength === 0) resolve();
    else stdout.write("", () => resolve());
  });
}
