// Ends the process cleanly, once and in time, whatever the cause; keeps `console` away from standard output.
import { Console } from "node:console";
import type { Writable } from "node:stream";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

type EndReason = "input-ended" | "output-closed" | "transport-closed" | "uncaught-exception" | (typeof SIGNALS)[number];

type Fault = "uncaught-exception" | "unhandled-rejection" | "end-failed" | "end-timed-out";

/** MCP clients send SIGTERM two seconds after they close our input, so the process must have ended before. */
const END_LIMIT_MS = 1_600;

/** How long the end then waits for the reader of the log: Windows writes to a pipe later. */
const LOG_LIMIT_MS = 200;

/**
 * How long calls may continue after the end of the input, so that `printf … | server` gets its answers. The remaining time is
 * enough to revoke a token.
 */
const GRACE_MS = 1_000;

/**
 * Ends the process exactly once: when the input ends, the output closes, a signal or an uncaught exception arrives, or the
 * returned function is called.
 *
 * If the input ended, it first waits up to `graceMs` for `settle`, which resolves when every call is answered. In all other cases
 * nobody reads the answers any more. Then `onEnd` closes the server, the output and the log are flushed, and the process exits.
 * Everything but the flush of the log takes at most `limitMs`.
 *
 * The exit code is 0 for every ordinary end, signals included: hosts stop a server with signals and report any other code as
 * a crash. After an uncaught exception the state is unknown, so the process ends with 1; partial files and jobs survive.
 * An unhandled rejection is only reported: it belongs to one call, and ending would cut off all other calls.
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
  for (const stream of [stdout, stderr]) unblock(stream);

  let ending: Promise<void> | undefined;
  function end(reason: EndReason): Promise<void> {
    // Deferred to the next microtask: closing the server may call this again before `ending` is set.
    ending ??= Promise.resolve().then(() => finish(reason));
    return ending;
  }

  async function finish(reason: EndReason): Promise<void> {
    const inTime = await endsWithin(limitMs, cleanUp(reason));
    if (!inTime) report("end-timed-out", reason);
    await endsWithin(LOG_LIMIT_MS, flushed(stderr));
    process.exit(reason === "uncaught-exception" ? 1 : 0);
  }

  async function cleanUp(reason: EndReason): Promise<void> {
    try {
      if (reason === "input-ended") await endsWithin(graceMs, settle());
      await onEnd(reason);
    } catch (error) {
      report("end-failed", error);
    }
    await flushed(stdout);
  }

  for (const event of ["end", "close", "error"]) stdin.on(event, () => end("input-ended"));
  for (const event of ["close", "error"]) stdout.on(event, () => end("output-closed"));
  // The server can work without a reader of its log, but without a listener a broken pipe would be an uncaught exception.
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

/**
 * On Windows Node.js writes to the pipes of standard output and error synchronously (lib/net.js, `makeSyncWrite`): a client that
 * stops reading, if only the log, would stop the whole process. It has no public way to undo that, so the methods that it gave to
 * the stream are removed, and those of the class `Socket` write as on any other pipe.
 */
function unblock(stream: Writable): void {
  const handle: unknown = Reflect.get(stream, "_handle");
  if (process.platform !== "win32" || !(handle instanceof Object)) return;
  const setBlocking: unknown = Reflect.get(handle, "setBlocking");
  // It refuses a terminal.
  if (typeof setBlocking !== "function" || Reflect.apply(setBlocking, handle, [false]) !== 0) return;
  for (const name of ["_write", "_writev"]) Reflect.deleteProperty(stream, name);
}

/** Whether `work` ends within the limit. The timer keeps the process alive until `process.exit` sets the code. */
function endsWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), limitMs);
    work.then(() => resolve(true), reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves when everything written so far has left the process, or when the stream is closed. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}
