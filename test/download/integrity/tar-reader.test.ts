import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataFiles, tar, tarHeader, tgz } from "./archives.ts";
import { workshop } from "./workshop.ts";

const { inspect } = workshop();
const contentsOf = async (bytes: Buffer) => (await inspect(bytes)).contents;
const END_MARKER = Buffer.alloc(1024);
const LONG_NAME = `${"folder/".repeat(40)}collection-1-2.wt`;
const paxTar = await tar({ [LONG_NAME]: "" });

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
    ["without its end marker", entry("WiredTiger", "x"), /lacks its end marker/],
    ["with half an end marker", Buffer.concat([entry("WiredTiger"), Buffer.alloc(512)]), /lacks its end marker/],
  ])("%s is noted, not damaged", async (_, bytes, note) => {
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      gzip: "ok",
      contents: { kind: "data-directory", files: 1 },
      notes: [expect.stringMatching(note)],
    });
  });

  test("with a sparse file, its map and a long link passes over them", async () => {
    const map = (more: number) => Buffer.concat([Buffer.alloc(504), Buffer.from([more]), Buffer.alloc(7)]);
    const bytes = Buffer.concat([
      tarHeader({ name: "journal.1", size: 700, type: "S", sparseExtended: true }),
      ...[map(1), map(0), Buffer.alloc(1024, "data")],
      ...[tarHeader({ name: "././@LongLink", size: 512, type: "L" }), padded(LONG_NAME)],
      ...[tarHeader({ name: "././@LongLink", size: 512, type: "K" }), padded("target")],
      entry("short"),
      END_MARKER,
    ]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 2, collections: 1 }, notes: [] });
  });

  test("with a file of 9 GiB, whose size needs base 256, goes on after it", async () => {
    const huge = tarHeader({ name: "a.wt", size: 0, type: "0" });
    huge.writeUIntBE(9 * 1024 ** 3, 130, 6);
    huge.fill(0, 124, 130).writeUInt8(0x80, 124);
    const sum = huge.fill(" ", 148, 156).reduce((total, byte) => total + byte, 0);
    huge.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    expect(await inspect(gzipSync(huge))).toMatchObject({
      contents: { kind: "data-directory", files: 1 },
      notes: ["The tar inside ends in the middle of an entry."],
    });
  });

  test("with a long name in front gives it to the next file only", async () => {
    const pax = paxTar.subarray(0, -1024);
    const bytes = Buffer.concat([pax, entry("plain"), END_MARKER]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 2, collections: 1 }, notes: [] });
  });

  test("with a name of more than 1 MiB is noted", async () => {
    const bytes = Buffer.concat([entry("a.wt"), tarHeader({ name: "x", size: 2 * 1024 ** 2, type: "L" })]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      contents: { files: 1 },
      notes: [expect.stringMatching(/damaged/)],
    });
  });

  test("ends at its end marker, whatever follows", async () => {
    const bytes = Buffer.concat([
      entry("WiredTiger"),
      END_MARKER,
      Buffer.alloc(512, "text"),
      entry("a.wt"),
      END_MARKER,
    ]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 1 }, notes: [] });
  });

  test("whose folder states a size goes on right after it", async () => {
    const bytes = Buffer.concat([entry("WiredTiger"), tarHeader({ name: "a/", size: 2048, type: "5" }), END_MARKER]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 1 }, notes: [] });
  });

  test("counts a file with an absurdly long name, but does not look at the name", async () => {
    const files = { [`${"a/".repeat(2100)}collection-1-2.wt`]: "" };
    expect(await contentsOf(await tgz(files))).toMatchObject({ kind: "unknown", files: 1 });
  });

  test("whose names lead out of its folder is noted with their number", async () => {
    const files = { ...dataFiles(), "../../etc/passwd": "x", "/etc/shadow": "x", "a/../b": "x", "c..d/..e": "x" };
    const { notes } = await inspect(await tgz(files));
    expect(notes).toEqual(["Names in the tar that lead out of the folder it is unpacked into: 3."]);
  });
});

function padded(text: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(text);
  return block;
}

test("what another program packs is counted whatever the names and sizes", () =>
  fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.stringMatching(/^[a-zé]{1,30}(\/[a-z日]{1,90}){0,3}$/), fc.nat(1500), { maxKeys: 12 }),
      async (sizes) => {
        const files = Object.entries(sizes).map(([name, size]) => [`top/${name}`, Buffer.alloc(size, "x")] as const);
        const report = await inspect(await tgz({ ...dataFiles("top/"), ...Object.fromEntries(files) }));
        expect(report).toMatchObject({ contents: { files: 10 + files.length, folderDepth: 1 }, notes: [] });
      },
    ),
    { numRuns: 40 },
  ));
