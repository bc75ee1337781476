import type { Clock } from "../../src/core/time.ts";
import type { Limits } from "../../src/download/limits.ts";

// What a child process shares with the tests; it imports no test runner.

export const KIB = 1024;
export const identity = {
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  snapshotId: "5fa1000000000000000000c8",
};
export const facts = { finishTime: "2026-11-22T03:01:10Z", mongoDBVersion: "8.0.4" };

export const clock: Clock = {
  now: Date.now,
  ticks: performance.now.bind(performance),
  random: Math.random,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const giveUp = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      }, ms);
      signal.addEventListener("abort", giveUp, { once: true });
    }),
};

/** Small enough to be met by small files, but nothing that a busy computer could mistake for a stall. */
export const limits: Partial<Limits> = {
  batchBytes: 32 * KIB,
  commitBytes: 128 * KIB,
  commitEveryMs: 20,
  stallMs: 5_000,
  lowSpeedWindowMs: 5_000,
  attemptsWithoutProgress: 4,
  progressBytes: 64 * KIB,
  backoffFirstMs: 1,
  backoffMaxMs: 4,
  retryAfterMaxMs: 50,
  diskReserveBytes: 0,
  progressEveryMs: 10,
};
