import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Bytes read and judged at a time; also the precision of the offsets in notes. */
export const BATCH_BYTES = 1024 * 1024;

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
export async function* batches(path: string, reached: Await): AsyncGenerator<Buffer> {
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
