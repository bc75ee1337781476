import { createHash } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { bson, type Noise, noiseOf, tarEnd, tarHeader, tarPadding } from "./formats.ts";
import {
  compressed,
  compressedInBackground,
  GZIP_OVERHEAD,
  type GzipFile,
  gzipOf,
  hollow,
  type Segment,
  stored,
  storedLength,
} from "./gzip.ts";

/** Every fourth page is compressible, so that three quarters of the bytes are not. */
const TEXT_PAGE_SHARE = 4;

/** Pages of one collection: from 4 to 32 MiB. */
const MIN_FILE_PAGES = 4;
const FILE_PAGES_SPREAD = 29;

interface DataDirectoryOptions {
  seed: string;
  /** Size of the gzip file; exact unless the files that are always there already exceed it. */
  bytes: number;
  compressible: boolean;
  modifiedAt: number;
}

/** A gzipped tar of a data directory as mongod leaves it, laid out by position from a pool of blocks. */
export function dataDirectory(pool: Pool, options: DataDirectoryOptions): GzipFile {
  const { seed, bytes, compressible, modifiedAt } = options;
  const noise = noiseOf(`layout ${seed}`);
  const segments = housekeeping(seed, modifiedAt).flatMap((file) => smallEntry(file, modifiedAt));
  const end = compressed(tarEnd());
  let left = bytes - GZIP_OVERHEAD - lengthOf([...segments, end]);

  for (let serial = 1, isFull = false; !isFull; serial += 1) {
    const name = collectionName(serial, seed);
    const wanted = MIN_FILE_PAGES + noise.below(FILE_PAGES_SPREAD);
    const room = left - TAIL_RESERVE_BYTES - lengthOf(collectionHead(name, wanted, modifiedAt));
    const pages = takePages(noise, compressible ? { ...pool, random: pool.text } : pool, wanted, room);
    const entry = pages.length > 0 ? [...collectionHead(name, pages.length, modifiedAt), ...pages.flat()] : [];
    segments.push(...entry);
    left -= lengthOf(entry);
    isFull = pages.length < wanted;
  }

  const tail = tailEntry(left, seed, modifiedAt);
  return gzipOf([...segments, ...tail.segments, end], tail.comment);
}

/** As many pages as are wanted and fit: a header of their own and a block of the pool each. */
function takePages(noise: Noise, pool: Pool, wanted: number, room: number): [Segment, Segment][] {
  const pages: [Segment, Segment][] = [];
  let left = room;
  while (pages.length < wanted) {
    const blocks = noise.below(TEXT_PAGE_SHARE) === 0 ? pool.text : pool.random;
    const block = blocks[noise.below(blocks.length)];
    const header = stored(noise.bytes(PAGE_HEADER_BYTES));
    if (!block || lengthOf([header, block]) > left) break;
    pages.push([header, block]);
    left -= lengthOf([header, block]);
  }
  return pages;
}

/** Room for the header of the last file, whose size makes the total exact, and for the difference of one header. */
const TAIL_RESERVE_BYTES = 2_048;

/** A last index file of noise that fills what is left to the byte: hollow blocks and a comment take the odd bytes. */
function tailEntry(left: number, seed: string, modifiedAt: number): { segments: Segment[]; comment: string } {
  if (left < 0) return { segments: [], comment: "" };
  const headerLength = storedLength(512);
  let size = Math.floor((left - headerLength) / 512) * 512;
  while (size > 0 && headerLength + storedLength(size) > left) size -= 512;
  if (size <= 0) return odd(left, []);
  const name = `index-99-${noiseOf(seed).below(2 ** 32)}.wt`;
  const content = noiseOf(`tail ${seed}`).bytes(size);
  const segments = [stored(tarHeader(name, size, modifiedAt)), stored(content)];
  return odd(left - lengthOf(segments), segments);
}

function odd(left: number, segments: Segment[]): { segments: Segment[]; comment: string } {
  return { segments: [...segments, hollow(Math.floor(left / 5))], comment: ".".repeat(left % 5) };
}

function collectionName(serial: number, seed: string): string {
  return `collection-${serial * 2}-${noiseOf(seed).below(2 ** 32)}.wt`;
}

function collectionHead(name: string, pages: number, modifiedAt: number): Segment[] {
  const size = DESCRIPTION_BYTES + pages * PAGE_BYTES;
  return [compressed(tarHeader(name, size, modifiedAt)), compressed(description())];
}

function smallEntry({ name, content }: SmallFile, modifiedAt: number): Segment[] {
  const entry = Buffer.concat([tarHeader(name, content.length, modifiedAt), content, tarPadding(content.length)]);
  return [compressed(entry)];
}

function lengthOf(segments: Segment[]): number {
  return segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Every WiredTiger file begins with a block that says what it is: its magic number, then its version. */
const DESCRIPTION_BYTES = 4_096;
const WIRED_TIGER_MAGIC = 120_897;

function description(): Buffer {
  const block = Buffer.alloc(DESCRIPTION_BYTES);
  block.writeUInt32LE(WIRED_TIGER_MAGIC, 0);
  block.writeUInt16LE(1, 4);
  return block;
}

interface SmallFile {
  name: string;
  content: Buffer;
}

/** The files of every data directory, in the order a backup lists them. */
function housekeeping(seed: string, modifiedAt: number): SmallFile[] {
  const noise = noiseOf(`files ${seed}`);
  const table = (pages: number) => Buffer.concat([description(), noise.bytes(pages * DESCRIPTION_BYTES)]);
  const startedAt = new Date(modifiedAt - 60_000).toISOString();
  const log = (msg: string) =>
    `${JSON.stringify({ t: { $date: startedAt }, s: "I", c: "STORAGE", ctx: "initandlisten", msg })}\n`;
  return [
    { name: "WiredTiger", content: Buffer.from("WiredTiger\nWiredTiger 11.3.1: (November 2024)\n") },
    { name: "WiredTiger.lock", content: Buffer.from("WiredTiger lock file\n") },
    {
      name: "WiredTiger.turtle",
      content: Buffer.from(
        `WiredTiger version string\nWiredTiger 11.3.1\nWiredTiger version\nmajor=11,minor=3,patch=1\nfile:WiredTiger.wt\ncheckpoint_lsn=(1,${noise.below(100_000)})\n`,
      ),
    },
    { name: "WiredTiger.wt", content: table(3) },
    { name: "WiredTigerHS.wt", content: table(1) },
    { name: "_mdb_catalog.wt", content: table(2) },
    { name: "collection-0-1.wt", content: table(1) },
    { name: "index-1-1.wt", content: table(1) },
    { name: "journal/", content: Buffer.alloc(0) },
    { name: "journal/WiredTigerLog.0000000001", content: Buffer.concat([noise.bytes(2_048), Buffer.alloc(2_048)]) },
    { name: "journal/WiredTigerPreplog.0000000001", content: Buffer.alloc(4_096) },
    {
      name: "mongod.log",
      content: Buffer.from(["Opening WiredTiger", "WiredTiger opened", "Snapshot taken"].map(log).join("")),
    },
    { name: "sizeStorer.wt", content: table(1) },
    {
      name: "storage.bson",
      content: bson({
        storage: {
          engine: "wiredTiger",
          options: { directoryPerDB: false, directoryForIndexes: false, groupCollections: false },
        },
      }),
    },
  ];
}

/** A page of a data file: 64 bytes of its own, so that no two pages are alike, then a block of the pool. */
const PAGE_BYTES = 1024 * 1024;
const PAGE_HEADER_BYTES = 64;

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
