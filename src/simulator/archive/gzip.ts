// A gzip file assembled from deflate segments, so that a file of any size can be read from any offset.
import { promisify } from "node:util";
import { constants, crc32, deflateRaw, deflateRawSync } from "node:zlib";

/** The fixed header of RFC 1952. Its FCOMMENT flag says that a comment, ended by a zero, follows. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 3]);
/** An empty block that is marked as the last one. */
const LAST_BLOCK = Buffer.from([3, 0]);
/** The CRC and the raw length at the end. */
const TRAILER_BYTES = 8;

/** Bytes of a file in addition to its segments, with an empty comment. */
export const GZIP_OVERHEAD = HEADER.length + 1 + LAST_BLOCK.length + TRAILER_BYTES;

/** A gzip file (RFC 1952) with one member. */
export interface GzipFile {
  length: number;
  rawLength: number;
  read: (start: number, end: number) => Generator<Uint8Array>;
}

export function gzipOf(segments: Segment[], comment = ""): GzipFile {
  const combine = createCrcCombiner();
  let crc = 0;
  let rawLength = 0;
  for (const segment of segments) {
    crc = combine(crc, segment.crc, segment.rawLength);
    rawLength += segment.rawLength;
  }
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(rawLength % 2 ** 32, 4);

  const head = Buffer.concat([HEADER, Buffer.from(`${comment}\0`, "latin1")]);
  const pieces = [head, ...segments.map(({ bytes }) => bytes), Buffer.concat([LAST_BLOCK, trailer])];
  const offsets = new Float64Array(pieces.length + 1);
  for (const [index, piece] of pieces.entries()) offsets[index + 1] = (offsets[index] ?? 0) + piece.length;

  return {
    length: offsets.at(-1) ?? 0,
    rawLength,
    read: function* (start, end) {
      for (let index = pieceAt(offsets, start); index < pieces.length; index += 1) {
        const [piece, offset] = [pieces[index], offsets[index] ?? 0];
        if (!piece || offset >= end) return;
        yield piece.subarray(Math.max(0, start - offset), Math.min(piece.length, end - offset));
      }
    },
  };
}

/** The index of the piece that contains a byte: the last piece that begins at or before it. */
function pieceAt(offsets: Float64Array, position: number): number {
  let [low, high] = [0, offsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * A part of a deflate stream that begins and ends on a byte boundary and refers to no earlier data, so that segments
 * can be joined in any order.
 */
export interface Segment {
  bytes: Uint8Array;
  rawLength: number;
  /** CRC-32 of the raw bytes. */
  crc: number;
}

/** A full flush ends on a byte boundary and clears the window. */
const FLUSHED = { finishFlush: constants.Z_FULL_FLUSH };
const deflateInBackground = promisify<Buffer, { finishFlush: number }, Buffer>(deflateRaw);

export function compressed(raw: Uint8Array): Segment {
  return { bytes: deflateRawSync(raw, FLUSHED), rawLength: raw.length, crc: crc32(raw) };
}

export async function compressedInBackground(raw: Buffer): Promise<Segment> {
  return { bytes: await deflateInBackground(raw, FLUSHED), rawLength: raw.length, crc: crc32(raw) };
}

/** The longest stored block of RFC 1951. */
const MAX_STORED = 65_535;
const STORED_HEADER = 5;

/** Stores data in blocks without compression (RFC 1951 section 3.2.4). */
export function stored(raw: Uint8Array): Segment {
  const bytes = Buffer.alloc(storedLength(raw.length));
  let at = 0;
  for (let from = 0; from < raw.length; from += MAX_STORED) {
    const part = raw.subarray(from, from + MAX_STORED);
    at = bytes.writeUInt16LE(part.length, at + 1);
    at = bytes.writeUInt16LE(part.length ^ 0xffff, at);
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, rawLength: raw.length, crc: crc32(raw) };
}

export function storedLength(rawLength: number): number {
  return rawLength + STORED_HEADER * Math.ceil(rawLength / MAX_STORED);
}

/** Empty stored blocks: they add five bytes each to the file and nothing to its content. */
export function emptyBlocks(count: number): Segment {
  return { bytes: Buffer.alloc(count * STORED_HEADER, Buffer.from([0, 0, 0, 0xff, 0xff])), rawLength: 0, crc: 0 };
}

/** The CRC-32 polynomial of gzip (RFC 1952), reflected. */
const POLYNOMIAL = 0xedb88320;
/** The polynomials 1 and x, reflected. */
const ONE = 0x80000000;
const X = 0x40000000;

/** `POWERS[k]` is x to the power of 2^k, modulo the polynomial; the list repeats after 32 entries. */
const POWERS = Array.from({ length: 31 }).reduce<number[]>(
  (powers) => {
    const last = powers.at(-1) ?? X;
    powers.push(multiply(last, last));
    return powers;
  },
  [X],
);

/** Returns the CRC-32 of two joined texts from the CRC-32 of each and the length of the second. */
export function createCrcCombiner(): (first: number, second: number, secondLength: number) => number {
  const shifts = new Map<number, number>();

  return (first, second, secondLength) => {
    const shift = shifts.get(secondLength) ?? powerOfX(secondLength * 8);
    shifts.set(secondLength, shift);
    return (multiply(shift, first) ^ second) >>> 0;
  };
}

/** Product of two reflected polynomials modulo POLYNOMIAL. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = ONE; bit > 0; bit >>>= 1) {
    if (a & bit) product ^= factor;
    factor = factor & 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

function powerOfX(exponent: number): number {
  let power = ONE;
  for (let [rest, k] = [exponent, 0]; rest > 0; rest = Math.floor(rest / 2), k += 1) {
    if (rest % 2 === 1) power = multiply(POWERS[k % 32] ?? ONE, power);
  }
  return power;
}
