import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { ownFailure } from "../../core/errors.ts";
import { failedWith } from "./disk-failure.ts";

/** Windows has no such flags. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
/** Opening a FIFO in place of the part must not wait for its other end. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;

type Inode = Pick<Stats, "dev" | "ino">;

export interface PartFile {
  handle: FileHandle;
  path: string;
  bytes: number;
  /** Which file it is, whatever has its name by now. */
  inode: Inode;
}

/** Rejects with `PART_UNUSABLE` when the part's name belongs to another file by now. */
export async function confirmPart({ inode, path }: PartFile): Promise<void> {
  if (!isSameFile(await lstatOf(path), inode)) throw unusable();
}

/**
 * Opens the partial file for continuing, or creates it (0600). Rejects with `PART_UNUSABLE` when its name belongs to
 * anything but a plain file of this user with no second name.
 */
export async function openPart(path: string): Promise<PartFile> {
  const existing = await reopen(path);
  if (existing) return existing;
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  const handle = await open(path, flags, 0o600);
  return { handle, path, bytes: 0, inode: await handle.stat() };
}

async function reopen(path: string): Promise<PartFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDWR | NO_FOLLOW | NO_WAIT);
  } catch (cause) {
    if (failedWith(cause, "ENOENT")) return undefined;
    if (failedWith(cause, "ELOOP", "EISDIR", "ENXIO", "EACCES", "EPERM", "EMLINK")) throw unusable(cause);
    throw cause;
  }
  try {
    const stat = await handle.stat();
    const uid = process.getuid?.();
    const foreign = uid !== undefined && stat.uid !== uid;
    if (!stat.isFile() || foreign || stat.nlink !== 1) throw unusable();
    return { handle, path, bytes: stat.size, inode: stat };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The name's own entry, links not followed; undefined when there is none. */
export async function lstatOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (failedWith(error, "ENOENT")) return undefined;
    throw error;
  }
}

export function isSameFile(one: Inode | undefined, other: Inode | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

export function unusable(cause?: unknown) {
  return ownFailure("PART_UNUSABLE", {}, { cause });
}
