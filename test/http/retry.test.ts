import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { markNeverSent, type OwnErrorCode, ownFailure } from "../../src/core/errors.ts";
import type { Clock } from "../../src/core/time.ts";
import type { HttpRequest, HttpResponse } from "../../src/http/messages.ts";
import { withRetry } from "../../src/http/retry.ts";
import { failureOf, get, post, transport } from "./requests.ts";
import { closedPort, serve } from "./servers.ts";

const url = new URL("http://127.0.0.1/api");
const status = (code: number, headers: HttpResponse["headers"] = {}): HttpResponse => ({
  status: code,
  headers,
  json: undefined,
});
const failed = (code: OwnErrorCode) => ownFailure(code);
const unsent = (code: OwnErrorCode) => markNeverSent(ownFailure(code));

/** Time passes only in sleeps, which end at once; `random` is fixed. */
function skippingClock(random = 0.5): Clock & { waits: number[] } {
  let time = Date.UTC(2026, 10, 24, 12);
  const waits: number[] = [];
  return {
    waits,
    now: () => time,
    ticks: () => time,
    random: () => random,
    sleep: async (ms, signal) => {
      signal.throwIfAborted();
      waits.push(ms);
      time += ms;
    },
  };
}

/** Plays one outcome per attempt, and repeats the last one. */
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
] as const)("a %s answered with %i is repeated", async (method, code) => {
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
] as const)("a %s answered with %i is not repeated", async (method, code) => {
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

test("four attempts are made; each wait is random between zero and a maximum that doubles", async () => {
  expect(await play([status(503)], {}, skippingClock(0.999))).toEqual({
    outcome: status(503),
    attempts: 4,
    waits: [499.5, 999, 1998],
  });
  expect((await play([status(503)], {}, skippingClock(0))).waits).toEqual([0, 0, 0]);
});

test("each wait is the server's Retry-After plus the back-off", async () => {
  const limited = status(429, { "retry-after": "7" });
  expect(await play([limited, limited, status(200)])).toEqual({
    outcome: status(200),
    attempts: 3,
    waits: [7_250, 7_500],
  });
});

test("if the wait would pass the deadline, the outcome is returned at once", async () => {
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

test("an abort during a wait ends the retries with the signal's reason", async () => {
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

const later = skippingClock().now() + 45_000;

test("a POST whose connection broke after it was sent is not repeated; a GET is", async () => {
  const jobs: string[] = [];
  const server = await serve((request, response) => {
    request.resume().on("end", () => {
      jobs.push(request.method ?? "");
      if (jobs.length > 2) response.end("{}");
      else request.socket.resetAndDestroy();
    });
  });
  const send = withRetry(skippingClock())((request) => transport()({ ...request, deadline: Date.now() + 10_000 }));
  expect((await failureOf(send(post(server.url, { deadline: later })))).code).toBe("CONNECTION_LOST");
  expect(jobs).toEqual(["POST"]);
  expect((await send(get(server.url, { deadline: later }))).status).toBe(200);
  expect(jobs).toEqual(["POST", "GET", "GET"]);
});

test("a POST that found no connection is repeated, and is sent once", async () => {
  const port = await closedPort();
  const jobs: string[] = [];
  const server = createServer((request, response) => {
    jobs.push(request.method ?? "");
    request.resume().on("end", () => response.end("{}"));
  });
  onTestFinished(() => void server.close());
  const clock = skippingClock();
  const opening = {
    ...clock,
    sleep: (ms: number, signal: AbortSignal) =>
      clock.sleep(ms, signal).then(() => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))),
  };
  const send = withRetry(opening)((request) => transport()({ ...request, deadline: Date.now() + 10_000 }));
  const url = new URL(`http://127.0.0.1:${port}/`);
  expect((await send(post(url, { deadline: later }))).status).toBe(200);
  expect(jobs).toEqual(["POST"]);
});
