import type { Clock } from "../../src/core/time.ts";

/** Longer sleeps in this program are not pauses but time limits on other work. */
const LONGEST_PAUSE_MS = 10_000;

/** A pause ends at once and advances the time. A time limit ends when pauses and `advance` have advanced the time that far. */
export function pausingClock(): Clock & { advance: (ms: number) => void } {
  const { advance, ...clock } = manualClock();
  return {
    ...clock,
    advance: (ms) => void advance(ms),
    sleep: async (ms, signal) => {
      if (ms > LONGEST_PAUSE_MS) return clock.sleep(ms, signal);
      signal.throwIfAborted();
      void advance(ms);
    },
  };
}

/** Time stands still until `advance`, which also ends the sleeps that are due. */
export function manualClock(): Clock & { advance: (ms: number) => Promise<void> } {
  let time = Date.UTC(2026, 10, 24, 12);
  const sleepers = new Set<{ until: number; wake: () => void }>();
  return {
    now: () => time,
    ticks: () => time,
    random: () => 0.5,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { until: time + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    advance: async (ms) => {
      time += ms;
      for (const sleeper of [...sleepers].filter(({ until }) => until <= time)) {
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await new Promise(setImmediate);
    },
  };
}
