// Repeats requests that are safe to repeat, after the wait that the server asks for.
import * as z from "zod";
import { Failure, neverSent } from "../core/errors.ts";
import { type Clock, httpDate } from "../core/time.ts";
import { type HttpRequest, type HttpResponse, headerOf, type Middleware, serverTimeOf } from "./messages.ts";

const MAX_ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;

const REPEATABLE_STATUSES = new Set([
  429, // rate-limited, so the request had no effect
  502, // a gateway could not reach the server behind it
  503, // maintenance or overload
  504, // a gateway gave up waiting for the server behind it
]);

/** Failures that may be temporary, unlike a proxy that refuses or an untrusted certificate. */
const REPEATABLE_CODES = new Set(["CONNECTION_FAILED", "CONNECTION_LOST", "TIMEOUT"]);

/** Nobody waits longer than a day. The cap keeps date arithmetic exact. */
const MAX_RETRY_AFTER_SECONDS = 86_400;

type Outcome = { response: HttpResponse } | { failure: unknown };

/**
 * Makes up to four attempts. Each wait is the server's Retry-After plus exponential back-off with full jitter. If a wait would
 * pass the request's deadline, the last outcome is returned at once.
 */
export function withRetry(clock: Clock): Middleware {
  return (next) => async (request) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await next(request).then(
        (response): Outcome => ({ response }),
        (failure): Outcome => ({ failure }),
      );
      const askedSeconds = "response" in outcome ? retryAfterSeconds(outcome.response, clock.now()) : undefined;
      const waitMs = (askedSeconds ?? 0) * 1000 + backoffMs(attempt, clock);
      const inTime = clock.now() + waitMs < request.deadline;
      if (attempt >= MAX_ATTEMPTS || request.signal.aborted || !inTime || !isRepeatable(request, outcome)) {
        if ("failure" in outcome) throw outcome.failure;
        return outcome.response;
      }
      await clock.sleep(waitMs, request.signal);
    }
  };
}

/** A GET may be repeated after any temporary failure, a POST only when it certainly had no effect. */
function isRepeatable({ method }: HttpRequest, outcome: Outcome): boolean {
  if ("response" in outcome) {
    const { status } = outcome.response;
    return method === "GET" ? REPEATABLE_STATUSES.has(status) : status === 429;
  }
  const { failure } = outcome;
  const passing = failure instanceof Failure && REPEATABLE_CODES.has(failure.code ?? "");
  return passing && (method === "GET" || neverSent(failure));
}

/** Full jitter spreads out clients that all failed at the same moment. */
function backoffMs(attempt: number, { random }: Clock): number {
  return random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
}

/** The body of Atlas's token-bucket limiter: [resource, seconds to wait, capacity, refill, refill seconds]. */
const TokenBucket = z.object({
  errorCode: z.literal("RATE_LIMITED_TOKEN_BUCKET"),
  // Cut before validation, so that a list of millions costs nothing.
  parameters: z.preprocess(
    (list) => (Array.isArray(list) ? list.slice(0, 2) : list),
    z.tuple([z.unknown(), z.number().nonnegative()]),
  ),
});

/**
 * The seconds that a response asks to wait, from 0 to 86,400; undefined when it names no time. The Retry-After header (RFC 9110
 * section 10.2.3) takes precedence. A date in it counts from the response's own Date, so a wrong clock here does no harm.
 */
export function retryAfterSeconds(response: Pick<HttpResponse, "headers" | "json">, now: number): number | undefined {
  const header = headerOf(response, "retry-after")?.trim() ?? "";
  if (/^\d+$/.test(header)) return Math.min(Number(header), MAX_RETRY_AFTER_SECONDS);
  const until = httpDate(header);
  if (until !== undefined) {
    const from = serverTimeOf(response) ?? now;
    return Math.min(Math.max(Math.ceil((until - from) / 1000), 0), MAX_RETRY_AFTER_SECONDS);
  }
  const limited = TokenBucket.safeParse(response.json).data;
  return limited && Math.min(Math.ceil(limited.parameters[1]), MAX_RETRY_AFTER_SECONDS);
}
