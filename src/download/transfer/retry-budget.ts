import type { Limits } from "../limits.ts";

export interface RetryBudget {
  /** Attempts count from anew after enough progress beyond the furthest byte so far: a large file may break off often. */
  reached: (bytes: number) => void;
  /** Milliseconds to wait before the next attempt, or undefined when the budget is spent. */
  next: (retryAfterMs?: number) => number | undefined;
}

type RetryLimits = Pick<
  Limits,
  "attemptsWithoutProgress" | "progressBytes" | "backoffFirstMs" | "backoffMaxMs" | "retryAfterMaxMs"
>;

/** Full jitter: clients that lost the same server do not come back at the same moment. */
export function createRetryBudget(limits: RetryLimits, random: () => number, startBytes: number): RetryBudget {
  let attempts = 0;
  let mark = startBytes;
  return {
    reached: (bytes) => {
      if (bytes - mark < limits.progressBytes) return;
      mark = bytes;
      attempts = 0;
    },
    next: (retryAfterMs) => {
      attempts += 1;
      if (attempts > limits.attemptsWithoutProgress) return undefined;
      const backoff = random() * Math.min(limits.backoffMaxMs, limits.backoffFirstMs * 2 ** (attempts - 1));
      return Math.max(backoff, Math.min(retryAfterMs ?? 0, limits.retryAfterMaxMs));
    },
  };
}
