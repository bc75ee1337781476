import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createContentsReader } from "../../../src/download/integrity/contents.ts";
import type { Ending } from "../../../src/download/integrity/soundness.ts";
import { parsePax, parseTarHeader } from "../../../src/download/integrity/tar-header.ts";
import { checkArchives, dataFiles, MIB, tar, tgz } from "../fixtures.ts";

const { contentsOf, inspect } = checkArchives();
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
  ])("with a long name in %s form keeps that name", async (_, bytes) => {
    expect(await contentsOf(gzipSync(Buffer.concat([bytes, END_MARKER])))).toMatchObject({ files: 1, collections: 1 });
  });

  const CUT = "ends in the middle of an entry";
  const described = (type: string) =>
    Buffer.concat([entry("WiredTiger"), tarHeader({ name: "x", size: 512, type }), padded("text")]);
  test.each<[string, Buffer, string, Ending]>([
    ["cut inside a file", entry("WiredTiger", "x".repeat(2000)).subarray(0, 1500), CUT, "early"],
    ["cut inside a header", Buffer.concat([entry("WiredTiger"), entry("b").subarray(0, 300)]), CUT, "early"],
    ["cut after a long name", described("L"), CUT, "early"],
    ["cut after a long link target", described("K"), CUT, "early"],
    ["cut after a PAX header", described("x"), CUT, "early"],
    ["cut before a long name", described("L").subarray(0, -512), CUT, "early"],
    [
      "cut before the map of a sparse file",
      tarHeader({ name: "WiredTiger", size: 0, type: "S", sparseExtended: true }),
      CUT,
      "early",
    ],
    [
      "with a wrong checksum",
      Buffer.concat([entry("WiredTiger"), entry("b").fill("y", 0, 1), END_MARKER]),
      "is damaged",
      "early",
    ],
    [
      "with half an end marker before another file",
      Buffer.concat([entry("WiredTiger"), Buffer.alloc(512), entry("b"), END_MARKER]),
      "is damaged",
      "early",
    ],
    ["without its end marker", entry("WiredTiger", "x"), "lacks its end marker", "border"],
    [
      "with half an end marker",
      Buffer.concat([entry("WiredTiger"), Buffer.alloc(512)]),
      "lacks its end marker",
      "border",
    ],
  ])("%s gets a note, and its gzip data is not damaged", async (_, bytes, note, ending) => {
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      gzip: "ok",
      contents: { kind: "data-directory", files: 1 },
      ending,
      notes: [expect.stringContaining(note)],
    });
  });

  test("with a sparse file, its map and a long link target is read past them", async () => {
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

  test("with a file of 9 GiB, whose size is in base 256, is cut off inside that file", async () => {
    const huge = tarHeader({ name: "a.wt", size: 0, type: "0" });
    huge.writeUIntBE(9 * 1024 ** 3, 130, 6);
    huge.fill(0, 124, 130).writeUInt8(0x80, 124);
    expect(await inspect(gzipSync(withChecksum(huge)))).toMatchObject({
      contents: { kind: "data-directory", files: 1 },
      notes: ["The tar inside ends in the middle of an entry."],
    });
  });

  test("gives a long name to the next file only", async () => {
    const pax = paxTar.subarray(0, -1024);
    const bytes = Buffer.concat([pax, entry("plain"), END_MARKER]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 2, collections: 1 }, notes: [] });
  });

  test("with a name of more than 1 MiB is damaged", async () => {
    const bytes = Buffer.concat([entry("a.wt"), tarHeader({ name: "x", size: 2 * 1024 ** 2, type: "L" })]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({
      contents: { files: 1 },
      notes: [expect.stringMatching(/damaged/)],
    });
  });

  test("with more than 64 MiB of PAX headers is read no further", async () => {
    const header = Buffer.concat([tarHeader({ name: "x", size: MIB, type: "x" }), Buffer.alloc(MIB, "=")]);
    const reader = createContentsReader();
    for (let headers = 0; headers < 65; headers += 1) reader.write(Buffer.concat([header, entry("a.wt")]));
    reader.write(END_MARKER);
    expect(reader.end()).toMatchObject({
      contents: { files: 64 },
      ending: "early",
      notes: [expect.stringContaining("more long names and attributes than a snapshot")],
    });
  });

  test("ends at its end marker, whatever bytes follow", async () => {
    const bytes = Buffer.concat([
      entry("WiredTiger"),
      END_MARKER,
      Buffer.alloc(512, "text"),
      entry("a.wt"),
      END_MARKER,
    ]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 1 }, notes: [] });
  });

  test("whose folder states a size continues right after the header of the folder", async () => {
    const bytes = Buffer.concat([entry("WiredTiger"), tarHeader({ name: "a/", size: 2048, type: "5" }), END_MARKER]);
    expect(await inspect(gzipSync(bytes))).toMatchObject({ contents: { files: 1 }, notes: [] });
  });

  test("counts a file with a name above 4 KiB but ignores the name", async () => {
    const files = { [`${"a/".repeat(2100)}collection-1-2.wt`]: "" };
    expect(await contentsOf(await tgz(files))).toMatchObject({ kind: "unknown", files: 1 });
  });

  test("with names that lead out of its folder gets a note with their number", async () => {
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

test("every file that tar-stream packs is counted, whatever the names and sizes", () =>
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

test("a tar with too many entries is counted up to the limit", () => {
  const reader = createContentsReader({ tarHeaders: 1000 });
  const entries = Buffer.concat(Array.from({ length: 1500 }, () => tarHeader({ name: "a.wt", size: 0, type: "0" })));
  reader.write(entries);
  reader.write(entries);
  expect(reader.end()).toEqual({
    contents: { kind: "data-directory", files: 1000, collections: 0 },
    ending: "early",
    notes: ["The tar inside has more than 1000 entries; the rest was not counted."],
  });
});

/** One header block of a tar with a correct checksum. */
function tarHeader(fields: { name: string; size: number; type: string; sparseExtended?: boolean }): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name, 0, 100);
  block.write("0000644\0", 100);
  block.write(`${fields.size.toString(8).padStart(11, "0")}\0`, 124);
  block.write(fields.type, 156);
  block.write("ustar  \0", 257);
  block.writeUInt8(fields.sparseExtended ? 1 : 0, 482);
  return withChecksum(block);
}

function withChecksum(block: Buffer): Buffer {
  const sum = block.fill(" ", 148, 156).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** A header in POSIX form, whose name starts in the prefix field. */
function posixHeader(): Buffer {
  const block = tarHeader({ name: "file", size: 10, type: "0" });
  block.write("ustar\x0000", 257, "latin1");
  block.write("some/folder", 345);
  return withChecksum(block);
}

test("the prefix of a POSIX header is part of the name", () => {
  expect(parseTarHeader(posixHeader())).toEqual({ name: "some/folder/file", size: 10, kind: "file" });
});

test("the GNU fields in place of the prefix are not part of the name", () => {
  const block = tarHeader({ name: "file", size: 10, type: "0" });
  block.write("14000000000", 345);
  expect(parseTarHeader(withChecksum(block))).toMatchObject({ name: "file" });
});

test.each([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["2", "no-data"],
  ["5", "no-data"],
  ["g", "ignored"],
  ["V", "other"],
  ["?", "other"],
])("an entry of type %j is %s", (type, kind) => {
  expect(parseTarHeader(tarHeader({ name: "a", size: 0, type }))).toMatchObject({ kind });
});

test.each([
  ["not octal", "00000000009\0"],
  ["negative", "-0000000001\0"],
  ["negative in base 256", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"],
  ["beyond 2^53", "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"],
])("a block whose size is %s is not a header", (_, size) => {
  const block = tarHeader({ name: "a", size: 0, type: "0" });
  block.write(size, 124, "latin1");
  expect(parseTarHeader(withChecksum(block))).toBeUndefined();
});

test.each([
  ["two records", "10 path=a\n12 size=100\n", { path: "a", size: 100 }],
  ["a name with an equals sign", "12 path=a=b\n", { path: "a=b" }],
  ["an empty name", "8 path=\n", { path: "" }],
  ["nothing from a key that only begins like one", "8 paths\n10 pathx=\n", {}],
  ["nothing from a key that ends in the next record", "6 path\n=x\n", {}],
  ["nothing from a key with two equals signs before it", "9 a=path=\n", {}],
  ["other keys", "19 mtime=123.45678\n10 path=a\n", { path: "a" }],
  ["the later of two", "10 path=a\n10 path=b\n", { path: "b" }],
  ["only whole numbers as a size", "11 size=-1\n12 size=1.5\n", {}],
  ["nothing after a length of zero", "0 path=a\n10 path=b\n", {}],
  ["nothing after a negative length", "-5 path=a\n10 path=b\n", {}],
  ["nothing after a length within its own digits", "2 path=a\n10 path=b\n", {}],
  ["nothing after a length beyond the end", "99 path=a\n", {}],
  ["nothing without a length", "path=a\n", {}],
  ["nothing if empty", "", {}],
])("a PAX header gives %s", (_, body, found) => {
  expect(parsePax(Buffer.from(body))).toEqual(found);
});

test("every block and every PAX header is parsed without an error", () => {
  const digits = fc.constantFrom(..."0123456789 =-pathsize\n\0").map((char) => char.charCodeAt(0));
  fc.assert(
    fc.property(fc.array(fc.oneof(digits, fc.nat(255)), { minLength: 512, maxLength: 700 }), (bytes) => {
      parsePax(Buffer.from(bytes));
      parseTarHeader(withChecksum(Buffer.from(bytes.slice(0, 512))));
    }),
  );
});
