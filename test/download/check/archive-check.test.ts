import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startArchiveCheck } from "../../../src/download/check/archive-check.ts";
import { dataDirectory, tar, workshop } from "./archives.ts";

let shop: Awaited<ReturnType<typeof workshop>>;
beforeAll(async () => {
  shop = await workshop();
});
afterAll(() => shop.release());

async function check(bytes: Buffer) {
  const archive = startArchiveCheck({ path: await shop.file(bytes), worker: shop.worker });
  archive.advance(bytes.length);
  return archive.finish();
}

test("a sound data directory is ok, hashed and counted", async () => {
  const bytes = await dataDirectory();
  expect(await check(bytes)).toEqual({
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    md5: createHash("md5").update(bytes).digest("hex"),
    gzip: "ok",
    contents: { kind: "data-directory", files: 10, collections: 2, unpackedBytes: 14848, folderDepth: 0 },
    notes: [],
  });
});

const member = gzipSync(randomBytes(3_000_000));
const flipped = (at: number) => {
  const bytes = Buffer.from(member);
  bytes.writeUInt8((bytes[at] ?? 0) ^ 1, at);
  return bytes;
};

test.each([
  ["an empty file", Buffer.alloc(0)],
  ["a login page", Buffer.from("<html><body>Sign in</body></html>")],
  ["a first byte alone", member.subarray(0, 1)],
  ["a header alone", member.subarray(0, 10)],
  ["a cut at a batch boundary", member.subarray(0, 1024 * 1024)],
  ["a cut before the trailer", member.subarray(0, -8)],
  ["a cut inside the trailer", member.subarray(0, -1)],
  ["a flipped bit in the data", flipped(member.length - 9)],
  ["a wrong CRC-32", flipped(member.length - 8)],
  ["a wrong length", flipped(member.length - 4)],
  ["garbage after the end", Buffer.concat([member, Buffer.from("garbage")])],
  ["one byte after the end", Buffer.concat([member, Buffer.from("x")])],
  ["padding that is not all zero", Buffer.concat([member, Buffer.alloc(100), Buffer.from("x")])],
  ["a member after padding", Buffer.concat([member, Buffer.alloc(100), member])],
  ["a cut second member", Buffer.concat([member, member.subarray(0, -1)])],
])("%s is damaged", async (_, bytes) => {
  const report = await check(bytes);
  expect(report.gzip).toBe("damaged");
  expect(report.notes).toHaveLength(1);
  expect(report.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
});

test.each([
  ["several members", Buffer.concat([member, member])],
  ["zero padding after the end", Buffer.concat([member, Buffer.alloc(2_000_000)])],
])("%s are accepted", async (_, bytes) => {
  expect(await check(bytes)).toMatchObject({ gzip: "ok", notes: [] });
});

test("a dump directory is told apart", async () => {
  const files = { "dump/shop/orders.bson": "x", "dump/shop/orders.metadata.json": "{}" };
  expect(await check(gzipSync(await tar(files)))).toMatchObject({
    contents: { kind: "dump-directory", files: 2, collections: 1 },
  });
});
