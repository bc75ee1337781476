import { expect, test } from "vitest";
import { markNeverSent, type OwnErrorCode, ownFailure } from "../../src/core/errors.ts";
import { withRetry } from "../../src/http/retry.ts";
import type { HttpRequest, HttpResponse } from "../../src/http/send.ts";
import { skippingClock } from "./clocks.ts";
import { get } from "./requests.ts";

const url = new URL("http://127.0.0.1/api");
const status = (code: number, headers: HttpResponse["headers"] = {}): HttpResponse => ({
  status: code,
  headers,
  json: undefined,
});
const failed = (code: OwnErrorCode) => ownFailure(code);
const unsent = (code: OwnErrorCode) => markNeverSent(ownFailure(code));

/** Plays one outcome per attempt, the last one for ever. */
async function play(script: (HttpResponse | Error)[], changes: Partial<HttpRequest> = {}, clock = skippingClock()) {
  let attempts = 0;
  const send = withRetry(clock)(async () => {
    const outcome = script[Math.min(attempts, script.length - 1)];
    attempts += 1;
    if (outcome instanceof Error || !outcome) throw outcome;
    return outcome;
  });
  const request = get(url, { deadline: clock.now() + 45_000, ...changes });
  const outcome = await send(request).catch((reason: unknown) => reason);
  return { outcome, attempts, waits: clock.waits };
}

test.each([
  ["GET", 429],
  ["GET", 502],
  ["GET", 503],
  ["GET", 504],
  ["POST", 429],
] as const)("a %s that meets a passing %i is repeated", async (method, code) => {
  const fine = status(200);
  expect(await play([status(code), fine], { method })).toMatchObject({ outcome: fine, attempts: 2 });
});

test.each([
  ["GET", 400],
  ["GET", 401],
  ["GET", 403],
  ["GET", 404],
  ["GET", 500],
  ["POST", 500],
  ["POST", 502],
  ["POST", 503],
  ["POST", 504],
] as const)("a %s that meets a %i is not repeated", async (method, code) => {
  expect(await play([status(code)], { method })).toMatchObject({ outcome: { status: code }, attempts: 1 });
});

test.each([
  ["GET", failed("CONNECTION_LOST"), 2],
  ["GET", failed("TIMEOUT"), 2],
  ["GET", unsent("CONNECTION_FAILED"), 2],
  ["GET", unsent("PROXY_FAILED"), 1],
  ["GET", unsent("TLS_FAILED"), 1],
  ["GET", failed("UNREADABLE_RESPONSE"), 1],
  ["GET", failed("INVALID_CREDENTIALS"), 1],
  ["GET", new Error("a bug"), 1],
  ["POST", failed("CONNECTION_LOST"), 1],
  ["POST", failed("TIMEOUT"), 1],
  ["POST", failed("CONNECTION_FAILED"), 1],
  ["POST", unsent("CONNECTION_FAILED"), 2],
  ["POST", unsent("CONNECTION_LOST"), 2],
  ["POST", unsent("INVALID_CREDENTIALS"), 1],
] as const)("a %s that fails with %s is tried %i times", async (method, failure, attempts) => {
  const played = await play([failure, status(200)], { method });
  expect(played.attempts).toBe(attempts);
  expect(played.outcome).toEqual(attempts === 1 ? failure : status(200));
});

test("four attempts are made with waits that double, spread from zero to the whole", async () => {
  expect(await play([status(503)], {}, skippingClock(0.999))).toEqual({
    outcome: status(503),
    attempts: 4,
    waits: [499.5, 999, 1998],
  });
  expect((await play([status(503)], {}, skippingClock(0))).waits).toEqual([0, 0, 0]);
});

test("a Retry-After is waited out before the back-off of the attempt", async () => {
  const limited = status(429, { "retry-after": "7" });
  expect(await play([limited, limited, status(200)])).toEqual({
    outcome: status(200),
    attempts: 3,
    waits: [7_250, 7_500],
  });
});

test("a wait that would pass the deadline is not begun; the outcome comes back at once", async () => {
  const limited = status(429, { "retry-after": "45" });
  expect(await play([limited, status(200)])).toEqual({ outcome: limited, attempts: 1, waits: [] });
  const lost = failed("CONNECTION_LOST");
  const late = skippingClock();
  expect(await play([lost, status(200)], { deadline: late.now() + 200 }, late)).toEqual({
    outcome: lost,
    attempts: 1,
    waits: [],
  });
});

test("an abort while waiting ends the repetition with the reason of the signal", async () => {
  const controller = new AbortController();
  const clock = {
    ...skippingClock(),
    sleep: async (_: number, signal: AbortSignal) => {
      controller.abort("cancelled");
      signal.throwIfAborted();
    },
  };
  const played = await play([status(503), status(200)], { signal: controller.signal }, clock);
  expect(played).toMatchObject({ outcome: "cancelled", attempts: 1 });
});
