import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { freeMemoryOf } from "../free-memory.ts";
import { createContentsReader } from "./contents.ts";
import type { ArchiveReport, CheckOrder, UnpackLimits } from "./protocol.ts";

const UNRECOGNISED = "The contents are not recognised as those of a snapshot, so the file may be something else.";

/** Hashes, inflates and reads one file to its end; rejects only when it cannot be read. */
export async function examineArchive(
  { path, md5: wantsMd5, limits }: CheckOrder,
  reached: Await,
  onChecked: (bytes: number) => void,
): Promise<ArchiveReport> {
  const sha256 = createHash("sha256");
  const md5 = wantsMd5 ? createHash("md5") : undefined;
  const reader = createContentsReader();
  const judge = createGzipJudge(limits, reader.write);
  let bytes = 0;

  for await (const batch of batches(path, reached)) {
    // zlib inflates in the thread pool while this thread hashes.
    const judged = judge.write(batch);
    sha256.update(batch);
    md5?.update(batch);
    await judged;
    bytes += batch.length;
    onChecked(bytes);
    // Lets messages in: behind a damage, nothing else here waits for anything.
    await setImmediate();
  }

  const damage = await judge.end();
  const { contents, notes } = reader.end();
  return {
    bytes,
    sha256: sha256.digest("hex"),
    ...(md5 && { md5: md5.digest("hex") }),
    gzip: damage === undefined ? "ok" : "damaged",
    contents: { ...contents, unpackedBytes: judge.unpackedBytes() },
    // What a damage does to the tar inside needs no words of its own.
    notes: damage === undefined ? [...notes, ...(contents.kind === "unknown" ? [UNRECOGNISED] : [])] : [damage],
  };
}

/** Bytes read and judged at a time; also the precision of the offsets in notes. */
const BATCH_BYTES = 1024 * 1024;

/** How far a file has been written. */
export interface Extent {
  bytes: number;
  /** Whether the file ends there. */
  complete: boolean;
}

/** Waits until the file reaches `bytes` or is complete. */
export type Await = (bytes: number) => Promise<Extent>;

/**
 * A plain file in batches at fixed offsets, so that the outcome does not depend on the rhythm in which it was written.
 * A batch is valid until the next one is asked for: they share their memory. A symbolic link, a pipe or a folder is refused.
 */
async function* batches(path: string, reached: Await): AsyncGenerator<Buffer> {
  // Synchronous access is for a thread of its own: when that is stopped, no descriptor is lost to an open under way.
  const file = openPlainFile(path);
  try {
    const buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
    for (let offset = 0; ; ) {
      const extent = await reached(offset + BATCH_BYTES);
      const batch = buffer.subarray(0, Math.min(BATCH_BYTES, extent.bytes - offset));
      fill(batch, file, offset);
      if (batch.length > 0) yield batch;
      offset += batch.length;
      if (extent.complete && offset === extent.bytes) return;
    }
  } finally {
    closeSync(file);
  }
}

function openPlainFile(path: string): number {
  // Windows has neither flag; NONBLOCK keeps a pipe in the file's place from blocking the open for ever.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error("Not a plain file");
}

function fill(batch: Buffer, file: number, offset: number): void {
  for (let filled = 0; filled < batch.length; ) {
    const read = readSync(file, batch, filled, batch.length - filled, offset + filled);
    if (read === 0) throw new Error(`The file ends at byte ${offset + filled}, before what was reported written`);
    filled += read;
  }
}

/** Judges a gzip file (RFC 1952: one or more members) that arrives in batches. */
interface GzipJudge {
  /** Takes the next batch, of at most `BATCH_BYTES`; after a damage it does nothing. */
  write(batch: Buffer): Promise<void>;
  /** The file ends here; resolves with what is wrong with it, in our own words, or undefined. */
  end(): Promise<string | undefined>;
  unpackedBytes(): number;
}

// Measured: 64 KiB take more than half as long again, 1 MiB a twentieth longer; 4 MiB gain little.
const CHUNK_BYTES = 2 * 1024 * 1024;
const ZEROS = Buffer.alloc(BATCH_BYTES);

/** `onUnpacked` keeps nothing of a chunk: its memory is used again. */
export function createGzipJudge(limits: UnpackLimits, onUnpacked: (chunk: Buffer) => void): GzipJudge {
  // zlib checks headers, CRC-32 and length of every member.
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  let offset = 0;
  let unpacked = 0;
  let state: "members" | "padding" | "damaged" = "members";
  let damage: string | undefined;
  let onClose = () => {};

  const damaged = (reason: string) => {
    state = "damaged";
    damage ??= reason;
    gunzip.destroy();
  };

  gunzip.on("data", (chunk: Buffer) => {
    unpacked += chunk.length;
    if (unpacked > limits.maxUnpackedBytes) damaged(`The data unpacks to more than ${limits.maxUnpackedBytes} bytes.`);
    else if (unpacked > limits.ratioFreeBytes && unpacked > limits.maxRatio * gunzip.bytesWritten)
      damaged(`The data expands more than ${limits.maxRatio} times, as no snapshot does.`);
    else onUnpacked(chunk);
    // zlib fills its memory chunk after chunk, and takes new memory when that is full.
    if (chunk.byteOffset + chunk.length === chunk.buffer.byteLength) freeMemoryOf(chunk);
  });
  gunzip.on("error", () =>
    damaged(
      `The compressed data is damaged, or followed by something else, between bytes ${gunzip.bytesWritten} and ${offset}.`,
    ),
  );
  gunzip.on("close", () => onClose());

  /** After an error zlib calls back only by closing. */
  const untilClosedOr = (start: (done: () => void) => void) =>
    new Promise<void>((resolve) => {
      onClose = resolve;
      start(resolve);
    });

  return {
    write: async (batch) => {
      const start = offset;
      offset += batch.length;
      if (start === 0 && !startsLikeGzip(batch)) damaged("This is not a gzip file.");
      if (state === "members") {
        await untilClosedOr((done) => gunzip.write(batch, () => done()));
        // Node stops without a word at a zero byte after a member, whatever follows it.
        if (state === "members" && gunzip.bytesWritten < offset) state = "padding";
      }
      if (state === "padding") {
        const rest = batch.subarray(Math.max(0, gunzip.bytesWritten - start));
        // `gzip -t` accepts zeros there, but nothing else.
        if (!rest.equals(ZEROS.subarray(0, rest.length)))
          damaged(`The compressed data ends at byte ${gunzip.bytesWritten}, but something else follows.`);
      }
    },
    end: async () => {
      if (offset === 0) damaged("The file is empty.");
      if (state === "members") {
        await untilClosedOr(() => gunzip.end());
        if (damage !== undefined) return `The compressed data is cut off where the file ends, at byte ${offset}.`;
      }
      gunzip.destroy();
      return damage;
    },
    unpackedBytes: () => unpacked,
  };
}

function startsLikeGzip(batch: Buffer): boolean {
  return batch[0] === 0x1f && (batch.length === 1 || batch[1] === 0x8b);
}
