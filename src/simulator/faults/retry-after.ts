import type { RetryAfter } from "./orders.ts";

/** Long enough to be beyond any patience, and beyond 32 bits of milliseconds. */
const HUGE_SECONDS = 4_000_000_000;

export function retryAfterHeader(form: RetryAfter, now: number): Record<string, string> {
  switch (form) {
    case "none":
      return {};
    case "date":
      return { "Retry-After": new Date(now + 5_000).toUTCString() };
    case "past":
      return { "Retry-After": new Date(now - 3_600_000).toUTCString() };
    case "garbage":
      return { "Retry-After": "soon, 3e1 minutes" };
    case "huge":
      return { "Retry-After": String(HUGE_SECONDS) };
    default:
      return { "Retry-After": String(form) };
  }
}
