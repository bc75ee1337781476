import { spawnSync } from "node:child_process";
import { crc32, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { extract } from "tar-stream";
import { describe, expect, test } from "vitest";
import { hasCode } from "../../src/core/errors.ts";
import { createPool, dataDirectory } from "../../src/simulator/archive/data-directory.ts";
import { compressed, createCrcCombiner, emptyBlocks, gzipOf, stored } from "../../src/simulator/archive/gzip.ts";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { needsFound } from "../platform.ts";
import { linkOf, send } from "./harness.ts";

const MODIFIED = Date.UTC(2026, 10, 24, 3, 1);
const MIB = 1024 * 1024;

/** Shared: creating a pool takes longer than laying out a file. */
const POOL = createPool(16 * MIB);

async function build(bytes: number, { seed = "c8.0", compressible = false } = {}) {
  const file = dataDirectory(await POOL, { seed, bytes, compressible, modifiedAt: MODIFIED });
  return { file, bytes: Buffer.concat([...file.read(0, file.length)]) };
}

interface Entry {
  name: string;
  type: string | null | undefined;
  content: Buffer;
}

async function entriesOf(tar: Buffer): Promise<Entry[]> {
  const entries: Entry[] = [];
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    entries.push({ name: entry.header.name, type: entry.header.type, content: Buffer.concat(chunks) });
  }
  return entries;
}

describe("CRC-32 of parts", () => {
  test("combines to the CRC-32 of the whole", () => {
    const combine = createCrcCombiner();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 500 }), (first, second) => {
        const whole = crc32(Buffer.concat([first, second]));
        expect(combine(crc32(first), crc32(second), second.length)).toBe(whole);
      }),
    );
  });

  test("combines over mebibytes", () => {
    const [first, second] = [Buffer.alloc(3 * MIB, "first"), Buffer.alloc(5 * MIB + 7, "second")];
    const whole = crc32(second, crc32(first));
    expect(createCrcCombiner()(crc32(first), crc32(second), second.length)).toBe(whole);
  });
});

