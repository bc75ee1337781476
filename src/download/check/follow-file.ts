import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

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

/** Opens a plain file for reading; a symbolic link, a pipe or a folder is refused. */
export async function openPlainFile(path: string): Promise<FileHandle> {
  // Windows has neither flag; NONBLOCK keeps a pipe in the file's place from blocking the open for ever.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error("Not a plain file");
}

/**
 * The file in batches at fixed offsets, so that the outcome does not depend on the rhythm in which it was written.
 * A batch is valid until the next one is asked for: they share their memory.
 */
export async function* batches(file: FileHandle, reached: Await): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
  for (let offset = 0; ; ) {
    const extent = await reached(offset + BATCH_BYTES);
    const length = Math.min(BATCH_BYTES, extent.bytes - offset);
    if (length > 0) {
      const batch = buffer.subarray(0, length);
      await fill(batch, file, offset);
      yield batch;
    }
    offset += length;
    if (extent.complete && offset === extent.bytes) return;
  }
}

async function fill(batch: Buffer, file: FileHandle, offset: number): Promise<void> {
  for (let filled = 0; filled < batch.length; ) {
    const { bytesRead } = await file.read(batch, filled, batch.length - filled, offset + filled);
    if (bytesRead === 0) throw new Error(`The file ends at byte ${offset + filled}, before what was reported written`);
    filled += bytesRead;
  }
}
