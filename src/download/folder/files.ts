// Low-level file operations: small JSON files, names that are taken, syncing a folder.
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { hasCode, ownFailure } from "../../core/errors.ts";

/** Do not follow a link, do not wait for the other end of a FIFO. Windows has neither flag. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
export const NO_WAIT = constants.O_NONBLOCK ?? 0;
const READ_ONLY = constants.O_RDONLY | NO_FOLLOW | NO_WAIT;

/** Far above the size of any JSON file of this server. */
const MAX_JSON_BYTES = 64 * 1024;

/** The first bytes of every record and state file, as `writeJson` writes them. */
const JSON_BEGINNING = Buffer.from('{\n  "v": 1,\n');

/** Out of descriptors or memory: says nothing about the file. */
const OUT_OF_MEANS = ["EMFILE", "ENFILE", "ENOMEM"];

/** Opens a file, works with it and closes it. A new file is readable by its owner only. */
export async function withFile<T>(
  path: string,
  flags: string | number,
  work: (handle: FileHandle) => Promise<T>,
): Promise<T> {
  const handle = await open(path, flags, 0o600);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Replaces a JSON file in one step, so that a reader or a crash sees either the old or the new file. Rejects with
 * `FILE_EXISTS` when the temporary name holds something that this server did not write.
 */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const temporary = temporaryOf(path);
  if (!(await isReplaceable(temporary))) throw nameTaken(basename(temporary));
  await rm(temporary, { force: true });
  await withFile(temporary, "wx", async (handle) => {
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await handle.sync();
  });
  await rename(temporary, path);
}

/** The name under which a file is written before it replaces the old one. */
export function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/** The parsed content; undefined when the file is absent, forbidden, too large or not JSON. Rejects only with an error of `OUT_OF_MEANS`. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return await withFile(path, READ_ONLY, async (handle) => {
      const stat = await handle.stat();
      if (!stat.isFile() || stat.size > MAX_JSON_BYTES) return undefined;
      return JSON.parse(await handle.readFile("utf8"));
    });
  } catch (error) {
    if (hasCode(error, ...OUT_OF_MEANS)) throw error;
    return undefined;
  }
}

/**
 * Whether this server may replace what has this name without losing foreign data: the name is free, or the file is empty or
 * begins like a file of ours (a crash may have cut it short). Links and folders are never ours.
 */
export async function isReplaceable(path: string, beginning = JSON_BEGINNING): Promise<boolean> {
  const stat = await lstatOf(path);
  if (!stat) return true;
  if (!stat.isFile()) return false;
  try {
    return await withFile(path, READ_ONLY, async (handle) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(beginning.length), 0, beginning.length, 0);
      return buffer.subarray(0, bytesRead).equals(beginning.subarray(0, bytesRead));
    });
  } catch (error) {
    if (hasCode(error, ...OUT_OF_MEANS)) throw error;
    // Removed in the meantime, or not readable and therefore not ours.
    return hasCode(error, "ENOENT");
  }
}

/** Makes names that were created, renamed or removed in the folder of `path` survive a power cut. */
export async function syncFolderOf(path: string): Promise<void> {
  try {
    await withFile(dirname(path), constants.O_RDONLY, (handle) => handle.sync());
  } catch (error) {
    // Windows cannot open folders, and some network file systems cannot sync them; there the system orders the names itself.
    if (!hasCode(error, "EPERM", "EISDIR", "EACCES", "EINVAL", "ENOTSUP")) throw error;
  }
}

/** The entry of the name itself, links not followed; undefined when there is none. */
export async function lstatOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
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

/** `name` must be a name that this server made, since it is quoted. */
export function nameTaken(name: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${name} in the download folder belongs to another file or transfer; it is neither overwritten nor removed.`,
  });
}
