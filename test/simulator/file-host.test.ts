import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { createClock, linkOf, send } from "./harness.ts";

const SMALL = { snapshotBytes: 60_000 };

async function served() {
  const simulator = await simulatorFor(SMALL);
  const link = await linkOf(simulator);
  const whole = await send(link);
  const get = (headers: Record<string, string>) => send(link, { headers });
  return {
    simulator,
    link,
    whole,
    get,
    etag: String(whole.headers.etag),
    modified: String(whole.headers["last-modified"]),
  };
}

describe("a signed link", () => {
  test("looks like a pre-signed link of S3, on another origin than the API", async () => {
    const simulator = await simulatorFor();
    const link = new URL(await linkOf(simulator));
    expect(link.origin).toBe(simulator.fileBaseUrl);
    expect(link.origin).not.toBe(simulator.baseUrl);
    expect([...link.searchParams.keys()]).toEqual([
      "X-Amz-Algorithm",
      "X-Amz-Credential",
      "X-Amz-Date",
      "X-Amz-Expires",
      "X-Amz-Security-Token",
      "X-Amz-SignedHeaders",
      "X-Amz-Signature",
    ]);
    expect(link.searchParams.get("X-Amz-Expires")).toBe("14400");
  });

  test("serves the file with a strong ETag, date, type and ranges", async () => {
    const { whole } = await served();
    expect(whole).toMatchObject({ status: 200, end: "complete" });
    expect(whole.headers).toMatchObject({
      "accept-ranges": "bytes",
      "content-length": "60000",
      "content-type": "application/gzip",
      etag: expect.stringMatching(/^"[0-9a-f]{32}-1"$/),
      server: "AmazonS3",
    });
    expect(Date.parse(String(whole.headers["last-modified"]))).not.toBeNaN();
  });

  test("works for four hours", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ ...SMALL, now: clock.now });
    const link = await linkOf(simulator, SIMULATED.name, SIMULATED.downloadedSnapshotId);
    clock.advance(4 * 3_600_000 - 1_000);
    expect((await send(link)).status).toBe(200);
    clock.advance(1_000);
    const { status, text, headers } = await send(link);
    expect(status).toBe(403);
    expect(headers["content-type"]).toBe("application/xml");
    expect(text).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>AccessDenied<\/Code><Message>Request has expired<\/Message>/,
    );
    expect(text).toContain("<Expires>2026-11-24T16:00:00Z</Expires>");
  });

  test.each([
    ["another signature", (url: URL) => url.searchParams.set("X-Amz-Signature", "0".repeat(64))],
    ["a longer life", (url: URL) => url.searchParams.set("X-Amz-Expires", "99999999")],
    ["another date", (url: URL) => url.searchParams.set("X-Amz-Date", "20990101T000000Z")],
    [
      "another file",
      (url: URL) => {
        url.pathname = url.pathname.replace("c7.tgz", "c8.tgz");
      },
    ],
    ["no signature", (url: URL) => url.searchParams.delete("X-Amz-Signature")],
    [
      "no query",
      (url: URL) => {
        url.search = "";
      },
    ],
    ["one more parameter", (url: URL) => url.searchParams.set("x", "y")],
  ])("with %s is refused", async (_, alter) => {
    const url = new URL(await linkOf(await simulatorFor(SMALL)));
    alter(url);
    const { status, text } = await send(url.href);
    expect(status).toBe(403);
    expect(text).toContain("<Code>AccessDenied</Code>");
  });

  test("is signed for GET only", async () => {
    const link = await linkOf(await simulatorFor(SMALL));
    expect(await send(link, { method: "HEAD" })).toMatchObject({ status: 403, text: "" });
    expect((await send(link, { method: "PUT", body: "x" })).status).toBe(403);
  });

  test("together with an Authorization header is refused, and the answer repeats the header", async () => {
    const link = await linkOf(await simulatorFor(SMALL));
    const { status, text } = await send(link, { headers: { authorization: "Bearer <secret>" } });
    expect(status).toBe(400);
    expect(text).toContain("<Code>InvalidArgument</Code>");
    expect(text).toContain("<ArgumentValue>Bearer &#60;secret&#62;</ArgumentValue>");
  });

  test("requests are recorded as file", async () => {
    const { simulator } = await served();
    expect(simulator.count("file")).toBe(1);
    expect(simulator.requests.at(-1)).toMatchObject({ operation: "file", method: "GET", status: 200 });
  });
});

