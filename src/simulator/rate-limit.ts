interface Admission {
  admitted: boolean;
  limit: number;
  remaining: number;
  /** Whole seconds until the next request is admitted. */
  retrySeconds: number;
}

export type RateLimiter = (key: string) => Admission;

export interface BucketSize {
  capacity: number;
  refillPerMinute: number;
}

/** Token buckets, one per key: full at first, refilled evenly. */
export function createTokenBuckets({ capacity, refillPerMinute }: BucketSize, now: () => number): RateLimiter {
  const buckets = new Map<string, { level: number; at: number }>();
  const perMs = refillPerMinute / 60_000;

  return (key) => {
    const { level, at } = buckets.get(key) ?? { level: capacity, at: now() };
    const filled = Math.min(capacity, level + (now() - at) * perMs);
    const admitted = filled >= 1;
    const left = admitted ? filled - 1 : filled;
    buckets.set(key, { level: left, at: now() });
    return {
      admitted,
      limit: capacity,
      remaining: Math.floor(left),
      retrySeconds: Math.max(1, Math.ceil((1 - left) / perMs / 1_000)),
    };
  };
}

/** So many per minute, counted over the last sixty seconds. */
export function createMinuteLimit(perMinute: number, now: () => number): RateLimiter {
  const admittedAt = new Map<string, number[]>();

  return (key) => {
    const recent = (admittedAt.get(key) ?? []).filter((at) => at > now() - 60_000);
    const admitted = recent.length < perMinute;
    if (admitted) recent.push(now());
    admittedAt.set(key, recent);
    const waitMs = (recent[0] ?? now()) + 60_000 - now();
    return {
      admitted,
      limit: perMinute,
      remaining: perMinute - recent.length,
      retrySeconds: Math.max(1, Math.ceil(waitMs / 1_000)),
    };
  };
}
