import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createTarReader } from "../../../src/download/integrity/contents.ts";
import { createGzipJudge } from "../../../src/download/integrity/examine.ts";
import { dataFiles, tar, tarHeader, tgz } from "./archives.ts";
import { workshop } from "./workshop.ts";

const { file, inspect, start } = workshop();
const MIB = 1024 * 1024;
// Deflate packs zeros about 1000:1, near its maximum.
const bomb = gzipSync(Buffer.alloc(64 * MIB));

test("a 1000:1 bomb is damaged as soon as it passes the ratio, and hashed to its end", async () => {
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

test("what expands much at its start only is ok", async () => {
  const bytes = await tgz({ ...dataFiles(), "journal/WiredTigerPreplog.1": Buffer.alloc(6 * MIB) });
  expect(await inspect(bytes, { ratioFreeBytes: 8 * MIB, maxRatio: 200 })).toMatchObject({ gzip: "ok" });
});

test("more than the largest size is damaged", async () => {
  const report = await inspect(bomb, { maxUnpackedBytes: 5 * MIB });
  expect(report).toMatchObject({ gzip: "damaged", notes: [`The data unpacks to more than ${5 * MIB} bytes.`] });
  expect(report.contents.unpackedBytes).toBeLessThanOrEqual(6 * MIB);
});

test("exactly the largest size is ok", async () => {
  expect(await inspect(bomb, { maxUnpackedBytes: 64 * MIB })).toMatchObject({ gzip: "ok" });
});

test("a bomb in a later member is found", async () => {
  const bytes = Buffer.concat([gzipSync(await tar(dataFiles())), bomb]);
  const report = await inspect(bytes, { ratioFreeBytes: 8 * MIB, maxRatio: 200 });
  expect(report).toMatchObject({ gzip: "damaged", contents: { kind: "data-directory", files: 10 } });
});

test("what was unpacked gives its memory back at once, also where several chunks share it", async () => {
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

test("a tar of too many entries is counted up to the limit", () => {
  const reader = createTarReader(1000);
  const entries = Buffer.concat(Array.from({ length: 1500 }, () => tarHeader({ name: "a.wt", size: 0, type: "0" })));
  reader.write(entries);
  reader.write(entries);
  expect(reader.end()).toEqual({
    contents: { kind: "data-directory", files: 1000, collections: 0 },
    notes: ["The tar inside has more than 1000 entries; the rest was not counted."],
  });
});
