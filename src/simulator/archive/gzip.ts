import { createCrcCombiner } from "./crc32.ts";
import type { Segment } from "./segment.ts";

/** A gzip file (RFC 1952) of one member, made of segments, readable from any offset. */
export interface GzipFile {
  length: number;
  rawLength: number;
  read: (start: number, end: number) => Generator<Uint8Array>;
}

/** FCOMMENT: a comment, ended by a zero, follows the fixed header. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 3]);
/** A last block without content. */
const LAST_BLOCK = Buffer.from([3, 0]);

/** Bytes that do not come from segments, for an empty comment. */
export const GZIP_OVERHEAD = HEADER.length + 1 + LAST_BLOCK.length + 8;

export function gzipOf(segments: Segment[], comment = ""): GzipFile {
  const combine = createCrcCombiner();
  let crc = 0;
  let rawLength = 0;
  for (const segment of segments) {
    crc = combine(crc, segment.crc, segment.rawLength);
    rawLength += segment.rawLength;
  }
  const trailer = Buffer.alloc(8);
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

/** The piece that holds a byte: the last one that begins at or before it. */
function pieceAt(offsets: Float64Array, position: number): number {
  let [low, high] = [0, offsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] ?? 0) <= position) low = middle;
    else high = middle;
  }
  return low;
}
