// The part, the file that a transfer fills: opening it safely, appending in batches, moving it away from another writer.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode, ownFailure } from "../../core/errors.ts";
import { freeMemoryOf } from "../free-memory.ts";
import type { Limits } from "../limits.ts";
import { checkSpace } from "./directory.ts";
import {
  entryOfOpen,
  type Inode,
  isSameFile,
  lstatOf,
  NO_FOLLOW,
  NO_WAIT,
  namesIn,
  openFile,
  removeFile,
  replaceOpenFile,
  syncFile,
  syncFolderOf,
  withFile,
} from "./file-system.ts";
import type { Folder } from "./files.ts";
import type { LockOwner } from "./lock.ts";

export interface PartFile {
  handle: FileHandle;
  path: string;
  bytes: number;
  /** Tells which file was opened, even when `path` names another file by now. */
  inode: Inode;
}

/**
 * Opens the part to continue it, or creates it (0600). Rejects with `PART_UNUSABLE` unless its name is free or belongs to a
 * plain file of this user that has no second name.
 */
export async function openPart(folder: Folder, name: string): Promise<PartFile> {
  const path = folder.at(name);
  const existing = await reopen(folder, path);
  if (existing) return existing;
  const handle = await openFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW);
  return { handle, path, bytes: 0, inode: await entryOfOpen(handle) };
}

async function reopen(folder: Folder, path: string): Promise<PartFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await openFile(path, constants.O_RDWR | NO_FOLLOW | NO_WAIT);
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return undefined;
    if (hasCode(cause, "ELOOP", "EISDIR", "ENXIO", "EACCES", "EPERM", "EMLINK")) throw unusable(cause);
    throw cause;
  }
  try {
    const stat = await entryOfOpen(handle);
    if (!folder.owns(stat) || stat.nlink !== 1) throw unusable();
    return { handle, path, bytes: stat.size, inode: stat };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Rejects with `PART_UNUSABLE` when the part's name belongs to another file by now. */
export async function confirmPart({ inode, path }: PartFile): Promise<void> {
  if (!isSameFile(await lstatOf(path), inode)) throw unusable();
}

export function unusable(cause?: unknown) {
  return ownFailure("PART_UNUSABLE", {}, { cause });
}

const PIECE_BYTES = 1024 * 1024;

/**
 * Copies the part's first `bytes` to a new file under the same name and closes the old file. From then on `writer`, which
 * may still have the old file open, writes to a file without a name. Bytes that it changes during the copy show in the check
 * of the whole file. `confirm` rejects when this process has lost its locks meanwhile, since copying takes a while.
 */
export async function renewPart(
  part: PartFile,
  {
    folder,
    bytes,
    writer,
    limits,
    confirm,
  }: { folder: Folder; bytes: number; writer: LockOwner; limits: Limits; confirm: () => Promise<void> },
  signal: AbortSignal,
): Promise<PartFile> {
  await checkSpace(part.path, bytes, limits);
  // Only the state file knows the token, so a file of this name was left by a crash during an earlier copy.
  const copy = `${part.path}.${writer.token}`;
  await removeFile(copy);
  try {
    const inode = await withFile(copy, "wx", async (handle) => {
      await copyBytes(part.handle, handle, bytes, signal);
      await syncFile(handle);
      return entryOfOpen(handle);
    });
    await confirm();
    await part.handle.close();
    await replaceOpenFile(copy, part.path, `${part.path}.${randomBytes(4).toString("hex")}`);
    await syncFolderOf(part.path);
    return await reopenSame(folder, { path: part.path, inode });
  } catch (error) {
    await removeFile(copy);
    throw error;
  }
}

async function reopenSame(folder: Folder, { path, inode }: Pick<PartFile, "path" | "inode">): Promise<PartFile> {
  const part = await reopen(folder, path);
  if (part && isSameFile(part.inode, inode)) return part;
  await part?.handle.close();
  throw unusable();
}

async function copyBytes(from: FileHandle, to: FileHandle, bytes: number, signal: AbortSignal): Promise<void> {
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, bytes));
  let at = 0;
  while (at < bytes) {
    signal.throwIfAborted();
    const { bytesRead } = await from.read(piece, 0, Math.min(piece.length, bytes - at), at);
    if (bytesRead === 0) break;
    await to.writeFile(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** Removes the part, and copies of it that crashes left. */
export async function removePart(path: string): Promise<void> {
  await removeFile(path);
  const start = `${basename(path)}.`;
  for (const name of await namesIn(dirname(path)))
    if (name.startsWith(start) && /^[0-9a-f]{8}$/.test(name.slice(start.length)))
      await removeFile(join(dirname(path), name));
}

interface PartWriter {
  /** Bytes in the file. */
  readonly bytes: number;
  /**
   * Takes over a chunk and its memory. If this returns a promise, the caller must await it before the next chunk; it rejects
   * with the system's error.
   */
  add(chunk: Buffer): Promise<void> | undefined;
  /** Writes everything taken so far. */
  flush(): Promise<void>;
}

/**
 * Appends to a file in batches: while one batch is written, the next one fills, so that a fast line and the disk are busy at
 * the same time. `onWritten` gets the new length of the file.
 */
export function createPartWriter(options: {
  handle: { writev: (buffers: Buffer[], position: number) => Promise<{ bytesWritten: number }> };
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
    // Every later turn and `flush` reject too; this only prevents an unhandled rejection until then.
    turn.catch(() => undefined);
    inFlight = turn;
    return previous;
  }

  /** A disk that gets full first writes less than asked and fails only at the next call, so every count is checked. */
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
