// The download folder: finds or creates it, refuses an unsafe one, measures free space, explains disk errors.
import { constants, existsSync } from "node:fs";
import { access, mkdir, realpath, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf, Failure, hasCode, ownFailure } from "../../core/errors.ts";
import type { Limits } from "../limits.ts";
import { type Inode, lstatOf } from "./files.ts";

/** A folder that is safe to save into. */
export interface DownloadDirectory {
  /** The real path. */
  path: string;
  /** The path of a direct child; the caller has checked `name`. */
  at: (name: string) => string;
  /** Rejects with `DOWNLOAD_DIR_UNUSABLE` when another folder has taken its place: O_NOFOLLOW does not protect parents. */
  confirm: () => Promise<void>;
}

/**
 * The folder, or undefined when it does not exist. Rejects with `DOWNLOAD_DIR_UNUSABLE` when it is a link, belongs to someone
 * else or can be written by everyone (without the sticky bit).
 */
export async function findDownloadDirectory(folder: string): Promise<DownloadDirectory | undefined> {
  const wanted = resolve(folder);
  const found = await examine(wanted);
  if (!found) return undefined;
  const path = await realpath(wanted);
  return {
    path,
    at: (name) => join(path, name),
    confirm: async () => {
      const now = await examine(path);
      if (now?.dev !== found.dev || now.ino !== found.ino) throw unusable("it was replaced while in use");
    },
  };
}

/** Finds the folder or creates it for its owner only (0700). */
export async function createDownloadDirectory(folder: string): Promise<DownloadDirectory> {
  await makeFolders(resolve(folder));
  // Undefined only if someone has just removed the folder.
  return (await findDownloadDirectory(folder)) ?? createDownloadDirectory(folder);
}

/**
 * Whether snapshots could be saved into the folder, without changing anything on the disk. A folder that does not exist yet
 * counts if it can be created. Rejects with `DOWNLOAD_DIR_UNUSABLE`.
 */
export async function inspectFolder(downloadDir: string): Promise<{ exists: boolean }> {
  const nearest = await nearestExisting(downloadDir);
  if (nearest !== downloadDir && !(await stat(nearest)).isDirectory())
    throw unusable("it cannot be created, since a part of its path is a file");
  const found = await findDownloadDirectory(downloadDir);
  if (found) {
    if (!(await mayWrite(found.path))) throw unusable("this user may not write to it");
    return { exists: true };
  }
  if (!(await mayWrite(nearest))) throw unusable("this user may not create it");
  if (await holdsNoFiles(nearest)) throw unusable("it cannot be created, since the file system there holds no files");
  return { exists: false };
}

/** Bytes that this user may still write to the disk of the folder, which need not exist yet; undefined when unknown. */
export async function freeBytesFor(downloadDir: string): Promise<number | undefined> {
  return freeBytes(await nearestExisting(downloadDir));
}

/** Free bytes on the disk of a folder that exists; undefined when unknown. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined; // Some network file systems do not tell; a full disk then shows when writing.
  }
}

/** Rejects with `DISK_FULL` when the rest of the file would not leave the reserve free. Only a forecast: others write too. */
export async function checkSpace(
  path: string,
  remainingBytes: number,
  limits: Pick<Limits, "diskReserveBytes" | "diskReserveShare">,
): Promise<void> {
  const free = await freeBytes(path);
  const reserve = Math.max(limits.diskReserveBytes, Math.ceil(remainingBytes * limits.diskReserveShare));
  if (free !== undefined && free < remainingBytes + reserve) throw diskFull(remainingBytes + reserve, free);
}

/** A failed file operation in our own words; `neededBytes` is how much the rest of the file takes. */
export function diskFailure(cause: unknown, neededBytes?: number): Failure {
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause);
  if (code === undefined) return ownFailure("INTERNAL_ERROR", {}, { cause });
  if (hasCode(cause, "ENOSPC", "EDQUOT")) return diskFull(neededBytes, undefined, cause);
  const reason =
    code === "EFBIG" ? "The file would exceed the size that this process may write." : `The system answered ${code}.`;
  return ownFailure("DISK_FAILED", { detail: reason }, { cause });
}

function diskFull(neededBytes: number | undefined, freeBytes?: number, cause?: unknown): Failure {
  const needed = neededBytes === undefined ? "" : ` ${neededBytes} more bytes are needed.`;
  const free = freeBytes === undefined ? "" : ` ${freeBytes} bytes are free.`;
  return ownFailure(
    "DISK_FULL",
    { detail: `The download folder has too little free space.${needed}${free}` },
    { cause },
  );
}

function unusable(why: string, cause?: unknown) {
  return ownFailure("DOWNLOAD_DIR_UNUSABLE", { detail: `The download folder cannot be used: ${why}.` }, { cause });
}

async function examine(path: string): Promise<Inode | undefined> {
  const found = await lstatOf(path).catch((cause) => {
    throw unusable("it cannot be looked at", cause);
  });
  if (!found) return undefined;
  if (found.isSymbolicLink()) throw unusable("it is a symbolic link");
  if (!found.isDirectory()) throw unusable("it is not a folder");
  const uid = process.getuid?.();
  if (uid !== undefined && found.uid !== uid) throw unusable("it belongs to another user");
  if (uid !== undefined && found.mode & 0o002 && !(found.mode & 0o1000)) throw unusable("everyone can write to it");
  return found;
}

/** Makes missing folders one by one: where none can be made at all (/proc), Node's recursive mkdir never returns. */
async function makeFolders(wanted: string): Promise<void> {
  const missing: string[] = [];
  for (let path = wanted; !existsSync(path); path = dirname(path)) missing.unshift(path);
  for (const path of missing) {
    try {
      await mkdir(path, { mode: 0o700 });
    } catch (cause) {
      // EEXIST: something has the name by now; `examine` finds out what.
      if (!hasCode(cause, "EEXIST")) throw unusable("it cannot be created", cause);
    }
  }
}

/** The path itself, or its nearest parent that exists. */
async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await stat(folder);
      return folder;
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR") || folder === dirname(folder))
        throw unusable("it cannot be looked at", error);
    }
  }
}

/** A virtual file system such as /proc, where root seems to be allowed to write everywhere. */
async function holdsNoFiles(folder: string): Promise<boolean> {
  try {
    const { blocks, files } = await statfs(folder);
    return process.platform === "linux" && blocks === 0 && files === 0;
  } catch {
    return false; // The system does not tell, so assume an ordinary file system.
  }
}

async function mayWrite(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // Forbidden, on a read-only file system, or gone.
  }
}