describe("a gzip file of segments", () => {
  test("inflates to the raw bytes in order, both from stored and from compressed segments", () => {
    const raw = [Buffer.from("one"), Buffer.alloc(200_000, "two"), Buffer.from("one"), Buffer.alloc(0)];
    const segments = raw.map((part, index) => (index % 2 ? compressed(part) : stored(part)));
    const file = gzipOf([...segments, emptyBlocks(3)], "...");
    expect(gunzipSync(Buffer.concat([...file.read(0, file.length)])).equals(Buffer.concat(raw))).toBe(true);
  });

  test("states its raw length modulo 2^32", () => {
    const mebibyte = compressed(Buffer.alloc(MIB));
    const file = gzipOf(Array.from({ length: 5_000 }, () => mebibyte));
    expect(file.rawLength).toBe(5_000 * MIB);
    const trailer = Buffer.concat([...file.read(file.length - 4, file.length)]);
    expect(trailer.readUInt32LE()).toBe(5_000 * MIB - 2 ** 32);
  });

  test("reads the same from any offset", async () => {
    const { file, bytes } = await build(3 * MIB);
    fc.assert(
      fc.property(fc.nat(file.length), fc.nat(file.length), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(Buffer.concat([...file.read(from, to)]).equals(bytes.subarray(from, to))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("a data directory", () => {
  test.each([60_000, 100_001, MIB - 1, MIB, MIB + 1, 2 * MIB + 2, 3_333_333, 8 * MIB + 3, 8 * MIB + 4])(
    "has exactly %i bytes, a correct CRC and complete tar entries",
    async (size) => {
      const { bytes } = await build(size);
      expect(bytes).toHaveLength(size);
      const tar = gunzipSync(bytes);
      expect(tar.subarray(-1_024).every((byte) => byte === 0)).toBe(true);
      expect(tar.length % 512).toBe(0);
      expect((await entriesOf(tar)).length).toBeGreaterThan(13);
    },
  );

  test("is not smaller than the files that are always there", async () => {
    const { bytes } = await build(1);
    expect(bytes.length).toBeLessThan(60_000);
    expect((await entriesOf(gunzipSync(bytes))).map(({ name }) => name)).toContain("WiredTiger");
  });

  test("holds the files of mongod", async () => {
    const entries = await entriesOf(gunzipSync((await build(14 * MIB)).bytes));
    const names = entries.map(({ name }) => name);
    expect(names.slice(0, 4)).toEqual(["WiredTiger", "WiredTiger.lock", "WiredTiger.turtle", "WiredTiger.wt"]);
    for (const name of ["_mdb_catalog.wt", "sizeStorer.wt", "storage.bson", "mongod.log"])
      expect(names).toContain(name);
    expect(names.filter((name) => /^collection-[\w-]+\.wt$/.test(name)).length).toBeGreaterThan(1);
    expect(names.filter((name) => /^index-[\w-]+\.wt$/.test(name)).length).toBeGreaterThan(1);
    expect(new Set(names).size).toBe(names.length);
    expect(entries.find(({ name }) => name === "journal/")?.type).toBe("directory");
    const tables = entries.filter(({ name }) => /^collection-.*\.wt$/.test(name));
    expect(tables.every(({ content }) => content.readUInt32LE() === 120_897)).toBe(true);
    const storage = entries.find(({ name }) => name === "storage.bson")?.content ?? Buffer.alloc(0);
    expect(storage.readInt32LE()).toBe(storage.length);
  });

  test("is the same for the same seed and different for another seed", async () => {
    const [one, same, other] = await Promise.all([build(MIB), build(MIB), build(MIB, { seed: "c8.1" })]);
    expect(one.bytes.equals(same.bytes)).toBe(true);
    expect(one.bytes.equals(other.bytes)).toBe(false);
  });

  test("holds no page twice", async () => {
    const tar = gunzipSync((await build(12 * MIB)).bytes);
    const pages = new Set<string>();
    const collections = (await entriesOf(tar)).filter(({ content }) => content.length > MIB);
    let count = 0;
    for (const { content } of collections) {
      for (let at = 4_096; at < content.length; at += MIB, count += 1) pages.add(content.toString("hex", at, at + 64));
    }
    expect(count).toBeGreaterThan(8);
    expect(pages.size).toBe(count);
  });

  test("is over 70 % of its unpacked size, or about a quarter if compressible", async () => {
    const dense = await build(16 * MIB);
    expect(dense.file.length / dense.file.rawLength).toBeGreaterThan(0.7);
    const loose = await build(5 * MIB, { compressible: true });
    expect(loose.file.rawLength / loose.file.length).toBeGreaterThan(3.6);
    expect(loose.file.rawLength / loose.file.length).toBeLessThan(4.4);
    expect(gunzipSync(loose.bytes)).toHaveLength(loose.file.rawLength);
  });

  /** Gives the bytes to a program as its input. */
  function pipedInto(program: string, args: string[], bytes: Buffer) {
    const { error, status, stdout, stderr } = spawnSync(program, args, { input: bytes, encoding: "utf8" });
    needsFound("program", error && hasCode(error, "ENOENT") ? undefined : program);
    return { status, stdout, stderr };
  }

  test("passes gzip -t", async () => {
    const { bytes } = await build(2 * MIB);
    expect(pipedInto("gzip", ["-t"], bytes)).toMatchObject({ status: 0, stderr: "" });
  });

  test("is listed by tar without a complaint", async () => {
    const { bytes } = await build(2 * MIB);
    const { stdout, ...end } = pipedInto("tar", ["-tzf", "-"], bytes);
    expect(end).toEqual({ status: 0, stderr: "" });
    expect(stdout.split(/\r?\n/)).toContain("_mdb_catalog.wt");
  });
});

describe("served files", () => {
  test("differ from snapshot to snapshot and keep their ETag from one process to the next", async () => {
    const options = { snapshotBytes: 80_000 };
    const [one, other] = await Promise.all([simulatorFor(options), simulatorFor(options)]);
    const fifth = await send(await linkOf(one, SIMULATED.name, "5fa1000000000000000000c5"));
    const [seventh, again] = await Promise.all([send(await linkOf(one)), send(await linkOf(other))]);
    expect(fifth.headers.etag).not.toBe(seventh.headers.etag);
    expect(fifth.bytes.equals(seventh.bytes)).toBe(false);
    expect(again.headers.etag).toBe(seventh.headers.etag);
    expect(again.bytes.equals(seventh.bytes)).toBe(true);
  });

  test("of many gibibytes can be read immediately, in any range", async () => {
    const size = 6 * 1024 * MIB + 1;
    const link = await linkOf(await simulatorFor({ snapshotBytes: size }));
    const begin = await send(link, { stopAfterBytes: 2 });
    expect(begin).toMatchObject({ status: 200, headers: { "content-length": String(size) } });
    expect(begin.bytes.toString("hex")).toBe("1f8b");
    const middle = await send(link, { headers: { range: `bytes=${5 * 1024 * MIB}-${5 * 1024 * MIB + 99}` } });
    expect(middle).toMatchObject({ status: 206, headers: { "content-range": `bytes 5368709120-5368709219/${size}` } });
    expect(middle.bytes).toHaveLength(100);
  });
});
