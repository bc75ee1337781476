import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorXmlCodeIn } from "../../src/download/transfer/foreign-body.ts";
import { judgeResponse, type Asked as Request } from "../../src/download/transfer/response-judge.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const DATE = "Sun, 22 Nov 2026 12:00:00 GMT";
const ETAG = '"abc"';
type Asked = Omit<Request, "url" | "redirects"> & Partial<Request>;
const fresh: Asked = { offset: 0 };
const resume: Asked = { offset: 100, total: 1000, etag: ETAG };
const dated: Asked = { offset: 100, lastModified: DATE };
const stored: Asked = { ...resume, storedCoding: "gzip" };
const LATER = "Sun, 22 Nov 2026 12:05:00 GMT";
const LINK = { url: new URL("https://front.example/files/a.tgz?sig=1"), redirects: 0 };
type Headers = Record<string, string | string[]>;
const judge = (asked: Asked, status: number, headers: Headers = {}, errorXmlCode?: string) =>
  judgeResponse({ ...LINK, ...asked }, { status, headers, errorXmlCode }, { now: NOW, maxFileBytes: 10_000 });
const rest = (range = "bytes 100-999/1000", headers = {}) => ({ etag: ETAG, "content-range": range, ...headers });

type Case = [what: string, asked: Asked, status: number, headers: Headers, verdict: object, errorXmlCode?: string];

const whole = (headers: Headers = {}) => ({ "content-length": "1000", etag: ETAG, ...headers });
const begin = (version: object) => ({ kind: "begin", version });
const doubt = (words: string) => ({ kind: "doubt", why: expect.stringContaining(words) });
const contradiction = { kind: "retry", code: "CONTRADICTING_SIZE" };
const tooLarge = { kind: "reject", code: "FILE_TOO_LARGE" };
const failed = { kind: "reject", code: "FILE_HOST_FAILED" };

const WHOLE: Case[] = [
  ["a whole file", fresh, 200, whole(), begin({ total: 1000, etag: ETAG })],
  ["a whole file of unknown length", fresh, 200, {}, begin({})],
  ["a whole file with a weak ETag", fresh, 200, { etag: 'W/"abc"' }, begin({})],
  ["a whole file with a malformed ETag", fresh, 200, { etag: '"a" , "b"' }, begin({})],
  [
    "another whole file instead of the rest",
    resume,
    200,
    whole({ etag: '"b"', "content-length": "100" }),
    begin({ total: 100, etag: '"b"' }),
  ],
  [
    "a shorter whole file instead of the rest",
    resume,
    200,
    whole({ etag: '"b"', "content-length": "99" }),
    doubt("shorter"),
  ],
  [
    "a whole file without a version instead of the rest",
    resume,
    200,
    { "content-length": "5000" },
    doubt("naming its version"),
  ],
  ["a whole file without version and length instead of the rest", resume, 200, {}, doubt("naming its version")],
  ["the same whole file instead of the rest", resume, 200, whole(), begin({ total: 1000, etag: ETAG })],
  ["only the rest, called the whole file", resume, 200, { "content-length": "900" }, doubt("only the rest")],
  ["only the rest, with its ETag", resume, 200, whole({ "content-length": "900" }), doubt("only the rest")],
  ["the same ETag and another size", resume, 200, whole({ "content-length": "999" }), doubt("another length")],
  ["the same ETag and a size that was unknown", { offset: 100, etag: ETAG }, 200, whole(), doubt("unknown before")],
  ["the same ETag and a size below the part", { offset: 1001, etag: ETAG }, 200, whole(), doubt("shorter")],
  [
    "the same date and a size that was unknown",
    dated,
    200,
    whole({ "last-modified": DATE, date: LATER }),
    doubt("unknown before"),
  ],
  ["the same ETag without a size", resume, 200, { etag: ETAG }, doubt("without its length")],
  ["another ETag without a size", resume, 200, { etag: '"b"' }, doubt("without its length")],
  ["an empty file", fresh, 200, { "content-length": "0" }, { kind: "reject", code: "NOT_A_SNAPSHOT" }],
  ["a file above the limit", fresh, 200, { "content-length": "10001" }, tooLarge],
  ["a file far above the limit", fresh, 200, { "content-length": "9".repeat(30) }, tooLarge],
  ["a file above the limit instead of the rest", resume, 200, { "content-length": "10001" }, contradiction],
];

