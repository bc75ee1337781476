import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

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

/** What mongod 8 leaves in its data directory, under the given folder. */
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

/** One header block of a tar with a right checksum. */
export function tarHeader(fields: { name: string; size: number; type: string; sparseExtended?: boolean }): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name, 0, 100);
  block.write("0000644\0", 100);
  block.write(`${fields.size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("        ", 148);
  block.write(fields.type, 156);
  block.write("ustar  \0", 257);
  block.writeUInt8(fields.sparseExtended ? 1 : 0, 482);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

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
