import { createHash, randomBytes } from "node:crypto";
import { deflateRawSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createGzipJudge } from "../../../src/download/integrity/examine.ts";
import { checkArchives, dataFiles, flipBit, MIB, tar, tgz } from "../fixtures.ts";

const { file, inspect, start } = checkArchives();

// Incompressible, so that it spans several batches.
const member = gzipSync(randomBytes(2_500_000));
const small = gzipSync("a small member");
/** A member that ends exactly where the first batch does. */
const oneBatch = padded(gzipSync(randomBytes(MIB - 2000)), MIB);

describe("a file is damaged:", () => {
  test.each<[string, Buffer, RegExp]>([
    ["an empty file", Buffer.alloc(0), /is empty/],
    ["a login page", Buffer.from("<html><body>Sign in</body></html>"), /not a gzip file/],
    ["a deflate stream without a header", deflateRawSync("text"), /not a gzip file/],
    ["a zip file", Buffer.from("PK\x03\x04 and so on"), /not a gzip file/],
    ["zeros only", Buffer.alloc(2 * MIB), /not a gzip file/],
    ["the first byte alone", member.subarray(0, 1), /cut off .* byte 1\./],
    ["the magic number alone", member.subarray(0, 2), /cut off/],
    ["the header alone", member.subarray(0, 10), /cut off/],
    ["a cut before a batch ends", member.subarray(0, MIB - 1), /cut off .* byte 1048575\./],
    ["a cut where a batch ends", member.subarray(0, MIB), /cut off .* byte 1048576\./],
    ["a cut after a batch ended", member.subarray(0, MIB + 1), /cut off .* byte 1048577\./],
    ["a cut before the trailer", member.subarray(0, -8), /cut off/],
    ["a cut inside the trailer", member.subarray(0, -1), /cut off/],
    ["a cut second member", Buffer.concat([member, small.subarray(0, -1)]), /cut off/],
    ["a cut header of a second member", Buffer.concat([member, small.subarray(0, 3)]), /cut off/],
    ["an unknown method", Buffer.concat([Buffer.from([0x1f, 0x8b, 7]), small.subarray(3)]), /damaged/],
    ["reserved flags", Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0xe0]), small.subarray(4)]), /damaged/],
    ["a flipped bit in the middle", flipBit(member, MIB + 5000), /damaged.* between bytes \d+ and/],
    ["a flipped bit in the last byte of data", flipBit(member, member.length - 9), /damaged/],
    ["a wrong CRC-32", flipBit(member, member.length - 8), /damaged/],
    ["a wrong length", flipBit(member, member.length - 1), /damaged/],
    ["a wrong CRC-32 before a second member", Buffer.concat([flipBit(small, small.length - 8), small]), /damaged/],
    ["text after the end", Buffer.concat([member, Buffer.from("text")]), /followed by something else/],
    ["one byte after the end", Buffer.concat([small, Buffer.from("x")]), /cut off|followed/],
    ["text in the batch after the end", Buffer.concat([oneBatch, Buffer.from("text")]), /followed by something else/],
    [
      "padding that is not all zero",
      Buffer.concat([small, Buffer.alloc(9), Buffer.from("x")]),
      /something else follows/,
    ],
    [
      "text after padding of more than a batch",
      Buffer.concat([small, Buffer.alloc(2 * MIB), Buffer.from("x")]),
      /ends at byte 34, but something else follows/,
    ],
    [
      "padding in the next batch, then text",
      Buffer.concat([oneBatch, Buffer.alloc(9), small]),
      /something else follows/,
    ],
    ["a member after padding", Buffer.concat([small, Buffer.alloc(512), small]), /something else follows/],
  ])("%s", async (_, bytes, note) => {
    const report = await inspect(bytes);
    expect(report).toMatchObject({ gzip: "damaged", notes: [expect.stringMatching(note)] });
    // The hash still covers the whole file.
    expect(report.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(report.bytes).toBe(bytes.length);
  });

  test("every cut of a small archive", async () => {
    const twoMembers = Buffer.concat([small, small]);
    for (let length = 0; length < twoMembers.length; length++) {
      const { gzip } = await inspect(twoMembers.subarray(0, length));
      // A cut after a whole member shows only in the length of the file.
      expect(gzip, `cut at ${length}`).toBe(length === small.length ? "ok" : "damaged");
    }
  });

  test("every flipped bit of the data and the trailer", async () => {
    for (let at = 10; at < small.length; at++)
      expect((await inspect(flipBit(small, at))).gzip, `byte ${at}`).toBe("damaged");
  });
});

