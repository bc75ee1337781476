import * as z from "zod";
import { Failure, neverSent } from "../core/errors.ts";
import { type Clock, httpDate } from "../core/time.ts";
import { type HttpRequest, type HttpResponse, headerOf, type Middleware } from "./send.ts";

const MAX_ATTEMPTS = 4;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8_000;

const REPEATABLE_STATUSES = new Set([
  429, // limited, so it had no effect
  502, // a gateway got no answer from behind it
  503, // maintenance or overload
  504, // a gateway gave up waiting
]);

/** Failures that the next try may not meet; a refusing proxy or an untrusted certificate stays. */
const REPEATABLE_CODES = new Set(["CONNECTION_FAILED", "CONNECTION_LOST", "TIMEOUT"]);

type Outcome = { response: HttpResponse } | { failure: unknown };

/**
 * Repeats what may be repeated with full-jitter exponential back-off, Retry-After first, four attempts at most. A wait that
 * would pass the request's deadline is not begun: the last outcome is returned at once.
 */
export function withRetry(clock: Clock): Middleware {
  return (next) => async (request) => {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await next(request).then(
        (response): Outcome => ({ response }),
        (failure): Outcome => ({ failure }),
      );
      const waitMs = backoffMs(attempt, clock) + askedMs(outcome, clock);
      const inTime = clock.now() + waitMs < request.deadline;
      if (attempt >= MAX_ATTEMPTS || request.signal.aborted || !inTime || !isRepeatable(request, outcome)) {
        if ("failure" in outcome) throw outcome.failure;
        return outcome.response;
      }
      await clock.sleep(waitMs, request.signal);
    }
  };
}

/** A GET may be repeated after any passing trouble, a POST only when it certainly had no effect. */
function isRepeatable({ method }: HttpRequest, outcome: Outcome): boolean {
  if ("response" in outcome) {
    const { status } = outcome.response;
    return method === "GET" ? REPEATABLE_STATUSES.has(status) : status === 429;
  }
  const { failure } = outcome;
  const passing = failure instanceof Failure && REPEATABLE_CODES.has(failure.code ?? "");
  return passing && (method === "GET" || neverSent(failure));
}

/** Full jitter spreads the clients that one outage brought into step. */
function backoffMs(attempt: number, { random }: Clock): number {
  return random() * Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1));
}

function askedMs(outcome: Outcome, { now }: Clock): number {
  return "response" in outcome ? (retryAfterSeconds(outcome.response, now()) ?? 0) * 1000 : 0;
}

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
