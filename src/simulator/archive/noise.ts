import { createCipheriv, createHash } from "node:crypto";

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