describe("a file is ok:", () => {
  test.each([
    ["one member", member],
    ["several members", Buffer.concat([member, small, member])],
    ["a member that starts a batch", Buffer.concat([oneBatch, small])],
    ["members without content", Buffer.concat([gzipSync(""), small, gzipSync("")])],
    ["zero padding", Buffer.concat([member, Buffer.alloc(512)])],
    ["zero padding of more than a batch", Buffer.concat([member, Buffer.alloc(2 * MIB)])],
    ["zero padding that starts a batch", Buffer.concat([oneBatch, Buffer.alloc(512)])],
    ["a header with name and comment", withName(small)],
  ])("%s", async (_, bytes) => {
    expect(await inspect(bytes)).toMatchObject({
      gzip: "ok",
      notes: [expect.stringContaining("not recognised")],
      bytes: bytes.length,
    });
  });
});

// Deflate packs zeros about 1000:1, near its maximum.
const bomb = gzipSync(Buffer.alloc(64 * MIB));

test("a 1000:1 bomb is unpacked only up to the largest ratio, and hashed to its end", async () => {
  const check = start(await file(bomb), { limits: { ratioFreeBytes: 8 * MIB } });
  check.advance(bomb.length);
  const report = await check.finish();
  expect(report).toMatchObject({
    gzip: "damaged",
    notes: ["The data expands more than 200 times, as no snapshot does."],
    sha256: createHash("sha256").update(bomb).digest("hex"),
  });
  expect(report.contents.unpackedBytes).toBeLessThanOrEqual(10 * MIB);
});

test("an archive that expands a lot only at its start is ok", async () => {
  const bytes = await tgz({ ...dataFiles(), "journal/WiredTigerPreplog.1": Buffer.alloc(6 * MIB) });
  expect(await inspect(bytes, { ratioFreeBytes: 8 * MIB, maxRatio: 200 })).toMatchObject({ gzip: "ok" });
});

test("an archive that unpacks to more than the largest size is damaged", async () => {
  const report = await inspect(bomb, { maxUnpackedBytes: 5 * MIB });
  expect(report).toMatchObject({ gzip: "damaged", notes: [`The data unpacks to more than ${5 * MIB} bytes.`] });
  expect(report.contents.unpackedBytes).toBeLessThanOrEqual(6 * MIB);
});

test("an archive that unpacks to exactly the largest size is ok", async () => {
  expect(await inspect(bomb, { maxUnpackedBytes: 64 * MIB })).toMatchObject({ gzip: "ok" });
});

test("a bomb in a later member is damaged", async () => {
  const bytes = Buffer.concat([gzipSync(await tar(dataFiles())), bomb]);
  const report = await inspect(bytes, { ratioFreeBytes: 8 * MIB, maxRatio: 200 });
  expect(report).toMatchObject({ gzip: "damaged", contents: { kind: "data-directory", files: 10 } });
});

test("unpacked chunks are freed at once, also when several share a buffer", async () => {
  const chunks: Buffer[] = [];
  const held: number[] = [];
  const judge = createGzipJudge({ maxUnpackedBytes: 1e12, maxRatio: 2000, ratioFreeBytes: 0 }, (chunk) => {
    held.push(chunks.reduce((sum, { length }) => sum + length, 0));
    chunks.push(chunk);
  });
  for (let batch = 0; batch < 8; batch += 1) await judge.write(gzipSync(Buffer.alloc(1.7 * MIB)));
  expect(await judge.end()).toBeUndefined();
  expect(held.length).toBeGreaterThan(8);
  expect(Math.max(...held)).toBeLessThan(2 * MIB);
});

/** RFC 1952, 2.3.1: FLG bits 3 and 4 announce a file name and a comment, each ended by a zero. */
function withName(bytes: Buffer): Buffer {
  const header = Buffer.from(bytes.subarray(0, 10));
  header.writeUInt8(0b11000, 3);
  return Buffer.concat([header, Buffer.from("snapshot.tar\0a comment\0"), bytes.subarray(10)]);
}

/** RFC 1952, 2.3.1.1: FLG bit 2 announces an extra field, here of zeros up to the wanted length. */
function padded(bytes: Buffer, length: number): Buffer {
  const header = Buffer.from(bytes.subarray(0, 10));
  header.writeUInt8(0b100, 3);
  const extra = Buffer.alloc(length - bytes.length);
  extra.writeUInt16LE(extra.length - 2);
  return Buffer.concat([header, extra, bytes.subarray(10)]);
}
