// A gzipped tar of any size that looks like a MongoDB data directory, made from a small pool of shared blocks.
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bson, type Noise, noiseOf, tarEnd, tarEntry, tarHeader } from "./formats.ts";
import {
  compressed,
  compressedInBackground,
  emptyBlocks,
  GZIP_OVERHEAD,
  type GzipFile,
  gzipOf,
  type Segment,
  stored,
  storedLength,
} from "./gzip.ts";

/** A page of a data file: 64 unique bytes, so that no two pages are the same, then a block of the pool. */
const PAGE_BYTES = 1024 * 1024;
const PAGE_HEADER_BYTES = 64;

/** On average, one page in four is compressible text. */
const PAGES_PER_TEXT_PAGE = 4;

/** A collection has from 4 to 32 pages. */
const MIN_FILE_PAGES = 4;
const FILE_PAGES_SPREAD = 29;

/** Every WiredTiger file begins with a description block: the magic number, then the version. */
const DESCRIPTION_BYTES = 4_096;
const WIRED_TIGER_MAGIC = 120_897;

/** Room for the header of the last file, which fills the total exactly, and for headers that compress differently. */
const TAIL_RESERVE_BYTES = 2_048;

/** Enough blocks for some variety. They take the same memory whatever the size of the file. */
const MAX_RANDOM_BLOCKS = 16;
const MAX_TEXT_BLOCKS = 6;
/** A small file has few pages, so it needs fewer blocks. */
const TEXT_BLOCKS_PER_MIB = 0.25;

interface DataDirectoryOptions {
  seed: string;
  /** Size of the gzip file; exact unless the files that are always present already exceed it. */
  bytes: number;
  compressible: boolean;
  modifiedAt: number;
}

export function dataDirectory(pool: Pool, options: DataDirectoryOptions): GzipFile {
  const { seed, bytes, compressible, modifiedAt } = options;
  const noise = noiseOf(`layout ${seed}`);
  const segments = housekeepingFiles(seed, modifiedAt).map(([name, content]) =>
    compressed(tarEntry(name, Buffer.from(content), modifiedAt)),
  );
  const end = compressed(tarEnd());
  let left = bytes - GZIP_OVERHEAD - lengthOf([...segments, end]);

  for (let serial = 1, isFull = false; !isFull; serial += 1) {
    const name = `collection-${serial * 2}-${noiseOf(seed).below(2 ** 32)}.wt`;
    const wanted = MIN_FILE_PAGES + noise.below(FILE_PAGES_SPREAD);
    const room = left - TAIL_RESERVE_BYTES - lengthOf(collectionHead(name, wanted, modifiedAt));
    const pages = takePages(noise, compressible ? { ...pool, random: pool.text } : pool, wanted, room);
    const entry = pages.length > 0 ? [...collectionHead(name, pages.length, modifiedAt), ...pages.flat()] : [];
    segments.push(...entry);
    left -= lengthOf(entry);
    isFull = pages.length < wanted;
  }

  const tail = tailFile(left, seed, modifiedAt);
  // Empty blocks of five bytes each fill what is left; a gzip comment fills the last bytes.
  const missing = Math.max(0, left - lengthOf(tail));
  return gzipOf([...segments, ...tail, emptyBlocks(Math.floor(missing / 5)), end], ".".repeat(missing % 5));
}

function collectionHead(name: string, pages: number, modifiedAt: number): Segment[] {
  const size = DESCRIPTION_BYTES + pages * PAGE_BYTES;
  return [compressed(tarHeader(name, size, modifiedAt)), compressed(description())];
}

/** As many of the wanted pages as fit. */
function takePages(noise: Noise, pool: Pool, wanted: number, room: number): [Segment, Segment][] {
  const pages: [Segment, Segment][] = [];
  let left = room;
  while (pages.length < wanted) {
    const blocks = noise.below(PAGES_PER_TEXT_PAGE) === 0 ? pool.text : pool.random;
    const block = blocks[noise.below(blocks.length)];
    const header = stored(noise.bytes(PAGE_HEADER_BYTES));
    if (!block || lengthOf([header, block]) > left) break;
    pages.push([header, block]);
    left -= lengthOf([header, block]);
  }
  return pages;
}