const storedAs = (storedCoding: string) => begin({ total: 1000, etag: ETAG, storedCoding });
const CODINGS: Case[] = [
  ["no coding", fresh, 200, whole({ "content-encoding": "" }), { kind: "begin", version: { total: 1000, etag: ETAG } }],
  ["identity", fresh, 200, whole({ "content-encoding": "Identity" }), begin({ total: 1000, etag: ETAG })],
  ...["gzip", "x-gzip", "binary", "utf-8", "aws-chunked"].map(
    (coding): Case => ["a stored coding", fresh, 200, whole({ "content-encoding": coding }), storedAs(coding)],
  ),
  ["a coding in capitals", fresh, 200, whole({ "content-encoding": " GZIP " }), storedAs("gzip")],
  ["two codings", fresh, 200, whole({ "content-encoding": "aws-chunked,gzip" }), storedAs("aws-chunked, gzip")],
  ["two headers", fresh, 200, whole({ "content-encoding": ["gzip", "utf-8"] }), storedAs("gzip, utf-8")],
  ["a stored coding of the rest", stored, 206, rest(undefined, { "content-encoding": "GZIP" }), { kind: "continue" }],
  ["the rest of a file with a stored coding", stored, 206, rest(), { kind: "continue" }],
  ["a coding of the rest alone", resume, 206, rest(undefined, { "content-encoding": "gzip" }), doubt("on the way")],
  ["another coding of the rest", stored, 206, rest(undefined, { "content-encoding": "utf-8" }), doubt("on the way")],
  ...["br", "zstd", "deflate", "compress", "gzip, br"].map(
    (coding): Case => [
      "a coding on top",
      fresh,
      200,
      whole({ "content-encoding": coding }),
      { ...failed, facts: { retryable: false, detail: expect.stringContaining(coding.replace("gzip, ", "")) } },
    ],
  ),
  ["a coding on top in a second header", fresh, 200, whole({ "content-encoding": ["gzip", "br"] }), failed],
  ["a coding on top of the rest", resume, 206, rest(undefined, { "content-encoding": "br" }), failed],
];

