/** A value of a BSON document; numbers become int32 where they fit, else doubles, bigints int64, dates datetimes. */
export type BsonValue = string | number | bigint | boolean | null | Date | ObjectId | BsonValue[] | BsonDocument;
export interface BsonDocument {
  [field: string]: BsonValue;
}
export interface ObjectId {
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
