import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bson, checkArchives, dataFiles, int32, lastBlock, MONGODUMP_MAGIC, tar } from "../fixtures.ts";

const { file, inspect, start } = checkArchives();
const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints).map((array) => Buffer.from(array));

const plainTar = await tar(dataFiles("snapshot/"));
const dump = Buffer.concat([
  ...[MONGODUMP_MAGIC, bson({ version: "0.1" }), bson({ db: "shop", collection: "a" }), int32(-1)],
  lastBlock("a"),
]);

/** The bytes with a few changes, and sometimes cut. */
const mutated = (original: Buffer) =>
  fc
    .record({
      changes: fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { maxLength: 20 }),
      length: fc.oneof(fc.constant(original.length), fc.nat(original.length)),
    })
    .map(({ changes, length }) => {
      const copy = Buffer.from(original);
      for (const [at, value] of changes) copy.writeUInt8(value, at);
      return copy.subarray(0, length);
    });

async function expectReport(archive: Buffer) {
  const report = await inspect(archive);
  expect(report).toMatchObject({ bytes: archive.length, gzip: expect.stringMatching(/^(ok|damaged)$/) });
  expect(report.gzip === "damaged" ? report.notes : ["none needed"]).not.toHaveLength(0);
  return report;
}

test("random bytes are damaged", () =>
  fc.assert(
    fc.asyncProperty(bytes({ maxLength: 2000 }), async (archive) => {
      expect((await expectReport(archive)).gzip).toBe("damaged");
    }),
    { numRuns: 100 },
  ));

test("random bytes after a gzip header get a report", () =>
  fc.assert(
    fc.asyncProperty(bytes({ maxLength: 2000 }), async (rest) => {
      await expectReport(Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), rest]));
    }),
    { numRuns: 100 },
  ));

test("a mutated archive gets a report", () =>
  fc.assert(
    fc.asyncProperty(mutated(gzipSync(plainTar)), async (archive) => {
      await expectReport(archive);
    }),
    { numRuns: 200 },
  ));

test("a sound gzip file of a mutated tar, a mutated dump or random bytes is ok", () =>
  fc.assert(
    fc.asyncProperty(fc.oneof(mutated(plainTar), mutated(dump), bytes({ maxLength: 2000 })), async (inner) => {
      expect((await expectReport(gzipSync(inner))).gzip).toBe("ok");
    }),
    { numRuns: 300 },
  ));

test("a worker survives every archive", () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        mutated(gzipSync(plainTar)),
        mutated(plainTar).map((inner) => gzipSync(inner)),
      ),
      async (archive) => {
        const check = start(await file(archive));
        check.advance(archive.length);
        expect(await check.finish()).toMatchObject({ bytes: archive.length });
      },
    ),
    { numRuns: 15 },
  ));
