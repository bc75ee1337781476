// The file calls that a file system may refuse for a moment, which are repeated, or may lack, which is done without.
import { randomBytes } from "node:crypto";
import { type BigIntStats, constants, type Stats } from "node:fs";
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  stat,
  statfs,
  unlink,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { hasCode } from "../../core/errors.ts";

/** Do not follow a link, do not wait for the other end of a FIFO. Windows has neither flag. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
export const NO_WAIT = constants.O_NONBLOCK ?? 0;
export const READ_ONLY = constants.O_RDONLY | NO_FOLLOW | NO_WAIT;

/** In use, as network drives and FUSE say. */
const IN_USE = ["EBUSY", "ETXTBSY"];
/** Interrupted, or out of descriptors or memory. */
const OUT_OF_MEANS = ["EAGAIN", "EINTR", "EMFILE", "ENFILE", "ENOMEM"];

/**
 * What Windows also answers while another program, such as a virus scanner, has the file open, and where this user may not do it
 * (libuv, `uv_translate_sys_error`).
 */
const PERHAPS_IN_USE_ON_WINDOWS = ["EACCES", "EPERM"];

/** With these, renaming to the name would fail like the link, or would replace a file that has the name (EEXIST). */
const WITHOUT_REMEDY = ["EEXIST", "ENOENT", "ENOSPC", "EDQUOT", "EROFS"];

/** The file system has no such operation; some cannot open folders either, so they cannot sync them (EPERM, EISDIR, EACCES). */
const NO_SYNC = ["EINVAL", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];
const NO_FOLDER_SYNC = [...NO_SYNC, "EACCES", "EBADF", "EISDIR", "EPERM"];

/** How long a refused call is repeated, in milliseconds: long enough for a scanner, short enough for a call that waits. */
const PATIENCE_MS = 1_500;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** Whether another program has the file open. */
export const isInUse = (error: unknown): boolean => hasCode(error, ...IN_USE);

/** Whether another program may have the file open; no code tells it from a lack of permission. */
export function isPerhapsInUse(error: unknown): boolean {
  return process.platform === "win32" && hasCode(error, ...PERHAPS_IN_USE_ON_WINDOWS);
}

