// Parses the header blocks of a tar: POSIX ustar and PAX (IEEE 1003.1, pax), and GNU (GNU tar manual, "Basic Tar Format").
export const BLOCK_BYTES = 512;

export interface TarHeader {
  name: string;
  /** Bytes of data, without padding. */
  size: number;
  kind: EntryKind;
}

/**
 * `no-data`: links, devices, folders and pipes, which have no data even if they state a size.
 * `ignored`: describes the link target of the next entry (GNU) or all entries (PAX).
 */
type EntryKind = "file" | "sparse-file" | "long-name" | "pax" | "no-data" | "ignored" | "other";

const KINDS: Record<string, EntryKind> = {
  "0": "file",
  "\0": "file",
  // A "contiguous" file, which every program treats like a regular one.
  "7": "file",
  "1": "no-data",
  "2": "no-data",
  "3": "no-data",
  "4": "no-data",
  "5": "no-data",
  "6": "no-data",
  K: "ignored",
  L: "long-name",
  S: "sparse-file",
  g: "ignored",
  x: "pax",
};

// Both formats have the same field offsets, except that GNU has other fields in place of the prefix.
const SIZE = [124, 136] as const;
const CHECKSUM = [148, 156] as const;
const TYPE = 156;
const MAGIC = [257, 263] as const;
const PREFIX = [345, 500] as const;

/** Undefined when the checksum or the size is wrong, so that the block is not a header. */
export function parseTarHeader(block: Buffer): TarHeader | undefined {
  const size = parseNumber(block.subarray(...SIZE));
  if (size === undefined || parseNumber(block.subarray(...CHECKSUM)) !== checksum(block)) return undefined;

  const name = text(block.subarray(0, 100));
  const prefix = text(block.subarray(...MAGIC)) === "ustar" ? text(block.subarray(...PREFIX)) : "";
  const type = block.toString("latin1", TYPE, TYPE + 1);
  return { name: prefix === "" ? name : `${prefix}/${name}`, size, kind: KINDS[type] ?? "other" };
}

function checksum(block: Buffer): number {
  let sum = 0;
  for (const byte of block) sum += byte;
  for (const byte of block.subarray(...CHECKSUM)) sum += 0x20 - byte;
  return sum;
}

/** Octal digits, or big-endian base 256 if the first bit is set (GNU, for sizes from 8 GiB). */
function parseNumber(field: Buffer): number | undefined {
  const [first = 0] = field;
  if (first === 0x80) {
    let value = 0;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const digits = text(field).trim();
  if (digits === "") return 0;
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** The text up to the first zero byte or the end of the field. */
export function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end === -1 ? field.length : end);
}

/** A record begins with its own length in decimal digits; nobody writes more of them than this. */
const MAX_LENGTH_DIGITS = 10;
const [SPACE, ZERO] = [0x20, 0x30];

/**
 * The path and size that a PAX header gives the entry after it, in records of the form `length key=value\n`. Reads each byte
 * at most once and copies only what it returns: a hostile header may hold hundreds of thousands of records.
 */
export function parsePax(body: Buffer): { path?: string; size?: number } {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < body.length; ) {
    const space = endOfDigits(body, at);
    const length = numberIn(body, at, space);
    const end = at + length;
    if (body[space] !== SPACE || end <= space || end > body.length) break;
    // The record ends with a line feed.
    const [key, last] = [space + 1, end - 1];
    if (hasKey(body, key, last, "path=")) found.path = body.toString("utf8", key + 5, last);
    if (hasKey(body, key, last, "size=")) {
      const size = body.toString("latin1", key + 5, Math.min(last, key + 5 + 16));
      if (/^\d{1,15}$/.test(size)) found.size = Number(size);
    }
    at = end;
  }
  return found;
}

function endOfDigits(body: Buffer, from: number): number {
  let at = from;
  while (at - from < MAX_LENGTH_DIGITS && isDigit(body[at])) at += 1;
  return at;
}

function numberIn(body: Buffer, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 10 + body.readUInt8(at) - ZERO;
  return value;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** Whether the text between the two offsets begins with this key, its `=` included; further ones belong to the value. */
function hasKey(body: Buffer, from: number, to: number, key: string): boolean {
  if (to - from < key.length) return false;
  for (let index = 0; index < key.length; index += 1) if (body[from + index] !== key.charCodeAt(index)) return false;
  return true;
}
