import { ownFailure } from "../../core/errors.ts";
import { freeMemoryOf } from "../free-memory.ts";

/** The one thing that is done with the file. */
interface WritableFile {
  writev: (buffers: Buffer[], position: number) => Promise<{ bytesWritten: number }>;
}

export interface PartWriter {
  /** Bytes in the file. */
  readonly bytes: number;
  /**
   * Takes a chunk over, memory and all; when a promise comes back, the caller waits for it before the next chunk. Rejects
   * with the system's error.
   */
  add(chunk: Buffer): Promise<void> | undefined;
  /** Writes what was taken so far. */
  flush(): Promise<void>;
}

/**
 * Appends to a file in batches: one batch is written while the next fills, which keeps a fast line and the disk busy at
 * once. `onWritten` learns how far the file reaches.
 */
export function createPartWriter(options: {
  handle: WritableFile;
  position: number;
  batchBytes: number;
  onWritten: (bytes: number) => void;
}): PartWriter {
  const { handle, batchBytes, onWritten } = options;
  let position = options.position;
  let batch: Buffer[] = [];
  let batched = 0;
  let inFlight: Promise<void> = Promise.resolve();

  function launch(): Promise<void> {
    const full = batch;
    batch = [];
    batched = 0;
    const previous = inFlight;
    const turn = previous.then(() => writeAll(full));
    // Every later turn and `flush` see the failure too; this only keeps it from counting as unhandled meanwhile.
    turn.catch(() => undefined);
    inFlight = turn;
    return previous;
  }

  /** A full disk first writes less than asked and fails only at the next call, so every count is looked at. */
  async function writeAll(buffers: Buffer[]): Promise<void> {
    let rest = buffers;
    while (rest.length > 0) {
      const { bytesWritten } = await handle.writev(rest, position);
      if (bytesWritten === 0)
        throw ownFailure("DISK_FAILED", { detail: "The system wrote nothing and named no reason." });
      position += bytesWritten;
      rest = withoutFirst(rest, bytesWritten);
      onWritten(position);
    }
    for (const buffer of buffers) if (buffer.length === buffer.buffer.byteLength) freeMemoryOf(buffer);
  }

  return {
    get bytes() {
      return position;
    },
    add: (chunk) => {
      batch.push(chunk);
      batched += chunk.length;
      return batched < batchBytes ? undefined : launch();
    },
    flush: async () => {
      if (batched > 0) void launch();
      await inFlight;
    },
  };
}

function withoutFirst(buffers: Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    if (left >= buffer.length) left -= buffer.length;
    else {
      rest.push(left > 0 ? buffer.subarray(left) : buffer);
      left = 0;
    }
  }
  return rest;
}