/** Whether the call was refused for reasons that pass by themselves. */
export function isMomentary(error: unknown): boolean {
  return isInUse(error) || isPerhapsInUse(error) || hasCode(error, ...OUT_OF_MEANS);
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

/** What the file system says of a file. The numbers that tell files apart do not fit into a number on NTFS. */
export interface FileEntry extends Pick<Stats, "uid" | "gid" | "mode" | "nlink" | "size" | "mtimeMs"> {
  dev: bigint;
  ino: bigint;
  isFile: () => boolean;
  isDirectory: () => boolean;
  isSymbolicLink: () => boolean;
}

function entryOf(stats: BigIntStats): FileEntry {
  const { dev, ino, mtimeNs } = stats;
  return {
    dev,
    ino,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mode: Number(stats.mode),
    nlink: Number(stats.nlink),
    size: Number(stats.size),
    // Exactly as Node.js computes it for `Stats`, since records hold it.
    mtimeMs: Number(mtimeNs / NS_PER_S) * 1e3 + Number(mtimeNs % NS_PER_S) / 1e6,
    isFile: () => stats.isFile(),
    isDirectory: () => stats.isDirectory(),
    isSymbolicLink: () => stats.isSymbolicLink(),
  };
}

const NS_PER_S = 1_000_000_000n;

/** The entry of an open file, whatever its name shows by now. */
export const entryOfOpen = async (handle: FileHandle): Promise<FileEntry> =>
  entryOf(await handle.stat({ bigint: true }));

/** The entry of the name itself, links not followed; undefined when there is none. */
export async function lstatOf(path: string): Promise<FileEntry | undefined> {
  try {
    return entryOf(await patiently(() => lstat(path, { bigint: true })));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** What tells one file from another, whatever their names. */
export type Inode = Pick<FileEntry, "dev" | "ino">;

export function isSameFile(one: Inode | undefined, other: Inode | undefined): boolean {
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

/** The names in a folder. */
export const namesIn = (folder: string): Promise<string[]> => patiently(() => readdir(folder));

/** What the path leads to, links followed. */
export const statOf = (path: string): Promise<Stats> => patiently(() => stat(path));

/** Rejects unless a file, or a folder, can be made in the folder: makes one and removes it. */
export async function tryToMake(kind: "file" | "folder", folder: string): Promise<void> {
  const path = scratchName(folder);
  if (kind === "folder") {
    await makeFolder(path);
    await patiently(() => rmdir(path));
  } else {
    await withFile(path, "wx", async () => undefined);
    await removeFile(path);
  }
}

/** Creates a folder for its owner only (0700). */
export const makeFolder = (path: string): Promise<void> => patiently(() => mkdir(path, { mode: 0o700 }));

/** Drops what follows the first `bytes`. */
export const cutFile = (handle: FileHandle, bytes: number): Promise<void> => patiently(() => handle.truncate(bytes));

/**
 * Whether the call did its work although it failed, as network drives answer whose first reply was lost: `to` is the file that
 * was `from`.
 */
async function isDone(from: Inode | undefined, to: string): Promise<boolean> {
  return isSameFile(await lstatOf(to), from);
}

/** Replaces what has the name `to`. */
export async function renameFile(from: string, to: string): Promise<void> {
  const moved = await lstatOf(from);
  try {
    await patiently(() => rename(from, to));
  } catch (error) {
    if (!(await isDone(moved, to))) throw error;
  }
}

/**
 * Replaces what has the name `to`, although a process may have it open. Windows refuses that, but moves a file that was opened
 * as Node.js opens files; so that file gets the name `aside` first, and is removed.
 */
export async function replaceOpenFile(from: string, to: string, aside: string): Promise<void> {
  try {
    return await renameFile(from, to);
  } catch (error) {
    if (!isInUse(error) && !isPerhapsInUse(error)) throw error;
  }
  await renameFile(to, aside);
  try {
    await renameFile(from, to);
  } catch (error) {
    await renameFile(aside, to);
    throw error;
  }
  // Whoever has it open may prevent that; then it goes with the part (`removePart`).
  await removeFile(aside).catch(() => undefined);
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
    if (await isDone(await lstatOf(from), to)) return true;
    if (hasCode(error, ...WITHOUT_REMEDY)) throw error;
    return false;
  }
}

/**
 * Whether a second name shows the same file. It does not on sshfs and other FUSE mounts, where nobody could tell by a name
 * whether the right file has it. Asks with an empty file that has two names for a moment.
 */
export async function linksShowTheirFile(folder: string): Promise<boolean> {
  const one = scratchName(folder);
  const two = `${one}-2`;
  try {
    await withFile(one, "wx", async () => undefined);
    return (await linkFile(one, two)) && isSameFile(await lstatOf(one), await lstatOf(two));
  } finally {
    // A file that cannot be removed now is empty and disturbs nobody.
    for (const path of [two, one]) await removeFile(path).catch(() => undefined);
  }
}

/** The path of a file that exists only for a question to the file system. */
export const scratchName = (folder: string): string => join(folder, `.probe-${randomBytes(8).toString("hex")}`);

/** Brings a file's content to disk; false when the file system has no such operation. A failing disk (EIO) rejects. */
export async function syncFile(handle: FileHandle): Promise<boolean> {
  try {
    await patiently(() => handle.datasync());
    return true;
  } catch (error) {
    if (!hasCode(error, ...NO_SYNC)) throw error;
    return false;
  }
}

/**
 * Makes names that were created, renamed or removed in the folder of `path` survive a power cut; false when the system has no
 * such operation. Windows syncs no folder, and its refusal would look as if somebody had the folder open; NTFS keeps a journal
 * of its names.
 */
export async function syncFolderOf(path: string): Promise<boolean> {
  if (process.platform === "win32") return true;
  try {
    await withFile(dirname(path), constants.O_RDONLY, (handle) => patiently(() => handle.sync()));
    return true;
  } catch (error) {
    if (!hasCode(error, ...NO_FOLDER_SYNC)) throw error;
    return false;
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
