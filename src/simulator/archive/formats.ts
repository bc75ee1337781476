import { createCipheriv, createHash } from "node:crypto";

const BLOCK = 512;

/** A ustar header (POSIX.1-1988) of a file, or of a directory when the name ends with a slash. */
export function tarHeader(name: string, size: number, modifiedAt: number): Buffer {
  const isDirectory = name.endsWith("/");
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  header.write(name, 0, 100);
  header.write(`${isDirectory ? "0000700" : "0000600"}\0`, 100);
  header.write(`${octal(999, 7)}\0${octal(999, 7)}\0`, 108);
  header.write(sizeField(size), 124, "latin1");
  header.write(`${octal(Math.floor(modifiedAt / 1_000), 11)}\0`, 136);
  header.write("        ", 148);
  header.write(isDirectory ? "5" : "0", 156);
  header.write("ustar\u000000mongod", 257);
  header.write("mongod", 297);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return header;
}

function sizeField(size: number): string {
  return `${size.toString(8).padStart(11, "0")}\0`;
}

/** Zeros that fill the last block of an entry. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two blocks of zeros end an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

/** A whole archive in memory, for small contents. */
export function tarOf(entries: { name: string; content: Uint8Array }[], modifiedAt: number): Buffer {
  const parts = entries.flatMap(({ name, content }) => [
    tarHeader(name, content.length, modifiedAt),
    content,
    tarPadding(content.length),
  ]);
  return Buffer.concat([...parts, tarEnd()]);
}

/** A value of a BSON document; numbers become int32 where they fit, else doubles, bigints int64, dates datetimes. */
type BsonValue = string | number | bigint | boolean | null | Date | ObjectId | BsonValue[] | BsonDocument;
export interface BsonDocument {
  [field: string]: BsonValue;
}
interface ObjectId {
  $oid: string;
}

/** Serialises one document by the BSON specification 1.1. */
export function bson(document: BsonDocument): Buffer {
  const elements = Object.entries(document).map(([name, value]) => element(name, value));
  return framed(elements);
}

function framed(elements: Buffer[]): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32LE(elements.reduce((sum, { length: size }) => sum + size, 5));
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

/** The polynomial of CRC-64/XZ (Go: crc64.ECMA), reflected; mongodump archives carry it for each collection. */
const POLYNOMIAL = 0xc96c5795d7870f42n;
const ALL_ONES = 0xffffffffffffffffn;

export function crc64(bytes: Uint8Array): bigint {
  let crc = ALL_ONES;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc ^ ALL_ONES;
}

/** A stream of bytes that look random and are the same for the same seed on every computer. */
export interface Noise {
  bytes: (length: number) => Buffer;
  /** A whole number from 0 up to, but without, `below` (at most 2^32). */
  below: (below: number) => number;
}

/** Small wants are cut from a larger piece: one call of the cipher for each would cost more than the bytes. */
const PIECE_BYTES = 16 * 1024;

export function noiseOf(seed: string): Noise {
  const key = createHash("sha256").update(seed).digest();
  // AES in counter mode over zeros: as fast as memory, and nothing compresses it.
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16, 32));
  let piece = Buffer.alloc(0);

  function bytes(length: number): Buffer {
    if (length > PIECE_BYTES) return cipher.update(Buffer.alloc(length));
    if (length > piece.length) piece = cipher.update(Buffer.alloc(PIECE_BYTES));
    const cut = piece.subarray(0, length);
    piece = piece.subarray(length);
    return cut;
  }
  return { bytes, below: (below) => Math.floor((bytes(4).readUInt32LE() / 2 ** 32) * below) };
}
