import { expect, test } from "vitest";
import { ADVICE, adviceFor } from "../../src/atlas/hints.ts";
import { Failure, ownFailure } from "../../src/core/errors.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { failureResult } from "../../src/server/server.ts";

test("below 500, UNEXPECTED_ERROR is no fault of Atlas: the status gives the advice", () => {
  for (let status = 400; status < 500; status += 1)
    expect(adviceFor(status, "UNEXPECTED_ERROR")).toEqual(adviceFor(status, undefined));
});

test.each([500, 502, 503, 504, 599])("a %i with UNEXPECTED_ERROR is a fault of Atlas, which may pass", (status) => {
  expect(adviceFor(status, "UNEXPECTED_ERROR")).toMatchObject({ source: "atlas", retryable: true });
});

/** Every advice of this server, with the place where it stands. */
const ALL: [where: string, advice: { retryable?: boolean; hint: string }][] = [
  ...Object.entries(OWN_ERRORS),
  ...Object.entries(ADVICE),
  ...Array.from({ length: 200 }, (_, index): [string, { retryable: boolean; hint: string }] => [
    `HTTP ${400 + index}`,
    adviceFor(400 + index, undefined),
  ]),
];

/** The same call again, after nothing but time. */
const WAIT =
  /\b(call again|try again|try once more|request again|repeat it)( once)?,? (later|soon|at once|in (a|some|four)|an hour from now|once its)|\bwait\b|\b(an hour|hours|minutes) from now|^(call|try) again\b/i;
const AGAIN = /\bcalls? again\b/i;

test("advice to repeat a call after a while stands only where the failure may pass, and there it always stands", () => {
  const contradictions = ALL.filter(([, { retryable = false, hint }]) =>
    retryable ? !AGAIN.test(hint) : WAIT.test(hint),
  );
  expect(contradictions.map(([where, { hint }]) => `${where}: ${hint}`)).toEqual([]);
});

test("a hint names the time to wait that Atlas named, not another one", () => {
  const envelope = { ...adviceFor(503, undefined), error: 503, retryAfterSeconds: 300 };
  expect(new Failure(envelope).envelope.hint).toMatch(/Call again in 300 seconds;/);
  expect(ownFailure("TOKEN_REQUEST_FAILED", { retryAfterSeconds: 1 }).envelope.hint).toMatch(
    /^Call again in 1 second\./,
  );
  expect(new Failure({ ...envelope, hint: "Call again in a few minutes." }).envelope.hint).toBe(
    "Call again in 300 seconds.",
  );
  const useless = new Failure({ ...envelope, retryable: false, hint: "Look at the jobs in a minute." }).envelope;
  expect([useless.retryAfterSeconds, useless.hint]).toEqual([undefined, "Look at the jobs in a minute."]);
});

/** A time in words. A link's four hours, a day of snapshots and the like are facts, not the time of the next call. */
const TIME = /\bin (a|some|a few) (moment|minutes?)\b|\blater\b|\b\d+ seconds?\b/gi;

test("whatever Retry-After Atlas adds, a failure names at most one time: its own, or the condition that the hint names", () => {
  for (const [where, { retryable = false, hint }] of ALL) {
    const failure = new Failure({ source: "atlas", retryable, hint, error: 503, retryAfterSeconds: 3_600 });
    const { envelope } = failure;
    const { content } = failureResult("tool", envelope, { simulated: false });
    const [text] = content.map((part) => (part.type === "text" ? part.text : ""));
    const advice = text?.replace("The same call may succeed later.", "") ?? "";
    const isTimed = envelope.retryAfterSeconds !== undefined;
    expect(isTimed && !retryable, where).toBe(false);
    expect(advice.match(TIME) ?? [], where).toEqual(isTimed ? ["3600 seconds"] : []);
  }
});

test.each([
  [409, "TOO_MANY_SNAPSHOT_DOWNLOADS", undefined],
  [409, "CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT", undefined],
  [404, "TENANT_SNAPSHOT_NOT_FOUND", undefined],
  [402, "ACCOUNT_SUSPENDED", undefined],
  [403, undefined, undefined],
  [409, undefined, 3_600],
  [429, "RATE_LIMITED", 3_600],
  [503, undefined, 3_600],
])("a %i with %s and Retry-After 3600 leaves the caller %s seconds to wait", (status, code, seconds) => {
  const failure = new Failure({ ...adviceFor(status, code), error: status, retryAfterSeconds: 3_600 });
  expect(failure.envelope.retryAfterSeconds).toBe(seconds);
  expect(failure.envelope.hint.includes("3600")).toBe(seconds !== undefined);
});
