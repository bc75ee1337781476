import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createContentsReader } from "../../../src/download/integrity/contents.ts";
import { createPieces } from "../../../src/download/integrity/pieces.ts";
import { bson, checkArchives, dataFiles, int32, lastBlock, MONGODUMP_MAGIC, tar, tgz } from "../fixtures.ts";

const { contentsOf, inspect } = checkArchives();
const otherFiles = await tgz({ "readme.txt": "x", "orders.bson": "x" });

describe("a data directory", () => {
  test.each([
    ["at the top", "", 0],
    ["below the current folder", "./", 1],
    ["in a folder", "snapshot/", 1],
    ["two folders further down", "./backup/data/", 3],
  ])("%s is recognised", async (_, folder, folderDepth) => {
    const files = dataFiles(folder);
    expect(await contentsOf(await tgz(files))).toEqual({
      kind: "data-directory",
      files: 10,
      collections: 2,
      folderDepth,
      unpackedBytes: (await tar(files)).length,
    });
  });

  test("counts the collections in the folders of databases", async () => {
    const files = {
      ...dataFiles(),
      "shop/collection-7-1.wt": "x",
      "shop/collection/9-1.wt": "x",
      "shop/index/8-1.wt": "x",
    };
    expect(await contentsOf(await tgz(files))).toMatchObject({ collections: 4, folderDepth: 0 });
  });

  const rootFiles = { WiredTiger: "x", "storage.bson": "x", "_mdb_catalog.wt": "x", "sizeStorer.wt": "x" };
  const PER_DB = { directoryPerDB: true };
  const PER_KIND = { directoryForIndexes: true };
  test.each<[string, Record<string, string>, object]>([
    ["all files in one folder", { "collection-0-1.wt": "x", "index-1-1.wt": "x" }, {}],
    ["a folder for each database", { "admin/collection-0-1.wt": "x", "admin/index-1-1.wt": "x" }, PER_DB],
    ["folders for collections and indexes", { "collection/0-1.wt": "x", "index/1-1.wt": "x" }, PER_KIND],
    ["such folders for each database", { "admin/collection/0-1.wt": "x" }, { ...PER_DB, ...PER_KIND }],
    ["a database of the name collection", { "collection/collection-0-1.wt": "x" }, PER_DB],
    ["a database of the name index, with such folders", { "index/index/1-1.wt": "x" }, { ...PER_DB, ...PER_KIND }],
    ["an index alone in the folder of its database", { "shop/index-8-1.wt": "x" }, PER_DB],
    ["identifiers without digits at the start", { "collection/ab12-cd.wt": "x" }, PER_KIND],
    ["an unrelated folder further down", { "collection-0-1.wt": "x", "a/b/c/collection-0-1.wt": "x" }, {}],
  ])("with %s shows which storage options it was written with", async (_, files, expected) => {
    for (const folder of ["", "./", "snapshot/data/"]) {
      const inFolder = Object.entries({ ...rootFiles, ...files }).map(([name, body]) => [`${folder}${name}`, body]);
      const { directoryPerDB, directoryForIndexes } = await contentsOf(await tgz(Object.fromEntries(inFolder)));
      const found = { directoryPerDB, directoryForIndexes };
      expect(found).toEqual({ directoryPerDB: undefined, directoryForIndexes: undefined, ...expected });
    }
  });

  test("next to logs and folders counts only regular files", async () => {
    const files = { "snapshot/": "", ...dataFiles("snapshot/"), "logs/mongod.log": "text" };
    expect(await contentsOf(await tgz(files))).toMatchObject({ kind: "data-directory", files: 11, folderDepth: 1 });
  });

  test.each([
    ["two of them", { ...dataFiles("a/"), ...dataFiles("b/") }],
    ["an empty folder name", dataFiles("a//")],
  ])("%s: the depth of the folder stays unknown", async (_, files) => {
    expect(await contentsOf(await tgz(files))).not.toHaveProperty("folderDepth");
  });

  test("behind the label of a volume, which is a header without a format's name, is recognised", async () => {
    const plain = await tar(dataFiles());
    const label = Buffer.alloc(512);
    label.write("backup of orders");
    label.write("V", 156);
    label.fill(" ", 148, 156);
    const sum = label.reduce((total, byte) => total + byte, 0);
    label.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    const contents = await contentsOf(gzipSync(Buffer.concat([label, plain])));
    expect(contents).toMatchObject({ kind: "data-directory", files: 10, folderDepth: 0 });
  });

  test("in a tar of the seventh edition of Unix, whose headers lack a format's name, is recognised", async () => {
    const bytes = await tar(dataFiles());
    for (let at = 0; at < bytes.length; at += 512) {
      const header = bytes.subarray(at, at + 512);
      if (header.toString("latin1", 257, 262) !== "ustar") continue;
      header.fill(0, 257);
      header.fill(" ", 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    }
    expect(await contentsOf(gzipSync(bytes))).toMatchObject({ kind: "data-directory", files: 10, folderDepth: 0 });
  });

  test("is recognised by its collection files alone", async () => {
    const contents = await contentsOf(await tgz({ "a/collection-1-2.wt": "x" }));
    expect(contents).toEqual({ kind: "data-directory", files: 1, collections: 1, unpackedBytes: 2048 });
  });
});

describe("a dump directory", () => {
  const dump = { "dump/shop/orders.bson": "x", "dump/shop/orders.metadata.json": "{}", "dump/prelude.json": "{}" };

  test("is recognised", async () => {
    expect(await contentsOf(await tgz(dump))).toEqual({
      kind: "dump-directory",
      files: 3,
      collections: 1,
      folderDepth: 1,
      unpackedBytes: (await tar(dump)).length,
    });
  });

  test("of gzip files is reported as such", async () => {
    const files = { "shop/orders.bson.gz": "x", "shop/orders.metadata.json.gz": "x" };
    expect(await contentsOf(await tgz(files))).toMatchObject({
      kind: "dump-directory",
      folderDepth: 0,
      filesGzipped: true,
    });
  });

  test("without database folders has no known depth", async () => {
    const contents = await contentsOf(await tgz({ "orders.bson": "x", "orders.metadata.json": "{}" }));
    expect(contents).toMatchObject({ kind: "dump-directory", collections: 1 });
    expect(contents).not.toHaveProperty("folderDepth");
  });
});

describe("a mongodump archive", () => {
  const terminator = int32(-1);
  const header = bson({ version: "0.1", server_version: "8.0.4" });
  const collection = (name: string) => bson({ db: "shop", collection: name, metadata: "x".repeat(3000) });
  const prelude = Buffer.concat([MONGODUMP_MAGIC, header, collection("a"), collection("b"), terminator]);
  const block = Buffer.concat([bson({ db: "shop", collection: "a" }), bson({ x: "y" }), terminator]);
  const oplog = Buffer.concat([bson({ db: "", collection: "oplog" }), bson({ x: "y" }), terminator]);
  const withOplog = Buffer.concat([bson({ more: true, collection: "oplog", EOF: true, db: "" }), terminator]);
  const broken = Buffer.from([14, 0, 0, 0, 2, ...Buffer.from("db\0"), 0xff, 0xff, 0xff, 0xff, 0, 0]);
  const ends = Buffer.concat([lastBlock("a"), lastBlock("b")]);
  const INCOMPLETE = expect.stringMatching(/list of collections .* incomplete/);
  const BROKEN = expect.stringMatching(/breaks off or is damaged within its collections/);

  test.each<[string, Buffer, number, unknown[]]>([
    ["with documents", Buffer.concat([prelude, block, block, ends]), 2, []],
    ["with the last blocks alone", Buffer.concat([prelude, ends]), 2, []],
    ["with another field in a header", Buffer.concat([prelude, withOplog, ends]), 2, []],
    [
      "with the buckets of a time series",
      Buffer.concat([prelude, lastBlock("system.buckets.a"), lastBlock("b")]),
      2,
      [],
    ],
    ["cut after its prelude", prelude, 2, [BROKEN]],
    ["cut after a block", Buffer.concat([prelude, block]), 2, [BROKEN]],
    [
      "cut before the last block of one of its collections",
      Buffer.concat([prelude, block, lastBlock("a")]),
      2,
      [BROKEN],
    ],
    [
      "with a collection of another database at its end",
      Buffer.concat([prelude, lastBlock("a"), lastBlock("b", "x")]),
      2,
      [BROKEN],
    ],
    ["cut before the end of a collection that its prelude lacks", Buffer.concat([prelude, ends, oplog]), 2, [BROKEN]],
    ["cut after the length of a header", Buffer.concat([prelude, ends, block.subarray(0, 4)]), 2, [BROKEN]],
    [
      "with documents in a last block",
      Buffer.concat([prelude, ends, ends.subarray(0, -4), bson({}), terminator]),
      2,
      [BROKEN],
    ],
    ["with a block of no name", Buffer.concat([prelude, ends, bson({}), terminator]), 2, [BROKEN]],
    ["with a field in a header that is cut off", Buffer.concat([prelude, ends, broken, terminator]), 2, [BROKEN]],
    ["cut before a terminator", Buffer.concat([prelude, block, block.subarray(0, -4)]), 2, [BROKEN]],
    ["cut in a terminator", Buffer.concat([prelude, block.subarray(0, -1)]), 2, [BROKEN]],
    ["cut in a document of a collection", Buffer.concat([prelude, block.subarray(0, -6)]), 2, [BROKEN]],
    ["with two terminators in a row", Buffer.concat([prelude, ends, terminator]), 2, [BROKEN]],
    ["with an impossible length in a collection", Buffer.concat([prelude, int32(3), block]), 2, [BROKEN]],
    ["of an empty server", Buffer.concat([MONGODUMP_MAGIC, header, terminator]), 0, []],
    ["cut in a document", prelude.subarray(0, -100), 2, [INCOMPLETE]],
    ["cut in a length", prelude.subarray(0, -2), 2, [INCOMPLETE]],
    ["cut after its magic number", MONGODUMP_MAGIC, 0, [INCOMPLETE]],
    ["with an impossible length", Buffer.concat([MONGODUMP_MAGIC, header, int32(4), prelude]), 0, [INCOMPLETE]],
    [
      "with a length above 16 MiB",
      Buffer.concat([MONGODUMP_MAGIC, header, int32(17 * 1024 * 1024), prelude]),
      0,
      [INCOMPLETE],
    ],
  ])("%s is counted, and is whole only if each collection has its last block", async (_, bytes, collections, notes) => {
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      gzip: "ok",
      contents: { kind: "mongodump-archive", collections, unpackedBytes: bytes.length },
      ending: notes.length === 0 ? "marked" : "early",
      notes,
    });
  });

  test("is counted across chunks", async () => {
    const many = Array.from({ length: 1000 }, (_, index) => collection(`c${index}`));
    const last = many.map((_, index) => lastBlock(`c${index}`));
    const bytes = gzipSync(Buffer.concat([MONGODUMP_MAGIC, header, ...many, terminator, ...last]));
    expect(await inspect(bytes)).toMatchObject({ contents: { collections: 1000 }, ending: "marked" });
  });

  test.each([
    ["documents", { documents: 999 }, Buffer.concat([block.subarray(0, -4), ...Array(999).fill(bson({})), terminator])],
    ["blocks", { blocks: 999 }, Buffer.concat(Array(1000).fill(block))],
    [
      "open collections",
      {},
      Buffer.concat(
        Array.from({ length: 10_000 }, (_, index) => Buffer.concat([bson({ collection: `${index}` }), terminator])),
      ),
    ],
  ])("with too many %s is read no further", (_, limits, blocks) => {
    const reader = createContentsReader(limits);
    reader.write(Buffer.concat([prelude, blocks, ends]));
    expect(reader.end()).toMatchObject({
      ending: "early",
      notes: [expect.stringMatching(/more documents or blocks than a snapshot/)],
    });
  });
});

