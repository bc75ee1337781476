import type { Clock } from "./send.ts";

/** Node fires timers beyond 31 bits at once; no wait of this program comes near. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The real time of this computer. */
export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const wake = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
    }),
  random: () => Math.random(),
};
