import { describe, expect, test } from "vitest";
import { simulatorFor } from "../fixtures.ts";
import { type Answer, linkOf, patienceMsFor, send, sendRaw } from "./harness.ts";

const LENGTH = 70_000;
const RANGE = { range: "bytes=1000-" };

/** Requests the file without a fault, with the fault ordered once, and without it again. */
async function spoiled(fault: string, headers: Record<string, string> = {}) {
  const simulator = await simulatorFor({ snapshotBytes: LENGTH });
  const link = await linkOf(simulator);
  const whole = await send(link);
  simulator.order(`file=${fault}*1`);
  const answer = await send(link, { headers, patienceMs: patienceMsFor(fault) });
  expect((await send(link)).bytes.equals(whole.bytes)).toBe(fault !== "object-changes");
  return { simulator, whole, answer, etag: String(whole.headers.etag), modified: whole.headers["last-modified"] };
}

const isPrefix = (part: Answer, whole: Answer) => part.bytes.equals(whole.bytes.subarray(0, part.bytes.length));

describe("a broken transfer", () => {
  test.each([
    ["cut@0", 0, "aborted"],
    ["cut@1", 1, "aborted"],
    ["cut@65535", 65_535, "aborted"],
    ["cut@-1", LENGTH - 1, "aborted"],
    ["cut@32KiB", 32_768, "aborted"],
    ["stall@10", 10, "impatient"],
    ["stall@0", 0, "impatient"],
    ["chunked-cut@100", 100, "aborted"],
    ["chunked-cut", LENGTH - 1, "aborted"],
  ])("%s delivers %i correct bytes and ends %s", async (fault, bytes, end) => {
    const { answer, whole } = await spoiled(fault);
    expect(answer).toMatchObject({ status: 200, end });
    expect(answer.bytes).toHaveLength(bytes);
    expect(isPrefix(answer, whole)).toBe(true);
  });

  test("reset ends with a reset after at most that many bytes", async () => {
    const { answer, whole } = await spoiled("reset@5000");
    expect(answer).toMatchObject({ status: 200, end: "aborted" });
    expect(answer.bytes.length).toBeLessThanOrEqual(5_000);
    expect(isPrefix(answer, whole)).toBe(true);
  });

  test("offsets count the bytes of the response, not of the file", async () => {
    const { answer, whole } = await spoiled("cut@500", RANGE);
    expect(answer.status).toBe(206);
    expect(answer.bytes.equals(whole.bytes.subarray(1_000, 1_500))).toBe(true);
  });

  test.each([
    ["hang", "impatient"],
    ["reset-before", "aborted"],
  ])("%s answers nothing", async (fault, end) => {
    const { answer } = await spoiled(fault);
    expect(answer).toMatchObject({ status: 0, end });
  });

  test.each([
    ["slow@200KiB", 250],
    ["slow-headers@100", 98],
  ])("%s arrives late and complete", async (fault, atLeastMs) => {
    const begun = performance.now();
    const { answer, whole } = await spoiled(fault);
    expect(performance.now() - begun).toBeGreaterThan(atLeastMs);
    expect(answer.bytes.equals(whole.bytes)).toBe(true);
  });

  test("trickle sends byte by byte", async () => {
    const simulator = await simulatorFor({ snapshotBytes: LENGTH, orders: "file=trickle@5" });
    const begun = performance.now();
    const { bytes } = await send(await linkOf(simulator), { stopAfterBytes: 20 });
    expect(bytes).toHaveLength(20);
    expect(performance.now() - begun).toBeGreaterThan(90);
  });
});