/** A last index file of noise, which fills all but a few of the bytes left; empty if there is no room for it. */
function tailFile(left: number, seed: string, modifiedAt: number): Segment[] {
  const headerLength = storedLength(512);
  let size = Math.floor((left - headerLength) / 512) * 512;
  while (size > 0 && headerLength + storedLength(size) > left) size -= 512;
  if (size <= 0) return [];
  const name = `index-99-${noiseOf(seed).below(2 ** 32)}.wt`;
  return [stored(tarHeader(name, size, modifiedAt)), stored(noiseOf(`tail ${seed}`).bytes(size))];
}

function lengthOf(segments: Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

function description(): Buffer {
  const block = Buffer.alloc(DESCRIPTION_BYTES);
  block.writeUInt32LE(WIRED_TIGER_MAGIC, 0);
  block.writeUInt16LE(1, 4);
  return block;
}

/** Names and contents of the files that every data directory has, in the order of a backup. */
function housekeepingFiles(seed: string, modifiedAt: number): [string, string | Buffer][] {
  const noise = noiseOf(`files ${seed}`);
  const table = (pages: number) => Buffer.concat([description(), noise.bytes(pages * DESCRIPTION_BYTES)]);
  const startedAt = new Date(modifiedAt - 60_000).toISOString();
  const log = (msg: string) =>
    `${JSON.stringify({ t: { $date: startedAt }, s: "I", c: "STORAGE", ctx: "initandlisten", msg })}\n`;
  const storage = {
    engine: "wiredTiger",
    options: { directoryPerDB: false, directoryForIndexes: false, groupCollections: false },
  };
  return [
    ["WiredTiger", "WiredTiger\nWiredTiger 11.3.1: (November 2024)\n"],
    ["WiredTiger.lock", "WiredTiger lock file\n"],
    [
      "WiredTiger.turtle",
      `WiredTiger version string\nWiredTiger 11.3.1\nWiredTiger version\nmajor=11,minor=3,patch=1\nfile:WiredTiger.wt\ncheckpoint_lsn=(1,${noise.below(100_000)})\n`,
    ],
    ["WiredTiger.wt", table(3)],
    ["WiredTigerHS.wt", table(1)],
    ["_mdb_catalog.wt", table(2)],
    ["collection-0-1.wt", table(1)],
    ["index-1-1.wt", table(1)],
    ["journal/", ""],
    ["journal/WiredTigerLog.0000000001", Buffer.concat([noise.bytes(2_048), Buffer.alloc(2_048)])],
    ["journal/WiredTigerPreplog.0000000001", Buffer.alloc(4_096)],
    ["mongod.log", ["Opening WiredTiger", "WiredTiger opened", "Snapshot taken"].map(log).join("")],
    ["sizeStorer.wt", table(1)],
    ["storage.bson", bson({ storage })],
  ];
}

/** The blocks that large files share. */
export interface Pool {
  random: Segment[];
  /** Unpack to about four times their size. */
  text: Segment[];
  /** Depends on how this version of zlib compresses the text blocks. */
  fingerprint: string;
}

/**
 * The blocks for files of this size; none if not even one page fits. Lets the event loop run after each block.
 */
export async function createPool(bytes: number): Promise<Pool> {
  const mib = Math.floor(bytes / 2 ** 18) / 4;
  const length = PAGE_BYTES - PAGE_HEADER_BYTES;
  const random: Segment[] = [];
  const compressing: Promise<Segment>[] = [];
  for (let index = 0; index < Math.min(MAX_RANDOM_BLOCKS, mib); index += 1) {
    random.push(stored(noiseOf(`random ${index}`).bytes(length)));
    await nextTurn();
  }
  for (let index = 0; index < Math.min(MAX_TEXT_BLOCKS, mib * TEXT_BLOCKS_PER_MIB); index += 1) {
    compressing.push(compressedInBackground(textBlock(noiseOf(`text ${index}`), length)));
    await nextTurn();
  }
  const text = await Promise.all(compressing);
  const hash = createHash("sha256");
  for (const block of text) hash.update(block.bytes);
  return { random, text, fingerprint: hash.digest("hex") };
}

const STATES = ["received", "packed", "shipped", "delivered", "returned"];
const WORDS = "anvil basket candle drum easel funnel globe hammer inkwell jug kettle lantern mirror needle oar".split(
  " ",
);

/** Orders as JSON lines, with enough noise that deflate compresses them about 4:1. */
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
