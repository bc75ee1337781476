import { GZIP_OVERHEAD, type GzipFile, gzipOf } from "./gzip.ts";
import { DESCRIPTION_BYTES, description, housekeeping, type SmallFile } from "./housekeeping.ts";
import { type Noise, noiseOf } from "./noise.ts";
import { PAGE_BYTES, PAGE_HEADER_BYTES, type Pool } from "./pool.ts";
import { compressed, hollow, type Segment, stored, storedLength } from "./segment.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar.ts";

/** Every fourth page is compressible, so that three quarters of the bytes are not. */
const TEXT_PAGE_SHARE = 4;

/** Pages of one collection: from 4 to 32 MiB. */
const MIN_FILE_PAGES = 4;
const FILE_PAGES_SPREAD = 29;

export interface DataDirectoryOptions {
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