test.each([
  ["other files", otherFiles, { kind: "unknown", files: 2, unpackedBytes: 3072 }],
  ["a text", gzipSync("just text"), { kind: "unknown", unpackedBytes: 9 }],
  ["an empty text", gzipSync(""), { kind: "unknown", unpackedBytes: 0 }],
])("%s is unknown, and the report says so", async (_, bytes, contents) => {
  const report = await inspect(bytes);
  expect(report.contents).toEqual(contents);
  expect(report.notes).toEqual([expect.stringContaining("not recognised")]);
});

test("a report contains no name from inside the archive", async () => {
  const report = JSON.stringify(
    await inspect(await tgz({ ...dataFiles("canary/"), "canary/../canary.bson": "canary" })),
  );
  expect(report).not.toContain("canary");
});

test("pieces are the requested bytes, however the input is cut into chunks, and keep no memory of a chunk", () => {
  const wish = fc.record({ skip: fc.nat(20), take: fc.integer({ min: 1, max: 20 }) });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.array(wish, { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (bytes, [first = { skip: 0, take: 1 }, ...others], cuts) => {
        const wishes = [first, ...others];
        const expected: number[][] = [];
        for (let at = 0, next = 0; next < wishes.length; next += 1) {
          const { skip, take } = wishes[next] ?? first;
          if (at + skip + take > bytes.length) break;
          expected.push([...bytes.subarray(at + skip, at + skip + take)]);
          at += skip + take;
        }

        const found: number[][] = [];
        const pieces = createPieces(first, (piece) => wishes[found.push([...piece])]);
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const chunk = Buffer.from(bytes.subarray(at, at + (cuts[cut % cuts.length] ?? 1)));
          at += chunk.length;
          pieces.write(chunk);
          chunk.fill(0xff);
        }
        expect(found).toEqual(expected);
      },
    ),
    { seed: 5, numRuns: 500 },
  );
});
