import { Console } from "node:console";
import type { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

type EndReason = "input-ended" | "output-closed" | "transport-closed" | "uncaught-exception" | (typeof SIGNALS)[number];

type Fault = "uncaught-exception" | "unhandled-rejection" | "end-failed" | "end-timed-out";

/** MCP clients send SIGTERM two seconds after they close our input, so all of the end has to fit below that. */
const END_LIMIT_MS = 1_800;

/**
 * How long calls may still finish after the input ended, so that `printf … | server` gets its answers. What remains of
 * the limit is enough to revoke a token.
 */
const GRACE_MS = 1_000;

/**
 * Ends the process exactly once, whatever ends it: end of input, a closed output, a signal, or the returned function.
 * `settle` resolves when no call is waiting for its answer; it is asked only when the input ended, because in all other
 * cases nobody reads answers any more. `onEnd` then closes the server and releases what it holds, and `exit` is called
 * after the output is flushed, at the latest after `limitMs`.
 *
 * The exit code is 0 for every ordinary end, signals included: that is how hosts stop a server, and they report any
 * other code as a crash. An uncaught exception ends with 1, since the state it leaves is unknown (partial files and
 * jobs survive it). An unhandled rejection is reported only: it belongs to one call, and ending would cut all others.
 */
export function runUntilEnd(options: {
  stdin: Readable;
  stdout: Writable;
  stderr: Writable;
  process: Pick<EventEmitter, "on">;
  settle?: () => Promise<unknown>;
  onEnd: (reason: EndReason) => Promise<unknown>;
  exit: (code: number) => void;
  report: (fault: Fault, error: unknown) => void;
  limitMs?: number;
  graceMs?: number;
}): (reason: EndReason) => Promise<void> {
  const { stdin, stdout, stderr, settle, onEnd, exit, report, limitMs = END_LIMIT_MS, graceMs = GRACE_MS } = options;

  async function run(reason: EndReason): Promise<void> {
    try {
      if (reason === "input-ended" && settle) await firstOf(settle(), graceMs);
      await onEnd(reason);
    } catch (error) {
      report("end-failed", error);
    }
    await flushed(stdout);
  }

  async function finish(reason: EndReason): Promise<void> {
    const inTime = await firstOf(run(reason), limitMs);
    if (!inTime) report("end-timed-out", reason);
    exit(reason === "uncaught-exception" ? 1 : 0);
  }

  let ending: Promise<void> | undefined;
  const end = (reason: EndReason): Promise<void> => {
    // In a turn of its own, since closing the server may call this again before `ending` is set.
    ending ??= Promise.resolve().then(() => finish(reason));
    return ending;
  };

  for (const event of ["end", "close", "error"]) stdin.on(event, () => end("input-ended"));
  for (const event of ["close", "error"]) stdout.on(event, () => end("output-closed"));
  // A log that nobody reads any more is no reason to end; without a listener the broken pipe would be an exception.
  stderr.on("error", () => undefined);
  for (const signal of SIGNALS) options.process.on(signal, () => end(signal));
  options.process.on("uncaughtException", (error) => {
    report("uncaught-exception", error);
    return end("uncaught-exception");
  });
  options.process.on("unhandledRejection", (error) => report("unhandled-rejection", error));
  return end;
}

/**
 * Sends everything that code of others prints with `console` to standard error: standard output carries the protocol.
 * Call it before anything else runs.
 */
export function keepConsoleOffStdout(target: Console, stderr: Writable): void {
  Object.assign(target, new Console(stderr, stderr));
}

/** Resolves to whether `work` ended within the limit. The timer keeps the process alive: `exit` decides the code. */
function firstOf(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    work.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves when everything written so far left the process, or cannot any more. */
function flushed(stdout: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stdout.destroyed || stdout.writableLength === 0) resolve();
    else stdout.write("", () => resolve());
  });
}
