import { expect, test } from "vitest";
import { ADVICE, adviceFor } from "../../src/atlas/hints.ts";
import { Failure, ownFailure } from "../../src/core/errors.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";

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
  expect(ownFailure("TOKEN_REQUEST_FAILED", { retryAfterSeconds: 42 }).envelope.hint).toMatch(
    /^Call again in 42 seconds\./,
  );
});