describe("framing", () => {
  test.each([
    ["chunked", { "transfer-encoding": "chunked" }],
    ["close-delimited", { connection: "close" }],
  ])("%s announces no length and is complete", async (fault, headers) => {
    const { answer, whole } = await spoiled(fault);
    expect(answer).toMatchObject({ status: 200, end: "complete", headers });
    expect(answer.headers).not.toHaveProperty("content-length");
    expect(answer.bytes.equals(whole.bytes)).toBe(true);
    if (fault === "close-delimited") expect(answer.headers).not.toHaveProperty("transfer-encoding");
  });

  test("early-hints sends 100 and 103 first", async () => {
    const { answer, whole } = await spoiled("early-hints");
    expect(answer.informational).toEqual([100, 103]);
    expect(answer.bytes.equals(whole.bytes)).toBe(true);
  });

  test("longer sends more than it announces", async () => {
    const { whole, simulator } = await spoiled("no-etag");
    simulator.order("file=longer*1");
    const raw = await sendRaw(await linkOf(simulator));
    const body = raw.subarray(raw.indexOf("\r\n\r\n") + 4);
    expect(raw.toString("latin1")).toContain(`Content-Length: ${LENGTH}\r\n`);
    expect(body).toHaveLength(LENGTH + 1_000);
    expect(body.subarray(0, LENGTH).equals(whole.bytes)).toBe(true);
  });

  test("shorter truncates the file and announces the matching length, also in ranges", async () => {
    const { answer, whole } = await spoiled("shorter");
    expect(answer).toMatchObject({
      status: 200,
      end: "complete",
      headers: { "content-length": String(LENGTH - 1_000) },
    });
    expect(isPrefix(answer, whole)).toBe(true);
    const { answer: part } = await spoiled("shorter", RANGE);
    expect(part.headers["content-range"]).toBe(`bytes 1000-${LENGTH - 1_001}/${LENGTH - 1_000}`);
  });
});

describe("validators", () => {
  test.each([
    ["no-etag", () => ({ etag: undefined, modified: undefined })],
    ["last-modified-only", (modified: string | undefined) => ({ etag: undefined, modified })],
  ])("%s removes ETag or both validators", async (fault, expected) => {
    const { answer, modified } = await spoiled(fault);
    expect({ etag: answer.headers.etag, modified: answer.headers["last-modified"] }).toEqual(expected(modified));
  });

  test("weak-etag makes the ETag weak", async () => {
    const { answer, etag } = await spoiled("weak-etag");
    expect(answer.headers.etag).toBe(`W/${etag}`);
  });

  test("object-changes replaces the file before it is served", async () => {
    const simulator = await simulatorFor({ snapshotBytes: LENGTH });
    const link = await linkOf(simulator);
    const before = await send(link);
    simulator.order("file=object-changes*1");
    const resumed = await send(link, { headers: { ...RANGE, "if-range": String(before.headers.etag) } });
    expect(resumed.status).toBe(200);
    expect(resumed.headers.etag).not.toBe(before.headers.etag);
  });
});

describe("ranges", () => {
  test.each([
    ["ignore-range", 200, undefined],
    ["short-range@500", 206, `bytes 1000-1499/${LENGTH}`],
    ["unnamed-total", 206, `bytes 1000-${LENGTH - 1}/*`],
    ["wrong-range-start", 206, `bytes 1001-${LENGTH - 1}/${LENGTH}`],
    ["wrong-range-end", 206, `bytes 1000-${LENGTH - 2}/${LENGTH}`],
    ["wrong-range-total", 206, `bytes 1000-${LENGTH - 1}/${LENGTH + 1}`],
    ["wrong-range-etag", 206, `bytes 1000-${LENGTH - 1}/${LENGTH}`],
    ["no-content-range", 206, undefined],
    ["multipart-range", 206, undefined],
    ["416-equal", 416, "bytes */1000"],
    ["416-other", 416, `bytes */${LENGTH}`],
    ["416", 416, undefined],
    ["412", 412, undefined],
  ])("%s answers %i with Content-Range %s", async (fault, status, contentRange) => {
    const { answer, etag } = await spoiled(fault, RANGE);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-range"]).toBe(contentRange);
    if (status === 206) expect(answer.headers.etag === etag).toBe(fault !== "wrong-range-etag");
  });

  test("the body of a wrong range is the range that Content-Range names", async () => {
    const { answer, whole } = await spoiled("wrong-range-start", RANGE);
    expect(answer.bytes.equals(whole.bytes.subarray(1_001))).toBe(true);
  });

  test("multipart-range wraps the part in headers of its own", async () => {
    const { answer, whole } = await spoiled("multipart-range", RANGE);
    expect(answer.headers["content-type"]).toMatch(/^multipart\/byteranges; boundary=/);
    expect(answer.text).toContain(`Content-Range: bytes 1000-${LENGTH - 1}/${LENGTH}`);
    expect(answer.bytes.includes(whole.bytes.subarray(1_000))).toBe(true);
  });

  test("206-fresh answers a request without a range with 206", async () => {
    const { answer, whole } = await spoiled("206-fresh");
    expect(answer).toMatchObject({ status: 206, headers: { "content-range": `bytes 0-${LENGTH - 1}/${LENGTH}` } });
    expect(answer.bytes.equals(whole.bytes)).toBe(true);
  });

  test("a fault about ranges waits for a request for a range", async () => {
    const simulator = await simulatorFor({ snapshotBytes: LENGTH, orders: "file=ignore-range*1,file=cut@9*1" });
    const link = await linkOf(simulator);
    expect((await send(link)).bytes).toHaveLength(9);
    expect((await send(link, { headers: RANGE })).status).toBe(200);
    expect((await send(link, { headers: RANGE })).status).toBe(206);
  });
});