const REST: Case[] = [
  ["a range without a request for it", fresh, 206, rest("bytes 0-999/1000"), failed],
  ["the rest", resume, 206, rest(), { kind: "continue", end: 1000, total: 1000 }],
  ["the rest with its length", resume, 206, rest(undefined, { "content-length": "900" }), { kind: "continue" }],
  [
    "the rest of a file whose total was unknown",
    { offset: 100, etag: ETAG },
    206,
    rest("bytes 100-499/500"),
    { kind: "continue", end: 500, total: 500 },
  ],
  ["less than the rest", resume, 206, rest("bytes 100-499/1000"), { kind: "continue", end: 500, total: 1000 }],
  ["one byte of the rest", resume, 206, rest("bytes 100-100/1000"), { kind: "continue", end: 101, total: 1000 }],
  ["the rest of an unnamed total", resume, 206, rest("bytes 100-999/*"), { kind: "continue", end: 1000 }],
  ["less than the rest of an unnamed total", resume, 206, rest("bytes 100-199/*"), { kind: "continue", end: 200 }],
  [
    "the rest of a total that was never named",
    { offset: 100, etag: ETAG },
    206,
    rest("bytes 100-199/*"),
    { kind: "continue", end: 200 },
  ],
  ["more than the known total", resume, 206, rest("bytes 100-1000/*"), contradiction],
  ["the rest of another total", resume, 206, rest("bytes 100-1000/1001"), contradiction],
  ["the rest of a smaller total", resume, 206, rest("bytes 100-998/999"), contradiction],
  ["the rest of an absurd total", resume, 206, rest(`bytes 100-999/${2 ** 53}`), contradiction],
  ["the rest of another total, once", resume, 206, rest("bytes 100-1199/1200"), { ...contradiction, otherTotal: 1200 }],
  [
    "the rest of another total, twice",
    { ...resume, otherTotal: 1200 },
    206,
    rest("bytes 100-1199/1200"),
    { kind: "continue", end: 1200, total: 1200 },
  ],
  [
    "the rest of a smaller total, twice",
    { ...resume, otherTotal: 500 },
    206,
    rest("bytes 100-499/500"),
    { kind: "continue", end: 500, total: 500 },
  ],
  [
    "the rest of another total after that of yet another",
    { ...resume, otherTotal: 1100 },
    206,
    rest("bytes 100-1199/1200"),
    { ...contradiction, otherTotal: 1200 },
  ],
  ["the known total after another", { ...resume, otherTotal: 1200 }, 206, rest(), { kind: "continue", end: 1000 }],
  [
    "the rest of another total and another version, twice",
    { ...resume, otherTotal: 1200 },
    206,
    rest("bytes 100-1199/1200", { etag: '"b"' }),
    doubt("file changed"),
  ],
  ["the end of the part, but another total", resume, 416, { "content-range": "bytes */100" }, { otherTotal: 100 }],
  [
    "the end of the part, but another total, twice",
    { ...resume, otherTotal: 100 },
    416,
    { "content-range": "bytes */100" },
    { kind: "complete", total: 100 },
  ],
  [
    "a total below the part, twice",
    { ...resume, otherTotal: 99 },
    416,
    { "content-range": "bytes */99" },
    { ...doubt("shorter"), otherTotal: 99 },
  ],
  ["no rest of another version", resume, 416, { "content-range": "bytes */100", etag: '"b"' }, doubt("file changed")],
  ["a range beyond its own total", resume, 206, rest("bytes 100-1000/1000"), contradiction],
  ["a rest with another length", resume, 206, rest(undefined, { "content-length": "899" }), contradiction],
  ["a rest above the limit", { offset: 1, etag: ETAG }, 206, rest("bytes 1-99999/100000"), contradiction],
  ["a rest with an earlier start", resume, 206, rest("bytes 99-999/1000"), doubt("another part")],
  ["a rest with a later start", resume, 206, rest("bytes 101-999/1000"), doubt("another part")],
  ["a rest that ends before it starts", resume, 206, rest("bytes 100-99/1000"), doubt("another part")],
  ["a rest in another unit", resume, 206, rest("items 100-999/1000"), doubt("did not say which part")],
  ["a rest without its place", resume, 206, { etag: ETAG }, doubt("did not say which part")],
  [
    "a rest in several parts",
    resume,
    206,
    { etag: ETAG, "content-type": "multipart/byteranges; boundary=x" },
    doubt("multipart"),
  ],
  ["a rest without its ETag", resume, 206, { "content-range": "bytes 100-999/1000" }, doubt("without an ETag")],
  ["a rest with a weak ETag", resume, 206, rest(undefined, { etag: 'W/"abc"' }), doubt("weak ETag")],
  ["a rest with another ETag", resume, 206, rest(undefined, { etag: '"b"' }), doubt("file changed")],
  ["a rest of another file and total", resume, 206, rest("bytes 100-199/200", { etag: '"b"' }), doubt("file changed")],
  ["a rest of the same date", dated, 206, rest(undefined, { "last-modified": DATE }), { kind: "continue" }],
  ["a rest without its date", dated, 206, { "content-range": "bytes 100-999/1000" }, doubt("without its date")],
  ["a rest with an ETag instead of its date", dated, 206, rest(), doubt("without its date")],
  ["a rest of another date", dated, 206, rest(undefined, { "last-modified": "x" }), doubt("file changed")],
  [
    "a rest without a total and a strong ETag",
    dated,
    206,
    rest("bytes 100-999/*", { "last-modified": DATE }),
    doubt("how long"),
  ],
  ["a complete part", { offset: 100, etag: ETAG }, 416, { "content-range": "bytes */100" }, { kind: "complete" }],
  [
    "a part longer than the file",
    { offset: 100, etag: ETAG },
    416,
    { "content-range": "bytes */99" },
    doubt("shorter"),
  ],
  ["no rest although there is one", resume, 416, { "content-range": "bytes */1000" }, doubt("refuses to send")],
  ["no rest, and another total", resume, 416, { "content-range": "bytes */100" }, contradiction],
  ["an unsatisfiable range without a size", resume, 416, {}, doubt("refuses to send")],
  ["an unsatisfiable range that was not asked for", fresh, 416, {}, failed],
  ["a failed condition", resume, 412, {}, doubt("refuses to continue")],
  ["a failed condition that was not set", fresh, 412, {}, failed],
];

