// The small JSON files of this server, and which files count as its own.
import { codeOf, hasCode, ownFailure } from "../../core/errors.ts";
import type { DownloadDirectory } from "./directory.ts";
import {
  entryOfOpen,
  isMomentary,
  lstatOf,
  READ_ONLY,
  removeFile,
  renameFile,
  syncFile,
  withFile,
} from "./file-system.ts";

/** Where files are read and written; `owns` decides which of them count. */
export type Folder = Pick<DownloadDirectory, "at" | "owns">;

/** Far above the size of any JSON file of this server. */
const MAX_JSON_BYTES = 64 * 1024;

/** The first bytes of every record and state file, as `writeJson` writes them. */
const JSON_BEGINNING = Buffer.from('{\n  "v": 1,\n');

/**
 * Replaces a JSON file in one step, so that a reader or a crash sees either the old or the new file. Rejects with
 * `FILE_EXISTS` when the temporary name holds something that this server did not write.
 */
export async function writeJson(folder: Folder, name: string, value: unknown): Promise<void> {
  const temporary = temporaryOf(name);
  if (!(await isReplaceable(folder, temporary))) throw nameTaken(temporary);
  await removeFile(folder.at(temporary));
  await withFile(folder.at(temporary), "wx", async (handle) => {
    await handle.writeFile(`${JSON.stringify(value, undefined, 2)}\n`);
    await syncFile(handle);
  });
  await renameFile(folder.at(temporary), folder.at(name));
}

/** The name under which a file is written before it replaces the old one. */
export function temporaryOf(name: string): string {
  return `${name}.tmp`;
}

/**
 * With these, the answer is about the file: it is absent, forbidden, a link, a folder or a socket. Every other code (a failing
 * disk, a network drive that is away, a shortage) leaves open what the file holds.
 */
const ABOUT_THE_FILE = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ELOOP", "EISDIR", "ENXIO", "ENAMETOOLONG"];

const isAboutTheFile = (error: unknown) => codeOf(error) === undefined || hasCode(error, ...ABOUT_THE_FILE);

/**
 * The parsed content; undefined when the file is absent, another user's, forbidden, too large or not JSON. Rejects when the
 * system cannot say what it holds.
 */
export async function readJson(folder: Folder, name: string): Promise<unknown> {
  try {
    return await withFile(folder.at(name), READ_ONLY, async (handle) => {
      const stat = await entryOfOpen(handle);
      if (!folder.owns(stat) || stat.size > MAX_JSON_BYTES) return undefined;
      return JSON.parse(await handle.readFile("utf8"));
    });
  } catch (error) {
    // On Windows a file that nobody may ever read is refused in the same way as one in use.
    if (!isAboutTheFile(error)) throw error;
    return undefined;
  }
}

/**
 * Whether this server may replace what has this name without losing foreign data: the name is free, or the file is this user's
 * and is empty or begins like a file of ours (a crash may have cut it short). Links and folders are never ours.
 */
export async function isReplaceable(folder: Folder, name: string, beginning = JSON_BEGINNING): Promise<boolean> {
  const stat = await lstatOf(folder.at(name));
  if (!stat) return true;
  if (!folder.owns(stat)) return false;
  try {
    return await withFile(folder.at(name), READ_ONLY, async (handle) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(beginning.length), 0, beginning.length, 0);
      return buffer.subarray(0, bytesRead).equals(beginning.subarray(0, bytesRead));
    });
  } catch (error) {
    if (isMomentary(error) || !isAboutTheFile(error)) throw error;
    // Removed in the meantime, or not readable and therefore not ours.
    return hasCode(error, "ENOENT");
  }
}

/** `name` must be a name that this server made, since it is quoted. */
export function nameTaken(name: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${name} in the download folder belongs to another user, file or transfer; it is neither overwritten nor removed.`,
  });
}