describe("contents", () => {
  test.each([
    ["content-encoding", 200, { "content-encoding": "gzip", "content-length": String(LENGTH) }],
    ["xml", 200, { "content-type": "application/xml" }],
    ["html", 200, { "content-type": "text/html;charset=utf-8" }],
    ["empty", 200, { "transfer-encoding": "chunked" }],
    ["zero-length", 200, { "content-length": "0" }],
    ["expired", 403, { "content-type": "application/xml" }],
    ["404", 404, { "content-type": "application/xml" }],
    ["410", 410, { "content-type": "application/xml" }],
    ["403:InvalidToken", 403, { "content-type": "application/xml" }],
    ["429:retry-after=3", 429, { "retry-after": "3" }],
    ["503:retry-after=garbage", 503, { "retry-after": "soon, 3e1 minutes" }],
  ])("%s answers %i", async (fault, status, headers) => {
    const { answer } = await spoiled(fault);
    expect(answer).toMatchObject({ status, headers, end: "complete" });
    if (fault === "expired") expect(answer.text).toContain("<Message>Request has expired</Message>");
    if (fault === "xml") expect(answer.text).toContain("<Code>AccessDenied</Code>");
    if (fault.startsWith("403:")) expect(answer.text).toContain("<Code>InvalidToken</Code>");
  });

  test.each(["redirect", "redirect@307", "301"])("%s leads to the API's origin", async (fault) => {
    const { answer, simulator } = await spoiled(fault);
    expect(answer.status).toBe(Number(/\d+/.exec(fault)?.[0] ?? 302));
    expect(answer.headers.location).toBe(`${simulator.baseUrl}/elsewhere`);
  });

  test("moved leads to another link, which serves the file and does not move again", async () => {
    const { answer, whole } = await spoiled("moved", RANGE);
    expect(answer.status).toBe(307);
    const target = String(answer.headers.location);
    expect(new URL(target).pathname).toMatch(/^\/moved\/opensesamewords\/files\//);
    const moved = await send(target, { headers: RANGE });
    expect(moved).toMatchObject({ status: 206 });
    expect(moved.bytes.equals(whole.bytes.subarray(1_000))).toBe(true);
    expect((await send(target.replace("opensesame", "guessed"))).status).toBe(403);
  });

  test.each([
    ["flip@1500", {}, 1_500, 0],
    ["flip@1500", RANGE, 1_500, 1_000],
    ["flip@-1", {}, LENGTH - 1, 0],
  ])("%s with %j flips one bit at that offset of the file", async (fault, headers, offset, start) => {
    const { answer, whole } = await spoiled(fault, headers);
    const expected = Buffer.from(whole.bytes.subarray(start));
    expected[offset - start] = (expected[offset - start] ?? 0) ^ 0x10;
    expect(answer.bytes.equals(expected)).toBe(true);
  });

  test("several faults strike one answer", async () => {
    const { answer } = await spoiled("no-etag+chunked+cut@100");
    expect(answer).toMatchObject({ status: 200, end: "aborted", headers: { "transfer-encoding": "chunked" } });
    expect(answer.headers).not.toHaveProperty("etag");
    expect(answer.bytes).toHaveLength(100);
  });

  test("a request with an invalid link leaves the order for the next", async () => {
    const simulator = await simulatorFor({ snapshotBytes: LENGTH, orders: "file=404*1" });
    const link = await linkOf(simulator);
    expect((await send(`${link}0`)).status).toBe(403);
    expect((await send(link)).status).toBe(404);
    expect((await send(link)).status).toBe(200);
  });
});