const refresh = (refusal: object) => ({ kind: "refresh-link", refusal });
const REFUSALS: Case[] = [
  ...[400, 401, 403].map(
    (status): Case => ["a refusal of the link", resume, status, {}, refresh({ status, reason: "unknown" })],
  ),
  ...[404, 410].map((status): Case => ["no file", resume, status, {}, refresh({ status, reason: "missing" })]),
  ...(
    [
      ["AccessDenied", "unknown"],
      ["RequestExpired", "expired"],
      ["ExpiredToken", "expired"],
      ["RequestTimeTooSkewed", "clock"],
      ["SignatureDoesNotMatch", "signature"],
      ["NoSuchKey", "missing"],
    ] as const
  ).flatMap(([code, reason]) =>
    [400, 403].map((status): Case => [code, fresh, status, {}, refresh({ status, reason, code }), code]),
  ),
  ...["constructor", "Unheard"].map(
    (code): Case => ["an unknown code", fresh, 403, {}, { kind: "refresh-link", refusal: { status: 403 } }, code],
  ),
  ...[400, 403].flatMap((status) =>
    ["RequestTimeout", "SlowDown", "ServerBusy"].map(
      (code): Case => ["a passing failure", fresh, status, {}, { kind: "retry", code: `HTTP_${status}` }, code],
    ),
  ),
  ...[408, 429, 500, 502, 503, 504].map(
    (status): Case => ["a temporary failure", fresh, status, {}, { kind: "retry", code: `HTTP_${status}` }],
  ),
];

const message = (code: string, text: string) => `<Error><Code>${code}</Code><Message>${text}</Message></Error>`;
const azure = (detail: string) =>
  `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message><AuthenticationErrorDetail>${detail}</AuthenticationErrorDetail></Error>`;

test.each([
  ["an expired link of S3", message("AccessDenied", "Request has expired"), "expired"],
  ["a missing right", message("AccessDenied", "Access Denied"), "unknown"],
  [
    "an expired link of Azure",
    azure("Signature not valid in the specified time frame: Start [Thu, 26 Nov 2026 08:00:00 GMT] - Expiry [...]"),
    "expired",
  ],
  ["a changed link of Azure", azure("Signature did not match. String to sign used was r"), "signature"],
  ["a code whose message speaks of expiry", message("SignatureDoesNotMatch", "Request has expired"), "signature"],
])("the error document of %s says why: %s", (_what, xml, reason) => {
  expect(judge(fresh, 403, {}, errorXmlCodeIn(xml))).toMatchObject({ kind: "refresh-link", refusal: { reason } });
});

const OTHERS: Case[] = [201, 202, 204, 300, 304, 305, 405, 407, 418, 451, 501].map((status) => [
  "an unexpected status",
  fresh,
  status,
  {},
  failed,
]);

test.each([...WHOLE, ...CODINGS, ...REST, ...REFUSALS, ...OTHERS])(
  "%s: asked %j, answered %i with %j, is judged %j",
  (_what, asked, status, headers, verdict, errorXmlCode) => {
    const judged = judge(asked, status, headers, errorXmlCode);
    if ("version" in verdict) expect(judged).toEqual(verdict);
    else expect(judged).toMatchObject(verdict);
  },
);

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
      expect(given).toMatchObject({
        "content-range": expect.stringMatching(/^bytes 100-\d+\/(1000|\*)$/i),
        etag: ETAG,
      });
    }),
    { seed: 11, numRuns: 500 },
  );
});
