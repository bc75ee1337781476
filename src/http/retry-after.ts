import * as z from "zod";
import { httpDate } from "../core/time.ts";
import { type HttpResponse, headerOf } from "./send.ts";

/** Nobody waits longer; a larger number is as good as this one and keeps date arithmetic exact. */
const MAX_SECONDS = 86_400;

/** The body of Atlas's token-bucket limiter: [resource, seconds to wait, capacity, refill, refill seconds]. */
const TokenBucket = z.object({
  errorCode: z.literal("RATE_LIMITED_TOKEN_BUCKET"),
  // What follows is not looked at, however much it is.
  parameters: z.preprocess(
    (list) => (Array.isArray(list) ? list.slice(0, 2) : list),
    z.tuple([z.unknown(), z.number().nonnegative()]),
  ),
});

/**
 * Seconds that a response asks to wait, 0 to 86,400; undefined when it names none. The Retry-After header (RFC 9110 section
 * 10.2.3) goes first; a date in it counts from the response's own Date, so that a wrong clock here does no harm.
 */
export function retryAfterSeconds(response: Pick<HttpResponse, "headers" | "json">, now: number): number | undefined {
  const header = headerOf(response, "retry-after")?.trim() ?? "";
  if (/^\d+$/.test(header)) return Math.min(Number(header), MAX_SECONDS);
  const until = httpDate(header);
  if (until !== undefined) {
    const from = httpDate(headerOf(response, "date") ?? "") ?? now;
    return Math.min(Math.max(Math.ceil((until - from) / 1000), 0), MAX_SECONDS);
  }
  const limited = TokenBucket.safeParse(response.json).data;
  return limited && Math.min(Math.ceil(limited.parameters[1]), MAX_SECONDS);
}
