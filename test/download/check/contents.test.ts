import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bson, dataFiles, int32, tar, tarHeader, tgz } from "./archives.ts";
import { workshop } from "./workshop.ts";

const { inspect } = workshop();
const contentsOf = async (bytes: Buffer) => (await inspect(bytes)).contents;
const END_MARKER = Buffer.alloc(1024);
const LONG_NAME = `${"folder/".repeat(40)}collection-1-2.wt`;
const paxTar = await tar({ [LONG_NAME]: "" });
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

describe("a tar", () => {
  const entry = (name: string, body = "") => {
    const data = Buffer.alloc(Math.ceil(body.length / 512) * 512);
    data.write(body);
    return Buffer.concat([tarHeader({ name, size: body.length, type: "0" }), data]);
  };

  test.each([
    [
      "GNU",
      Buffer.concat([tarHeader({ name: "././@LongLink", size: 512, type: "L" }), padded(LONG_NAME), entry("short")]),
    ],
    ["PAX", paxTar],
  ])("with a long name in %s form is read", async (_, bytes) => {
    expect(await contentsOf(gzipSync(Buffer.concat([bytes, END_MARKER])))).toMatchObject({ files: 1, collections: 1 });
  });

  test.each<[string, Buffer, RegExp]>([
    ["cut inside a file", entry("WiredTiger", "x".repeat(2000)).subarray(0, 1500), /ends in the middle/],
    ["cut inside a header", Buffer.concat([entry("WiredTiger"), entry("b").subarray(0, 300)]), /ends in the middle/],
    [
      "with a wrong checksum",
      Buffer.concat([entry("WiredTiger"), entry("b").fill("y", 0, 1), END_MARKER]),
      /is damaged/,
    ],
    ["followed by text", Buffer.concat([entry("WiredTiger"), END_MARKER, Buffer.alloc(512, "text")]), /is damaged/],
    ["without its end marker", entry("WiredTiger", "x"), /lacks its end marker/],
    ["with half an end marker", Buffer.concat([entry("WiredTiger"), Buffer.alloc(512)]), /lacks its end marker/],
  ])("%s is noted, not damaged", async (_, bytes, note) => {
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      gzip: "ok",
      contents: { kind: "data-directory", files: 1 },
      notes: [expect.stringMatching(note)],
    });
  });

  test("whose names lead out of its folder is noted with their number", async () => {
    const files = { ...dataFiles(), "../../etc/passwd": "x", "/etc/shadow": "x", "a/../b": "x", "c..d/..e": "x" };
    const { notes } = await inspect(await tgz(files));
    expect(notes).toEqual(["Names in the tar that lead out of the folder it is unpacked into: 3."]);
  });

  test.each([
    ["other files", otherFiles, { kind: "unknown", files: 2, unpackedBytes: 3072 }],
    ["a text", gzipSync("just text"), { kind: "unknown", unpackedBytes: 9 }],
    ["nothing", gzipSync(""), { kind: "unknown", unpackedBytes: 0 }],
  ])("of %s is unknown", async (_, bytes, contents) => {
    expect(await contentsOf(bytes)).toEqual(contents);
  });

  test("gives away no name from inside", async () => {
    const report = JSON.stringify(
      await inspect(await tgz({ ...dataFiles("canary/"), "canary/../canary.bson": "canary" })),
    );
    expect(report).not.toContain("canary");
  });
});

function padded(text: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(text);
  return block;
}
