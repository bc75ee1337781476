import { promisify } from "node:util";
import { constants, crc32, deflateRaw, deflateRawSync } from "node:zlib";

/**
 * A stretch of a deflate stream that begins and ends on a byte and refers to nothing before it, so that segments can
 * be put in any order.
 */
export interface Segment {
  bytes: Uint8Array;
  rawLength: number;
  /** CRC-32 of the raw bytes. */
  crc: number;
}

/** The longest stored block of RFC 1951. */
const MAX_STORED = 65_535;
const STORED_HEADER = 5;

/** A full flush ends on a byte and forgets the window. */
const FLUSHED = { finishFlush: constants.Z_FULL_FLUSH };
const deflateInBackground = promisify<Buffer, { finishFlush: number }, Buffer>(deflateRaw);

export function compressed(raw: Uint8Array): Segment {
  return { bytes: deflateRawSync(raw, FLUSHED), rawLength: raw.length, crc: crc32(raw) };
}

export async function compressedInBackground(raw: Buffer): Promise<Segment> {
  return { bytes: await deflateInBackground(raw, FLUSHED), rawLength: raw.length, crc: crc32(raw) };
}

/** Stored blocks (RFC 1951 section 3.2.4): what any deflater makes of bytes without redundancy. */
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

/** Stored blocks of nothing: they lengthen the stream by `count` times five bytes and change nothing else. */
export function hollow(count: number): Segment {
  return { bytes: Buffer.alloc(count * STORED_HEADER, Buffer.from([0, 0, 0, 0xff, 0xff])), rawLength: 0, crc: 0 };
}
