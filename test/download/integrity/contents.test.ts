import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bson, dataFiles, int32, tar, tgz } from "./archives.ts";
import { workshop } from "./workshop.ts";

const { inspect } = workshop();
const contentsOf = async (bytes: Buffer) => (await inspect(bytes)).contents;
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

  test("with a folder for each database counts the collections in them", async () => {
    const files = {
      ...dataFiles(),
      "shop/collection-7-1.wt": "x",
      "shop/collection/9-1.wt": "x",
      "shop/index/8-1.wt": "x",
    };
    expect(await contentsOf(await tgz(files))).toMatchObject({ collections: 4, folderDepth: 0 });
  });

  test("beside logs and folders counts regular files only", async () => {
    const files = { "snapshot/": "", ...dataFiles("snapshot/"), "logs/mongod.log": "text" };
    expect(await contentsOf(await tgz(files))).toMatchObject({ kind: "data-directory", files: 11, folderDepth: 1 });
  });

  test.each([
    ["two of them", { ...dataFiles("a/"), ...dataFiles("b/") }],
    ["an empty folder name", dataFiles("a//")],
  ])("%s leave the folder open", async (_, files) => {
    expect(await contentsOf(await tgz(files))).not.toHaveProperty("folderDepth");
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

  test("of gzip files says so", async () => {
    const files = { "shop/orders.bson.gz": "x", "shop/orders.metadata.json.gz": "x" };
    expect(await contentsOf(await tgz(files))).toMatchObject({
      kind: "dump-directory",
      folderDepth: 0,
      filesGzipped: true,
    });
  });

  test("without database folders leaves the folder open", async () => {
    const contents = await contentsOf(await tgz({ "orders.bson": "x", "orders.metadata.json": "{}" }));
    expect(contents).toMatchObject({ kind: "dump-directory", collections: 1 });
    expect(contents).not.toHaveProperty("folderDepth");
  });
});

describe("a mongodump archive", () => {
  const magic = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
  const terminator = int32(-1);
  const header = bson({ version: "0.1", server_version: "8.0.4" });
  const collection = (name: string) => bson({ db: "shop", collection: name, metadata: "x".repeat(3000) });
  const prelude = Buffer.concat([magic, header, collection("a"), collection("b"), terminator]);
  const INCOMPLETE = expect.stringMatching(/list of collections .* incomplete/);

  test.each<[string, Buffer, number, unknown[]]>([
    [
      "with documents",
      Buffer.concat([prelude, bson({ db: "shop", collection: "a" }), bson({ x: "y" }), terminator]),
      2,
      [],
    ],
    ["of an empty server", Buffer.concat([magic, header, terminator]), 0, []],
    ["cut in a document", prelude.subarray(0, -100), 2, [INCOMPLETE]],
    ["cut in a length", prelude.subarray(0, -2), 2, [INCOMPLETE]],
    ["cut after its magic number", magic, 0, [INCOMPLETE]],
    ["with an impossible length", Buffer.concat([magic, header, int32(4), prelude]), 0, [INCOMPLETE]],
    ["with a length above 16 MiB", Buffer.concat([magic, header, int32(17 * 1024 * 1024), prelude]), 0, [INCOMPLETE]],
  ])("%s is counted", async (_, bytes, collections, notes) => {
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      gzip: "ok",
      contents: { kind: "mongodump-archive", collections, unpackedBytes: bytes.length },
      notes,
    });
  });

  test("is counted across chunks", async () => {
    const many = Array.from({ length: 1000 }, (_, index) => collection(`c${index}`));
    const bytes = gzipSync(Buffer.concat([magic, header, ...many, terminator]));
    expect(await contentsOf(bytes)).toMatchObject({ collections: 1000 });
  });
});

test.each([
  ["other files", otherFiles, { kind: "unknown", files: 2, unpackedBytes: 3072 }],
  ["a text", gzipSync("just text"), { kind: "unknown", unpackedBytes: 9 }],
  ["nothing", gzipSync(""), { kind: "unknown", unpackedBytes: 0 }],
])("%s is unknown, and the report says so", async (_, bytes, contents) => {
  const report = await inspect(bytes);
  expect(report.contents).toEqual(contents);
  expect(report.notes).toEqual([expect.stringContaining("not recognised")]);
});

test("no name from inside an archive comes out", async () => {
  const report = JSON.stringify(
    await inspect(await tgz({ ...dataFiles("canary/"), "canary/../canary.bson": "canary" })),
  );
  expect(report).not.toContain("canary");
});
