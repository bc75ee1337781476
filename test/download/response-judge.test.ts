import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Asked, judgeResponse } from "../../src/download/transfer/response-judge.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const DATE = "Sun, 22 Nov 2026 12:00:00 GMT";
const ETAG = '"abc"';
const fresh: Asked = { offset: 0 };
const resume: Asked = { offset: 100, total: 1000, etag: ETAG };
const judge = (asked: Asked, status: number, headers: Record<string, string> = {}) =>
  judgeResponse(asked, { status, headers }, { now: NOW, maxFileBytes: 10_000 });
const rest = (range = "bytes 100-999/1000", headers = {}) => ({ etag: ETAG, "content-range": range, ...headers });

type Case = [what: string, asked: Asked, status: number, headers: Record<string, string>, verdict: object];

const cases: Case[] = [
  [
    "a whole file",
    fresh,
    200,
    { "content-length": "1000", etag: ETAG },
    { kind: "begin", version: { total: 1000, etag: ETAG } },
  ],
  ["a whole file of unknown length", fresh, 200, {}, { kind: "begin", version: {} }],
  ["a whole file with a weak ETag", fresh, 200, { etag: 'W/"abc"' }, { kind: "begin", version: {} }],
  ["a whole file with a malformed ETag", fresh, 200, { etag: '"a" , "b"' }, { kind: "begin", version: {} }],
  [
    "a whole file instead of the rest",
    resume,
    200,
    { "content-length": "5" },
    { kind: "begin", version: { total: 5 } },
  ],
  ["an empty file", fresh, 200, { "content-length": "0" }, { kind: "reject", code: "NOT_A_SNAPSHOT" }],
  ["a file above the limit", fresh, 200, { "content-length": "10001" }, { kind: "reject", code: "FILE_TOO_LARGE" }],
  ["an encoded file", fresh, 200, { "content-encoding": "br" }, { kind: "reject", code: "FILE_HOST_FAILED" }],
  [
    "an encoded rest",
    resume,
    206,
    rest(undefined, { "content-encoding": "gzip" }),
    { kind: "reject", code: "FILE_HOST_FAILED" },
  ],
  [
    "a range without a request for it",
    fresh,
    206,
    rest("bytes 0-999/1000"),
    { kind: "reject", code: "FILE_HOST_FAILED" },
  ],
  ["the rest", resume, 206, rest(), { kind: "continue", total: 1000 }],
  ["the rest with its length", resume, 206, rest(undefined, { "content-length": "900" }), { kind: "continue" }],
  [
    "the rest of a file whose total was unknown",
    { offset: 100, etag: ETAG },
    206,
    rest("bytes 100-499/500"),
    { kind: "continue", total: 500 },
  ],
  ["the rest of another total", resume, 206, rest("bytes 100-1000/1001"), { kind: "discard" }],
  ["the rest of an unknown total", resume, 206, rest("bytes 100-999/*"), { kind: "discard" }],
  ["a rest with another start", resume, 206, rest("bytes 99-999/1000"), { kind: "discard" }],
  ["a rest with another end", resume, 206, rest("bytes 100-998/1000"), { kind: "discard" }],
  ["a rest with another length", resume, 206, rest(undefined, { "content-length": "899" }), { kind: "discard" }],
  ["a rest in another unit", resume, 206, rest("items 100-999/1000"), { kind: "discard" }],
  [
    "a rest above the limit",
    { offset: 1, etag: ETAG },
    206,
    rest("bytes 1-99999/100000"),
    { kind: "reject", code: "FILE_TOO_LARGE" },
  ],
  ["a rest without its ETag", resume, 206, { "content-range": "bytes 100-999/1000" }, { kind: "discard" }],
  ["a rest with another ETag", resume, 206, rest(undefined, { etag: '"b"' }), { kind: "discard" }],
  [
    "a rest of the same date",
    { offset: 100, lastModified: DATE },
    206,
    rest(undefined, { "last-modified": DATE }),
    { kind: "continue" },
  ],
  [
    "a rest of another date",
    { offset: 100, lastModified: DATE },
    206,
    rest(undefined, { "last-modified": "x" }),
    { kind: "discard" },
  ],
  ["a complete part", { offset: 100, etag: ETAG }, 416, { "content-range": "bytes */100" }, { kind: "complete" }],
  [
    "a part longer than the file",
    { offset: 100, etag: ETAG },
    416,
    { "content-range": "bytes */99" },
    { kind: "discard" },
  ],
  ["an unsatisfiable range without a size", resume, 416, {}, { kind: "discard" }],
  ["a failed condition", resume, 412, {}, { kind: "discard" }],
  ...[400, 401, 403, 404, 410].map(
    (status): Case => ["a refusal of the link", resume, status, {}, { kind: "refresh-link", status }],
  ),
  ...[408, 429, 500, 502, 503, 504].map(
    (status): Case => ["a temporary failure", fresh, status, {}, { kind: "retry", code: `HTTP_${status}` }],
  ),
  ...[301, 302, 303, 307, 308, 304].map(
    (status): Case => ["a redirect", fresh, status, {}, { kind: "reject", code: "REDIRECT_REFUSED" }],
  ),
  ...[201, 202, 204, 405, 407, 418, 451, 501].map(
    (status): Case => ["an unexpected status", fresh, status, {}, { kind: "reject", code: "FILE_HOST_FAILED" }],
  ),
];

