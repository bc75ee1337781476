import type { Clock } from "../../core/time.ts";
import type { Limits } from "../limits.ts";

export interface SpeedWatch {
  /** Aborts when the other side stalls or trickles. */
  signal: AbortSignal;
  received: (bytes: number) => void;
  /** Time that passes in here is not the other side's. */
  excuse: <T>(work: Promise<T>) => Promise<T>;
  stop: () => void;
}

type SpeedLimits = Pick<Limits, "stallMs" | "lowSpeedBytesPerSecond" | "lowSpeedWindowMs">;

/**
 * Watches one request from its start. Counts ticks instead of reading the time, so neither a clock that jumps nor a
 * computer that slept looks like a stall.
 */
export function watchSpeed(limits: SpeedLimits, clock: Pick<Clock, "sleep">): SpeedWatch {
  const tickMs = Math.max(10, Math.min(1_000, Math.min(limits.stallMs, limits.lowSpeedWindowMs) / 10));
  const windowTicks = Math.ceil(limits.lowSpeedWindowMs / tickMs);
  const windowBytes = (limits.lowSpeedBytesPerSecond * limits.lowSpeedWindowMs) / 1_000;
  const slow = new AbortController();
  const stopped = new AbortController();
  const ticks: number[] = [];
  let fresh = 0;
  let quietTicks = 0;
  let excused = 0;
  let begun = false;

  async function run(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(tickMs, stopped.signal);
      } catch {
        // Stopped.
        return;
      }
      if (excused === 0) tick();
    }
  }

  function tick(): void {
    quietTicks = fresh > 0 ? 0 : quietTicks + 1;
    if (begun) ticks.push(fresh);
    fresh = 0;
    if (ticks.length > windowTicks) ticks.shift();
    const stalled = quietTicks * tickMs >= limits.stallMs;
    const trickling = ticks.length >= windowTicks && ticks.reduce((sum, bytes) => sum + bytes, 0) < windowBytes;
    if (stalled || trickling) {
      slow.abort(new Error(stalled ? "No byte arrived in time." : "The bytes arrive too slowly."));
      stopped.abort();
    }
  }

  void run();
  return {
    signal: slow.signal,
    received: (bytes) => {
      begun = true;
      fresh += bytes;
    },
    excuse: async (work) => {
      excused += 1;
      try {
        return await work;
      } finally {
        excused -= 1;
      }
    },
    stop: () => stopped.abort(),
  };
}
