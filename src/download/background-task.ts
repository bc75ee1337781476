import type { Clock } from "../core/time.ts";
import type { WaitOptions } from "./contract.ts";

/** Work that goes on between calls and that any number of calls may wait for. */
export interface BackgroundTask<Report> {
  report: () => Report;
  /** The report at the end, or the present one when the wait is over first. Rejects as the work does, or with the signal's reason. */
  join: (wait: WaitOptions<Report>) => Promise<Report>;
  stop: () => void;
  /** Resolves when the work has ended, whichever way. */
  ended: Promise<void>;
  readonly isStopping: boolean;
}

interface TaskOptions<Report> {
  run: (signal: AbortSignal) => Promise<Report>;
  report: () => Report;
  /** How far the work is, for progress that never goes backwards. */
  position: (report: Report) => number;
  /** Whether the work ends when the last waiting call was cancelled. */
  endsWhenLetGo: () => boolean;
  /** What must come to its end first, even when nobody waits any more. */
  heldBy?: () => Promise<void> | undefined;
  /** Learns of an end that no call was waiting for. */
  onUnheard: (error: unknown) => void;
  clock: Pick<Clock, "sleep">;
  progressEveryMs: number;
}

export function startTask<Report>(options: TaskOptions<Report>): BackgroundTask<Report> {
  const { clock, progressEveryMs } = options;
  const stopped = new AbortController();
  let waiting = 0;
  let joined = 0;
  const done = options.run(stopped.signal);
  const ended = done.then(
    () => undefined,
    (error) => {
      if (waiting === 0) options.onUnheard(error);
    },
  );

  async function join({ waitMs, onProgress, signal }: WaitOptions<Report>): Promise<Report> {
    signal.throwIfAborted();
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    waiting += 1;
    joined += 1;
    try {
      const patience = clock.sleep(waitMs, until).then(options.report);
      return await Promise.race([done, patience, ...(onProgress ? [progress(onProgress, until)] : [])]);
    } finally {
      waiting -= 1;
      over.abort();
      if (signal.aborted) letGo(joined);
    }
  }

  /** Ends the work, unless a call waits for it or has joined it since. */
  function letGo(turn: number): void {
    if (waiting > 0 || joined !== turn || !options.endsWhenLetGo()) return;
    const held = options.heldBy?.();
    if (held) void held.then(() => letGo(turn));
    else stopped.abort();
  }

  /** Goes on until the wait is over, which rejects its sleep. */
  async function progress(tell: (report: Report) => void, until: AbortSignal): Promise<never> {
    let told = -1;
    for (;;) {
      await clock.sleep(progressEveryMs, until);
      const report = options.report();
      const position = options.position(report);
      if (position <= told) continue;
      told = position;
      tell(report);
    }
  }

  return {
    report: options.report,
    join,
    stop: () => stopped.abort(),
    ended,
    get isStopping() {
      return stopped.signal.aborted;
    },
  };
}
