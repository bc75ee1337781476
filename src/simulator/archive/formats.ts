// Tar archives, BSON documents and repeatable pseudo-random bytes, which the simulated files are made of.
import { createCipheriv, createHash } from "node:crypto";

const TAR_BLOCK = 512;

/** A whole tar archive in memory, for small contents. */
export function tarOf(files: { name: string; content: Uint8Array }[], modifiedAt: number): Buffer {
  return Buffer.concat([...files.map(({ name, content }) => tarEntry(name, content, modifiedAt)), tarEnd()]);
}

/** A header, the content, and zeros that fill the last block. */
export function tarEntry(name: string, content: Uint8Array, modifiedAt: number): Buffer {
  const padding = Buffer.alloc((TAR_BLOCK - (content.length % TAR_BLOCK)) % TAR_BLOCK);
  return Buffer.concat([tarHeader(name, content.length, modifiedAt), content, padding]);
}

/** Two blocks of zeros end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK);
}

/** A ustar header (POSIX.1-1988) of a file, or of a directory when the name ends with a slash. */
export function tarHeader(name: string, size: number, modifiedAt: number): Buffer {
  const isDirectory = name.endsWith("/");
  const header = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  header.write(name, 0, 100);
  header.write(`${isDirectory ? "0000700" : "0000600"}\0`, 100);
  header.write(`${octal(999, 7)}\0${octal(999, 7)}\0`, 108);
  header.write(`${octal(size, 11)}\0`, 124);
  header.write(`${octal(Math.floor(modifiedAt / 1_000), 11)}\0`, 136);
  // The checksum counts its own field as spaces.
  header.write("        ", 148);
  header.write(isDirectory ? "5" : "0", 156);
  header.write("ustar\u000000mongod", 257);
  header.write("mongod", 297);
  const checksum = header.reduce((sum, byte) => sum + byte, 0);
  header.write(`${octal(checksum, 6)}\0 `, 148);
  return header;
}

/** A value of a BSON document. Numbers become int32 if they fit, otherwise doubles; bigints become int64, dates datetimes. */
type BsonValue = string | number | bigint | boolean | null | Date | ObjectId | BsonValue[] | BsonDocument;
export interface BsonDocument {
  [field: string]: BsonValue;
}
interface ObjectId {
  $oid: string;
}

/** Serialises one document by the BSON specification 1.1. */
export function bson(document: BsonDocument): Buffer {
  return framed(Object.entries(document).map(([name, value]) => element(name, value)));
}

function framed(elements: Buffer[]): Buffer {
  const length = int32(elements.reduce((sum, { length: size }) => sum + size, 5));
  return Buffer.concat([length, ...elements, Buffer.of(0)]);
}

function element(name: string, value: BsonValue): Buffer {
  const [type, bytes] = encode(value);
  return Buffer.concat([Buffer.of(type), Buffer.from(`${name}\0`), bytes]);
}

function encode(value: BsonValue): [number, Buffer] {
  if (value === null) return [0x0a, Buffer.alloc(0)];
  if (typeof value === "boolean") return [0x08, Buffer.of(value ? 1 : 0)];
  if (typeof value === "string") return [0x02, text(value)];
  if (typeof value === "bigint") return [0x12, int64(value)];
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? [0x10, int32(value)] : [0x01, double(value)];
  if (value instanceof Date) return [0x09, int64(BigInt(value.getTime()))];
  if (Array.isArray(value)) return [0x04, framed(value.map((item, index) => element(String(index), item)))];
  return isObjectId(value) ? [0x07, Buffer.from(value.$oid, "hex")] : [0x03, bson(value)];
}

function isObjectId(value: ObjectId | BsonDocument): value is ObjectId {
  return typeof value.$oid === "string";
}

function text(value: string): Buffer {
  const bytes = Buffer.from(`${value}\0`);
  return Buffer.concat([int32(bytes.length), bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** Short requests are taken from a buffer of this size, since calling the cipher for a few bytes is slow. */
const NOISE_BUFFER_BYTES = 16 * 1024;

/** A stream of bytes that look random and are the same for the same seed on every computer. */
export interface Noise {
  bytes: (length: number) => Buffer;
  /** A whole number from 0 to `limit` - 1; `limit` is at most 2^32. */
  below: (limit: number) => number;
}

export function noiseOf(seed: string): Noise {
  const key = createHash("sha256").update(seed).digest();
  // AES in counter mode over zeros is fast, and its output does not compress.
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16, 32));
  let buffered = Buffer.alloc(0);

  function bytes(length: number): Buffer {
    if (length > NOISE_BUFFER_BYTES) return cipher.update(Buffer.alloc(length));
    if (length > buffered.length) buffered = cipher.update(Buffer.alloc(NOISE_BUFFER_BYTES));
    const cut = buffered.subarray(0, length);
    buffered = buffered.subarray(length);
    return cut;
  }
  return { bytes, below: (limit) => Math.floor((bytes(4).readUInt32LE() / 2 ** 32) * limit) };
}
