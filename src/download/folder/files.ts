import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { ownFailure } from "../../core/errors.ts";
import { failedWith } from "./directory.ts";
import { nameTaken } from "./file-name.ts";

/** Far above any file of ours; a larger one is somebody else's. */
const MAX_JSON_BYTES = 64 * 1024;

/** How every record and state file begins, as `writeJson` puts it. */
const BEGINNING = Buffer.from('{\n  "v": 1,\n');

/** The name under which a file is written before it replaces the old one. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/**
 * Replaces a JSON file in one step (0600), so that a reader or a crash sees the old or the new one. Rejects with
 * `FILE_EXISTS` when something that a crash of ours cannot have left has the temporary name.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = temporaryOf(path);
  if (!(await isReplaceable(temporary))) throw nameTaken(basename(temporary));
  await rm(temporary, { force: true });
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}

/** This process or computer is out of something; what the file says is as unknown as before. */
const OUT_OF_MEANS = ["EMFILE", "ENFILE", "ENOMEM"];

/**
 * Whether nothing would be lost if one of our files took this name: it is free or empty, or begins as only our files do,
 * as far as it goes. Anything else, links and folders included, is somebody else's.
 */
export async function isReplaceable(path: string, beginning = BEGINNING): Promise<boolean> {
  const stat = await lstatOf(path);
  if (!stat) return true;
  if (!stat.isFile()) return false;
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(beginning.length), 0, beginning.length, 0);
      return buffer.subarray(0, bytesRead).equals(beginning.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (failedWith(error, ...OUT_OF_MEANS)) throw error;
    // Gone by now, or not ours to read.
    return failedWith(error, "ENOENT");
  }
}

/** The parsed content, or undefined where there is no readable JSON of a sensible size. Rejects only for want of means. */
export async function readJson(path: string): Promise<unknown> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > MAX_JSON_BYTES) return undefined;
      return JSON.parse(await handle.readFile("utf8"));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (failedWith(error, ...OUT_OF_MEANS)) throw error;
    // Absent, forbidden or garbage: the callers treat all of it as "nothing known".
    return undefined;
  }
}

/** Makes names created, renamed or removed in the folder survive a power cut. */
export async function syncFolderOf(path: string): Promise<void> {
  try {
    const handle = await open(dirname(path), constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows opens no folders, and some network file systems cannot sync them; there the system orders names itself.
    if (!failedWith(error, "EPERM", "EISDIR", "EACCES", "EINVAL", "ENOTSUP")) throw error;
  }
}

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
