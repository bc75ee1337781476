import { createGunzip } from "node:zlib";
import { freeMemoryOf } from "../free-memory.ts";
import { BATCH_BYTES } from "./follow-file.ts";
import type { UnpackLimits } from "./protocol.ts";

/** Judges a gzip file (RFC 1952: one or more members) that arrives in batches. */
export interface GzipJudge {
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
