import type { Limits } from "./limits.ts";

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

/**
 * Milliseconds that a Retry-After asks for (RFC 9110 §10.2.3: seconds or a date); undefined when it says neither. A date is
 * measured against the response's own Date, which takes the skew between the two clocks out.
 */
export function retryAfterMs(value: string | undefined, date: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1_000;
  const until = httpDate(value);
  return until === undefined ? undefined : Math.max(0, until - (httpDate(date) ?? now));
}

/** RFC 9110 §5.6.7, the one form that is still sent; milliseconds since the epoch. */
export function httpDate(value: string | undefined): number | undefined {
  if (value === undefined || !/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(value))
    return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
