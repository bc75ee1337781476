import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { pack } from "tar-stream";
import { afterAll, beforeAll } from "vitest";
import { startArchiveCheck, type UnpackLimits } from "../../../src/download/integrity/archive-check.ts";
import { examineArchive } from "../../../src/download/integrity/examine.ts";

export const MIB = 1024 * 1024;
const GENEROUS: UnpackLimits = { maxUnpackedBytes: 1e12, maxRatio: 2000, ratioFreeBytes: 1e12 };

/** A folder of archives and a built worker, for one test file. */
export function checkArchives() {
  const source = join(import.meta.dirname, "../../../src/download/integrity/worker.ts");
  let folder = "";
  let files = 0;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "archive-check-"));
    const outfile = join(folder, "worker.mjs");
    await build({ entryPoints: [source], outfile, bundle: true, platform: "node", format: "esm" });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const path = (name: string) => join(folder, name);
  const file = async (bytes: Buffer) => {
    const name = path(`${files++}.tgz`);
    await writeFile(name, bytes);
    return name;
  };
  /** The report of a complete file, by the code of the worker but in this thread, which saves its start. */
  const inspect = async (bytes: Buffer, limits: Partial<UnpackLimits> = {}) =>
    examineArchive(
      { path: await file(bytes), md5: false, limits: { ...GENEROUS, ...limits } },
      async () => ({ bytes: bytes.length, complete: true }),
      () => {},
    );
  return {
    path,
    /** Writes the bytes to a new file and returns its path. */
    file,
    /** Starts a worker that checks the present or future file at the path. */
    start: (at: string, options: { md5?: boolean; limits?: Partial<UnpackLimits> } = {}) =>
      startArchiveCheck({ path: at, worker: pathToFileURL(path("worker.mjs")), ...options }),
    inspect,
    contentsOf: async (bytes: Buffer) => (await inspect(bytes)).contents,
  };
}

/** A tar as bytes; a name that ends in a slash is a folder. */
export async function tar(files: Record<string, string | Buffer>): Promise<Buffer> {
  const archive = pack();
  for (const [name, body] of Object.entries(files))
    if (name.endsWith("/")) archive.entry({ name, type: "directory" });
    else archive.entry({ name }, body);
  archive.finalize();
  return buffer(archive);
}

export async function tgz(files: Record<string, string | Buffer>): Promise<Buffer> {
  return gzipSync(await tar(files));
}

/** The files of a mongod 8 data directory, under the given folder. */
export function dataFiles(folder = ""): Record<string, string | Buffer> {
  const names = [
    "WiredTiger",
    "WiredTiger.turtle",
    "WiredTiger.wt",
    "_mdb_catalog.wt",
    "sizeStorer.wt",
    "storage.bson",
    "collection-0-1234567890.wt",
    "collection-2-1234567890.wt",
    "index-1-1234567890.wt",
    "journal/WiredTigerLog.0000000001",
  ];
  return Object.fromEntries(names.map((name) => [`${folder}${name}`, `body of ${name}`]));
}

/** A sound data directory of 2.5 MiB, most of it incompressible. */
export async function largeSnapshot(): Promise<Buffer> {
  return tgz({ ...dataFiles(), "collection-4-1234567890.wt": randomBytes(2_500_000) });
}

/** One header block of a tar with a correct checksum. */
export function tarHeader(fields: { name: string; size: number; type: string; sparseExtended?: boolean }): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name, 0, 100);
  block.write("0000644\0", 100);
  block.write(`${fields.size.toString(8).padStart(11, "0")}\0`, 124);
  block.write(fields.type, 156);
  block.write("ustar  \0", 257);
  block.writeUInt8(fields.sparseExtended ? 1 : 0, 482);
  return withChecksum(block);
}

export function withChecksum(block: Buffer): Buffer {
  const sum = block.fill(" ", 148, 156).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

export const MONGODUMP_MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);

/** A BSON document of string fields. */
export function bson(fields: Record<string, string>): Buffer {
  const elements = Object.entries(fields).map(([key, value]) => {
    const text = Buffer.from(`${value}\0`);
    return Buffer.concat([Buffer.from(`\x02${key}\0`), int32(text.length), text]);
  });
  const body = Buffer.concat(elements);
  return Buffer.concat([int32(body.length + 5), body, Buffer.from([0])]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

export function flipBit(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}
