// File calls, through which this folder's code goes: repeats what a file system refuses for a moment, does without what it lacks.
import { constants, type Stats } from "node:fs";
import { type FileHandle, link, lstat, open, realpath, rename, statfs, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout } from "node:timers/promises";
import { hasCode } from "../../core/errors.ts";

/** Do not follow a link, do not wait for the other end of a FIFO. Windows has neither flag. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
export const NO_WAIT = constants.O_NONBLOCK ?? 0;
export const READ_ONLY = constants.O_RDONLY | NO_FOLLOW | NO_WAIT;

/** Interrupted, in use (network drives, FUSE), or out of descriptors or memory: the same call may succeed a moment later. */
const MOMENTARY = ["EAGAIN", "EBUSY", "EINTR", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"];

/** What Windows answers while another program, such as a virus scanner, has the file open (libuv, `uv_translate_sys_error`). */
const MOMENTARY_ON_WINDOWS = ["EACCES", "EPERM"];

/** Nothing of the file system stands in the way of creating this name, but something else certainly does. */
const WITHOUT_REMEDY = ["EEXIST", "ENOENT", "ENOSPC", "EDQUOT", "EROFS"];

/** The file system has no such operation. Windows cannot open folders, so it cannot sync them (EPERM, EISDIR, EACCES). */
const NO_SYNC = ["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];
const NO_FOLDER_SYNC = [...NO_SYNC, "EACCES", "EBADF", "EISDIR", "EPERM"];

/** How long a refused call is repeated, in milliseconds: long enough for a scanner, short enough for a call that waits. */
const PATIENCE_MS = 1_500;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** Whether the file system refused a call for reasons that pass by themselves. */
export function isMomentary(error: unknown): boolean {
  return hasCode(error, ...MOMENTARY) || (process.platform === "win32" && hasCode(error, ...MOMENTARY_ON_WINDOWS));
}

/** Repeats the call while the file system refuses it for a moment, with growing pauses of random length. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isMomentary(error) || performance.now() > until) throw error;
      await setTimeout(pause * (0.5 + Math.random()));
    }
  }
}

/** Opens a file. A new file is readable by its owner only. */
export function openFile(path: string, flags: string | number): Promise<FileHandle> {
  return patiently(() => open(path, flags, 0o600));
}

/** Opens a file, works with it and closes it. */
export async function withFile<T>(
  path: string,
  flags: string | number,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await openFile(path, flags);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** The entry of the name itself, links not followed; undefined when there is none. */
export async function lstatOf(path: string): Promise<Stats | undefined> {
  try {
    return await patiently(() => lstat(path));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** What tells one file from another, whatever their names. */
export type Inode = Pick<Stats, "dev" | "ino">;

export function isSameFile(one: Inode | undefined, other: Inode | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** Replaces what has the name `to`. */
export function renameFile(from: string, to: string): Promise<void> {
  return patiently(() => rename(from, to));
}

/** Removes a file; it may be gone already. */
export async function removeFile(path: string): Promise<void> {
  try {
    await patiently(() => unlink(path));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/**
 * Gives a file a second name, which must be free (EEXIST). False when the file system refuses hard links, whatever code it
 * has for that: EPERM on exFAT, EACCES on Android, EMLINK, EXDEV, EIO, ENOSYS or ENOTSUP elsewhere.
 */
export async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await patiently(() => link(from, to));
    return true;
  } catch (error) {
    if (hasCode(error, ...WITHOUT_REMEDY)) throw error;
    return false;
  }
}

/** Brings a file's content to disk. False where the file system cannot; a failing disk (EIO) rejects. */
export async function syncFile(handle: FileHandle): Promise<boolean> {
  try {
    await patiently(() => handle.datasync());
    return true;
  } catch (error) {
    if (hasCode(error, ...NO_SYNC)) return false;
    throw error;
  }
}

/** Makes names that were created, renamed or removed in the folder of `path` survive a power cut, where the system can. */
export async function syncFolderOf(path: string): Promise<void> {
  try {
    await withFile(dirname(path), constants.O_RDONLY, (handle) => handle.sync());
  } catch (error) {
    if (!hasCode(error, ...NO_FOLDER_SYNC)) throw error;
  }
}

/** The path without links; the path as given where the system cannot tell (RAM disks and long paths of Windows). */
export async function realPath(path: string): Promise<string> {
  try {
    return await patiently(() => realpath(path));
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
    return path;
  }
}

/** Free bytes on the disk of a folder that exists; undefined when the file system does not tell, as FUSE with zeros. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize, blocks } = await patiently(() => statfs(path));
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined; // Some network file systems do not tell; a full disk then shows when writing.
  }
}

/** A virtual file system such as /proc, where root seems to be allowed to write everywhere. */
export async function holdsNoFiles(folder: string): Promise<boolean> {
  try {
    const { blocks, files } = await patiently(() => statfs(folder));
    return process.platform === "linux" && blocks === 0 && files === 0;
  } catch {
    return false; // The system does not tell, so assume an ordinary file system.
  }
}
