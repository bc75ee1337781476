import { createGunzip } from "node:zlib";
import { BATCH_BYTES } from "./follow-file.ts";
import type { UnpackLimits } from "./protocol.ts";

/** Judges a gzip file (RFC 1952: one or more members) that arrives in batches. */
export interface GzipJudge {
  /** Takes the next bytes; a damage is kept, not thrown, and later batches are ignored. */
  write(batch: Buffer): Promise<void>;
  /** The file ends here; returns what is wrong with it, or undefined. */
  end(): Promise<string | undefined>;
  unpackedBytes(): number;
}

const ZEROS = Buffer.alloc(BATCH_BYTES);

export function createGzipJudge(limits: UnpackLimits, onUnpacked: (chunk: Buffer) => void): GzipJudge {
  // The default chunk of 16 KiB halves the speed.
  const gunzip = createGunzip({ chunkSize: 1024 * 1024 });
  let offset = 0;
  let unpacked = 0;
  let damage: string | undefined;
  let padding = false;
  let settle = () => {};

  const stop = (reason: string) => {
    damage ??= reason;
    gunzip.destroy();
  };
  const settled = (start: (done: () => void) => void) =>
    new Promise<void>((resolve) => {
      settle = resolve;
      start(resolve);
    });

  gunzip.on("data", (chunk: Buffer) => {
    unpacked += chunk.length;
    const ratio = unpacked / Math.max(1, gunzip.bytesWritten);
    if (unpacked > limits.maxUnpackedBytes) stop(`The data unpacks to more than ${limits.maxUnpackedBytes} bytes.`);
    else if (unpacked > limits.ratioFreeBytes && ratio > limits.maxRatio)
      stop(`The data expands more than ${limits.maxRatio} times; no snapshot does.`);
    else onUnpacked(chunk);
  });
  gunzip.on("error", () => {
    damage ??= `The compressed data is damaged between byte ${gunzip.bytesWritten} and byte ${offset}.`;
  });
  gunzip.on("close", () => settle());

  return {
    write: async (batch) => {
      const start = offset;
      offset += batch.length;
      if (damage !== undefined) return;
      if (start === 0 && !isGzip(batch)) return stop("This is not a gzip file.");
      if (!padding) {
        await settled((done) => gunzip.write(batch, () => done()));
        if (damage !== undefined || gunzip.bytesWritten === offset) return;
        padding = true;
      }
      // zlib stops without a word at a zero after a member: `gzip -t` accepts zero padding there, but nothing else.
      const rest = batch.subarray(Math.max(0, gunzip.bytesWritten - start));
      if (!rest.equals(ZEROS.subarray(0, rest.length)))
        stop(`Something other than padding follows the compressed data, which ends at byte ${gunzip.bytesWritten}.`);
    },
    end: async () => {
      if (offset === 0) stop("The file is empty.");
      if (damage !== undefined || padding) {
        gunzip.destroy();
        return damage;
      }
      await settled(() => gunzip.end());
      return damage === undefined
        ? undefined
        : `The compressed data is cut off at byte ${offset}, where the file ends.`;
    },
    unpackedBytes: () => unpacked,
  };
}

function isGzip(batch: Buffer): boolean {
  return batch[0] === 0x1f && (batch.length < 2 || batch[1] === 0x8b);
}