describe("ranges", () => {
  test.each([
    ["bytes=0-", 0, 60_000],
    ["bytes=59999-", 59_999, 60_000],
    ["bytes=100-199", 100, 200],
    ["bytes=59000-99999", 59_000, 60_000],
    ["bytes=-10", 59_990, 60_000],
    ["bytes=-99999", 0, 60_000],
  ])("%s is answered with 206 and exactly these bytes", async (range, start, end) => {
    const { whole, get, etag } = await served();
    const part = await get({ range });
    expect(part.status).toBe(206);
    expect(part.headers).toMatchObject({
      "content-range": `bytes ${start}-${end - 1}/60000`,
      "content-length": String(end - start),
      etag,
    });
    expect(part.bytes.equals(whole.bytes.subarray(start, end))).toBe(true);
  });

  test.each(["bytes=60000-", "bytes=70000-80000", "bytes=-0"])("%s is answered with 416", async (range) => {
    const { get } = await served();
    const { status, headers, text } = await get({ range });
    expect(status).toBe(416);
    expect(headers["content-range"]).toBe("bytes */60000");
    expect(text).toContain("<Code>InvalidRange</Code>");
    expect(text).toContain("<ActualObjectSize>60000</ActualObjectSize>");
  });

  test.each(["bytes=5-4", "bytes=-", "bytes=a-b", "items=0-5", "bytes=0-1,5-6"])("%s is ignored", async (range) => {
    const { get } = await served();
    expect(await get({ range })).toMatchObject({ status: 200, headers: { "content-length": "60000" } });
  });

  test.each([
    ["the ETag", ({ etag }: { etag: string }) => etag, 206],
    ["another ETag", () => '"0000"', 200],
    ["the ETag made weak", ({ etag }: { etag: string }) => `W/${etag}`, 200],
    ["the date", ({ modified }: { modified: string }) => modified, 206],
    ["another date", () => "Tue, 01 Jan 2019 00:00:00 GMT", 200],
  ])("If-Range with %s is honoured", async (_, validator, expected) => {
    const file = await served();
    const { status, bytes } = await file.get({ range: "bytes=10-", "if-range": validator(file) });
    expect(status).toBe(expected);
    expect(bytes.equals(file.whole.bytes.subarray(expected === 206 ? 10 : 0))).toBe(true);
  });
});

describe("preconditions", () => {
  test.each([
    ["if-match", (etag: string) => etag, 206],
    ["if-match", (etag: string) => `"x", ${etag}`, 206],
    ["if-match", () => "*", 206],
    ["if-match", () => '"x"', 412],
    ["if-match", (etag: string) => `W/${etag}`, 412],
    ["if-none-match", (etag: string) => etag, 304],
    ["if-none-match", () => '"x"', 206],
    ["if-unmodified-since", () => "Tue, 01 Jan 2019 00:00:00 GMT", 412],
    ["if-unmodified-since", () => "Fri, 01 Jan 2100 00:00:00 GMT", 206],
  ])("%s is honoured before the range: case %#", async (name, value, expected) => {
    const { get, etag } = await served();
    const { status, text } = await get({ range: "bytes=5-9", [name]: value(etag) });
    expect(status).toBe(expected);
    if (expected === 412) expect(text).toContain("<Code>PreconditionFailed</Code>");
  });

  test("a replaced object has other bytes and another ETag, so conditional requests notice", async () => {
    const { simulator, whole, get, etag } = await served();
    simulator.order("file=object-changes*1");
    const resumed = await get({ range: "bytes=1000-", "if-range": etag });
    expect(resumed.status).toBe(200);
    expect(resumed.headers.etag).not.toBe(etag);
    expect(resumed.headers["content-length"]).toBe(whole.headers["content-length"]);
    expect(resumed.bytes.equals(whole.bytes)).toBe(false);
    expect((await get({ range: "bytes=1000-", "if-match": etag })).status).toBe(412);
  });
});

test("a throttled file is slow until the limit is lifted", async () => {
  const simulator = await simulatorFor({ ...SMALL, fileRateBytesPerSecond: 300_000 });
  const link = await linkOf(simulator);
  const begun = performance.now();
  const slow = await send(link);
  expect(performance.now() - begun).toBeGreaterThan(180);
  expect(slow.bytes).toHaveLength(60_000);
  simulator.setFileRate(0);
  expect((await send(link)).bytes.equals(slow.bytes)).toBe(true);
});
