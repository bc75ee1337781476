import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { type Noise, noiseOf } from "./noise.ts";
import { compressedInBackground, type Segment, stored } from "./segment.ts";

/** A page of a data file: 64 bytes of its own, so that no two pages are alike, then a block of the pool. */
export const PAGE_BYTES = 1024 * 1024;
export const PAGE_HEADER_BYTES = 64;

/** Enough blocks that neighbours differ; together they are the memory that serving a file of any size takes. */
const MAX_RANDOM_BLOCKS = 16;
const MAX_TEXT_BLOCKS = 6;

/** The share of pages that a file has of each kind decides how many blocks are worth making for a small one. */
const TEXT_BLOCK_PER_MIB = 0.25;

/** What large files are made of. */
export interface Pool {
  random: Segment[];
  /** Unpack to about four times their size. */
  text: Segment[];
  /** Tells pools apart that another version of zlib compressed otherwise. */
  fingerprint: string;
}

/**
 * Blocks for files of that size: a small file needs few, and none when not even one page fits. Other work of the
 * process gets its turn after each block.
 */
export async function createPool(bytes: number): Promise<Pool> {
  const mib = Math.floor(bytes / 2 ** 18) / 4;
  const length = PAGE_BYTES - PAGE_HEADER_BYTES;
  const random: Segment[] = [];
  const text: Promise<Segment>[] = [];
  for (let index = 0; index < Math.min(MAX_RANDOM_BLOCKS, mib); index += 1) {
    random.push(stored(noiseOf(`random ${index}`).bytes(length)));
    await turn();
  }
  for (let index = 0; index < Math.min(MAX_TEXT_BLOCKS, mib * TEXT_BLOCK_PER_MIB); index += 1) {
    text.push(compressedInBackground(textBlock(noiseOf(`text ${index}`), length)));
    await turn();
  }
  return withFingerprint(random, await Promise.all(text));
}

function withFingerprint(random: Segment[], text: Segment[]): Pool {
  const hash = createHash("sha256");
  for (const { bytes } of text) hash.update(bytes);
  return { random, text, fingerprint: hash.digest("hex") };
}

const STATES = ["received", "packed", "shipped", "delivered", "returned"];
const WORDS = "anvil basket candle drum easel funnel globe hammer inkwell jug kettle lantern mirror needle oar".split(
  " ",
);

/** Orders as documents, one a line, with as much noise in them as brings deflate to about 4:1. */
function textBlock(noise: Noise, length: number): Buffer {
  const lines: string[] = [];
  const pick = (words: string[]) => words[noise.below(words.length)] ?? "";
  for (let written = 0; written < length; ) {
    const order = {
      _id: { $oid: noise.bytes(12).toString("hex") },
      state: pick(STATES),
      customer: `${pick(WORDS)} ${pick(WORDS)}`,
      items: [0, 1].map(() => ({ sku: `${pick(WORDS)}-${noise.below(1_000)}`, price: noise.below(100_000) / 100 })),
      currency: "EUR",
      placedAt: { $date: "2026-11-20T12:00:00Z" },
      checksum: noise.bytes(26).toString("hex"),
    };
    const line = `${JSON.stringify(order)}\n`;
    lines.push(line);
    written += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, length);
}
