// Work that continues between calls and that any number of calls can wait for.
import type { Failure } from "../core/errors.ts";
import type { Clock } from "../core/time.ts";
import type { WaitOptions } from "./contract.ts";

export interface BackgroundTask<Report> {
  report: () => Report;
  /** The final report, or the current one if the wait ends first. Rejects if the work fails or the signal aborts. */
  join: (wait: WaitOptions<Report>) => Promise<Report>;
  /** Stops the work at once; `reason` is why. */
  stop: (reason?: Failure) => void;
  /** Stops the work after what must finish first (`finishesFirst`), and resolves when it has ended. */
  stopInOrder: (reason: Failure) => Promise<void>;
  /** Resolves when the work has ended, successfully or not. */
  ended: Promise<void>;
  readonly isStopping: boolean;
  /** No call waits for it, and the last one that did was cancelled. */
  readonly isAbandoned: boolean;
}

interface TaskOptions<Report> {
  run: (signal: AbortSignal) => Promise<Report>;
  report: () => Report;
  /** How far the work is; progress is reported when this has grown, and at least every `quietMs`. */
  position: (report: Report) => number;
  /** Why the work stops when the last waiting call is cancelled; undefined if it goes on. */
  stopsWhenAbandoned: () => Failure | undefined;
  /** A promise that must settle before the work of cancelled calls is stopped. */
  finishesFirst?: () => Promise<void> | undefined;
  /** Gets the failure of work that no call was waiting for. */
  onMissedFailure: (error: unknown) => void;
  clock: Pick<Clock, "sleep" | "ticks">;
  progressEveryMs: number;
  /** A client that hears nothing for longer may give up. */
  quietMs: number;
}

export function startTask<Report>(options: TaskOptions<Report>): BackgroundTask<Report> {
  const { clock, progressEveryMs, quietMs } = options;
  const stopped = new AbortController();
  let waiting = 0;
  let joined = 0;
  let isAbandoned = false;
  const done = options.run(stopped.signal);
  const ended = done.then(
    () => undefined,
    (error) => {
      if (waiting === 0) options.onMissedFailure(error);
    },
  );

  async function join({ waitMs, onProgress, signal }: WaitOptions<Report>): Promise<Report> {
    signal.throwIfAborted();
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    waiting += 1;
    joined += 1;
    isAbandoned = false;
    try {
      const patience = clock.sleep(waitMs, until).then(options.report);
      return await Promise.race([done, patience, ...(onProgress ? [tellProgress(onProgress, until)] : [])]);
    } finally {
      waiting -= 1;
      over.abort();
      isAbandoned = signal.aborted && waiting === 0;
      if (signal.aborted) abandon(joined);
    }
  }

  /** Stops the work unless a call is waiting for it or has joined since the `lastJoined`-th call. */
  function abandon(lastJoined: number): void {
    const reason = waiting > 0 || joined !== lastJoined ? undefined : options.stopsWhenAbandoned();
    if (!reason) return;
    const first = options.finishesFirst?.();
    if (first) void first.then(() => abandon(lastJoined));
    else stopped.abort(reason);
  }

  async function stopInOrder(reason: Failure): Promise<void> {
    for (let first = options.finishesFirst?.(); first; first = options.finishesFirst?.()) await first;
    stopped.abort(reason);
    await ended;
  }

  /** Runs until the wait is over: the sleep then rejects. */
  async function tellProgress(tell: (report: Report) => void, until: AbortSignal): Promise<never> {
    let told = -1;
    let toldAt = Number.NEGATIVE_INFINITY;
    for (;;) {
      await clock.sleep(progressEveryMs, until);
      const report = options.report();
      const position = options.position(report);
      if (position <= told && clock.ticks() - toldAt < quietMs) continue;
      told = Math.max(told, position);
      toldAt = clock.ticks();
      tell(report);
    }
  }

  return {
    report: options.report,
    join,
    stop: (reason) => stopped.abort(reason),
    stopInOrder,
    ended,
    get isStopping() {
      return stopped.signal.aborted;
    },
    get isAbandoned() {
      return isAbandoned;
    },
  };
}
