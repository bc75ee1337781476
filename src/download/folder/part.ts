import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ownFailure } from "../../core/errors.ts";
import { freeMemoryOf } from "../free-memory.ts";
import type { Limits } from "../limits.ts";
import { checkSpace } from "./directory.ts";
import { type PartFile, syncFolderOf } from "./files.ts";
import { isThisProcess, type LockOwner, lifeOf } from "./lock.ts";

/** The one thing that is done with the file. */
interface WritableFile {
  writev: (buffers: Buffer[], position: number) => Promise<{ bytesWritten: number }>;
}

interface PartWriter {
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

/**
 * Whether the one that had the part open last may wake up and write into it: its lock can be lost while it sleeps where
 * nobody sees it. In this process a transfer is begun only after the one before has closed the part.
 */
export async function mayStillWrite(writer: LockOwner): Promise<boolean> {
  return !(await isThisProcess(writer)) && (await lifeOf(writer)) !== "dead";
}

interface Renewal {
  bytes: number;
  writer: LockOwner;
  limits: Limits;
  /** Rejects when this process has lost its locks: copying takes a while. */
  confirm: () => Promise<void>;
}

/** Read and written at a time. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Puts the part's first `bytes` into a new file under its name and closes the old one, so that `writer` writes into a file
 * without a name from now on. Bytes that it changes during the copy show in the check of the whole file.
 */
export async function renewPart(
  part: PartFile,
  { bytes, writer, limits, confirm }: Renewal,
  signal: AbortSignal,
): Promise<PartFile> {
  await checkSpace(part.path, bytes, limits);
  // The token is in the state file alone, so a file of this name is what a crash left of an earlier copy.
  const copy = `${part.path}.${writer.token}`;
  await rm(copy, { force: true });
  const handle = await open(copy, "wx+", 0o600);
  try {
    const copied = await copyBytes(part.handle, handle, bytes, signal);
    await handle.sync();
    const inode = await handle.stat();
    await confirm();
    await rename(copy, part.path);
    await syncFolderOf(part.path);
    await part.handle.close();
    return { handle, path: part.path, bytes: copied, inode };
  } catch (error) {
    await handle.close();
    await rm(copy, { force: true });
    throw error;
  }
}

/** What crashes left of copies of this part. */
export async function removeCopiesOf(path: string): Promise<void> {
  const start = `${basename(path)}.`;
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(start) && /^[0-9a-f]{8}$/.test(name.slice(start.length)))
      await rm(join(dirname(path), name), { force: true });
}

async function copyBytes(from: FileHandle, to: FileHandle, bytes: number, signal: AbortSignal): Promise<number> {
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, bytes));
  let at = 0;
  while (at < bytes) {
    signal.throwIfAborted();
    const { bytesRead } = await from.read(piece, 0, Math.min(piece.length, bytes - at), at);
    if (bytesRead === 0) break;
    await to.writeFile(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return at;
}
