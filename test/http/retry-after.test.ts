import * as fc from "fast-check";
import { expect, test } from "vitest";
import { retryAfterSeconds } from "../../src/http/retry.ts";

const now = Date.UTC(2026, 10, 24, 12, 0, 0);
const bucket = (...parameters: unknown[]) => ({ errorCode: "RATE_LIMITED_TOKEN_BUCKET", parameters });

test.each<[string, Record<string, string>, unknown, number | undefined]>([
  ["seconds", { "retry-after": "55" }, undefined, 55],
  ["seconds between spaces", { "retry-after": " 3 " }, undefined, 3],
  ["zero", { "retry-after": "0" }, undefined, 0],
  ["an absurd number", { "retry-after": "9".repeat(400) }, undefined, 86_400],
  ["a negative number", { "retry-after": "-5" }, undefined, undefined],
  ["a fraction", { "retry-after": "1.5" }, undefined, undefined],
  ["a word", { "retry-after": "soon" }, undefined, undefined],
  ["a number with a unit", { "retry-after": "5 seconds" }, undefined, undefined],
  ["a date", { "retry-after": "Tue, 24 Nov 2026 12:00:30 GMT" }, undefined, 30],
  ["a date that has passed", { "retry-after": "Tue, 24 Nov 2026 11:00:00 GMT" }, undefined, 0],
  ["a date of RFC 850", { "retry-after": "Tuesday, 24-Nov-26 12:00:30 GMT" }, undefined, 30],
  ["a date of asctime", { "retry-after": "Tue Nov 24 12:00:30 2026" }, undefined, 30],
  ["a day that does not exist", { "retry-after": "Tue, 99 Nov 2026 12:00:30 GMT" }, undefined, undefined],
  ["a date years ahead", { "retry-after": "Tue, 24 Nov 2099 12:00:30 GMT" }, undefined, 86_400],
  [
    "a date, counted from the server's clock rather than ours",
    { "retry-after": "Tue, 24 Nov 2026 17:00:30 GMT", date: "Tue, 24 Nov 2026 17:00:00 GMT" },
    undefined,
    30,
  ],
  [
    "a date with an unreadable Date header",
    { "retry-after": "Tue, 24 Nov 2026 12:00:30 GMT", date: "noon" },
    undefined,
    30,
  ],
  ["the token bucket's own number", {}, bucket("api/atlas/v2/orgs", 55, 10, 5, 60), 55],
  ["a header that takes precedence over the body", { "retry-after": "2" }, bucket("x", 55, 10, 5, 60), 2],
  ["a body with an unreadable header", { "retry-after": "soon" }, bucket("x", 55), 55],
  ["a token bucket without numbers", {}, bucket(), undefined],
  ["a token bucket with a text", {}, bucket("x", "55"), undefined],
  [
    "a token bucket with null for its parameters",
    {},
    { errorCode: "RATE_LIMITED_TOKEN_BUCKET", parameters: null },
    undefined,
  ],
  [
    "the older limiter, whose second number is a limit",
    {},
    { errorCode: "RATE_LIMITED", parameters: ["x", 10, 1] },
    undefined,
  ],
  ["nothing", {}, undefined, undefined],
])("the wait is read correctly from %s", (_, headers, json, seconds) => {
  expect(retryAfterSeconds({ headers, json }, now)).toBe(seconds);
});

test("whatever a server sends, the wait is undefined or a whole number of seconds up to a day", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.jsonValue(), (retryAfter, date, json) => {
      const seconds = retryAfterSeconds({ headers: { "retry-after": retryAfter, date }, json }, now);
      if (seconds === undefined) return;
      expect(Number.isInteger(seconds)).toBe(true);
      expect(seconds).toBeGreaterThanOrEqual(0);
      expect(seconds).toBeLessThanOrEqual(86_400);
    }),
  );
});