test.each(cases)("%s: asked %j, answered %i with %j, is judged %j", (_what, asked, status, headers, verdict) => {
  expect(judge(asked, status, headers)).toMatchObject(verdict);
});

test("a date is a validator only when it is a minute older than the response", () => {
  const version = (modified: string) => judge(fresh, 200, { date: DATE, "last-modified": modified });
  const old = "Sun, 22 Nov 2026 11:59:00 GMT";
  expect(version(old)).toEqual({ kind: "begin", version: { lastModified: old } });
  expect(version("Sun, 22 Nov 2026 11:59:01 GMT")).toEqual({ kind: "begin", version: {} });
  for (const other of ["yesterday", "Sunday, 22-Nov-26 10:00:00 GMT", "Sun Nov 22 10:00:00 2026"])
    expect(version(other)).toEqual({ kind: "begin", version: {} });
});

describe("an ETag is taken for an MD5", () => {
  const md5 = "d41d8cd98f00b204e9800998ecf8427e";
  const version = (headers: Record<string, string>) => judge(fresh, 200, headers);
  test("when it looks like an MD5", () => {
    expect(version({ etag: `"${md5.toUpperCase()}"` })).toMatchObject({ version: { md5 } });
  });
  test.each([
    ["it counts parts", { etag: `"${md5}-2"` }],
    ["it is weak", { etag: `W/"${md5}"` }],
    ["the object is encrypted with a key", { etag: `"${md5}"`, "x-amz-server-side-encryption": "aws:kms:dsse" }],
    ["the customer encrypted it", { etag: `"${md5}"`, "x-amz-server-side-encryption-customer-algorithm": "AES256" }],
  ])("but not when %s", (_why, headers) => {
    expect(version(headers)).toMatchObject({ kind: "begin", version: expect.not.objectContaining({ md5 }) });
  });
});

describe("Retry-After", () => {
  const wait = (value: string, headers: Record<string, string> = {}) =>
    judge(fresh, 503, { "retry-after": value, ...headers });
  test.each([
    ["seconds", "7", {}, 7_000],
    ["a date", "Sun, 22 Nov 2026 12:00:30 GMT", {}, 30_000],
    [
      "a date by the server's own clock, a day ahead",
      "Mon, 23 Nov 2026 12:00:30 GMT",
      { date: "Mon, 23 Nov 2026 12:00:00 GMT" },
      30_000,
    ],
    ["a past date", "Sun, 22 Nov 2026 11:00:00 GMT", {}, 0],
  ])("%s", (_what, value, headers, afterMs) => {
    expect(wait(value, headers)).toEqual({ kind: "retry", code: "HTTP_503", afterMs });
  });
  test.each(["soon", "-1", "1.5", "", "Sun, 99 Nov 2026 99:00:00 GMT"])("%j says nothing", (value) => {
    expect(wait(value)).toEqual({ kind: "retry", code: "HTTP_503" });
  });
});

test("no header makes the judge throw or continue at another offset", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom("bytes 100-999/1000", "bytes 0-1/2", ETAG, DATE, "900"));
  const names = ["content-range", "content-length", "etag", "last-modified", "date", "retry-after", "content-encoding"];
  const headers = fc.dictionary(fc.constantFrom(...names), text);
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), headers, (status, given) => {
      const verdict = judge(resume, status, given);
      if (verdict.kind !== "continue") return;
      expect(given).toMatchObject({ "content-range": expect.stringMatching(/^bytes 100-999\/1000$/i), etag: ETAG });
    }),
    { seed: 11, numRuns: 500 },
  );
});
