// The download folder: finds or creates it, refuses an unsafe one, measures free space, explains disk errors.
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf, Failure, hasCode, ownFailure } from "../../core/errors.ts";
import { sizeInWords } from "../../core/text.ts";
import type { Limits } from "../limits.ts";
import {
  type FileEntry,
  freeBytes,
  holdsNoFiles,
  isInUse,
  isMomentary,
  isPerhapsInUse,
  isSameFile,
  lstatOf,
  makeFolder,
  realPath,
  statOf,
  tryToMake,
} from "./file-system.ts";
import { canBeMoved, isInProfile, isTrustedLink, type Openness, opennessOf, probe, thisUser } from "./folder-safety.ts";

/** A folder that may be saved into. */
export interface DownloadDirectory {
  /** The real path. */
  path: string;
  /** The path of a direct child; the caller has checked `name`. */
  at: (name: string) => string;
  /** Whether a file counts when it is read back: a plain file of this user. */
  owns: (stat: FileEntry) => boolean;
  /** A sentence for people if other users may be able to change or replace the files. */
  warning?: string;
  /**
   * `warning`, and for a folder without one what its file system answers: a disk that keeps no owners may look private. Asks with
   * a file that is created and removed.
   */
  doubt: () => Promise<string | undefined>;
  /** Rejects with `DOWNLOAD_DIR_UNUSABLE` when another folder has taken its place: O_NOFOLLOW does not protect parents. */
  confirm: () => Promise<void>;
}

/**
 * The folder, or undefined when it does not exist. Follows a link of this user or of root, once; from then on only the real path
 * is used. Rejects with `DOWNLOAD_DIR_UNUSABLE` when other users may write to the folder (`opennessOf`), unless its file system
 * keeps no permissions, which is asked with a file that is created and removed.
 */
export async function findDownloadDirectory(folder: string): Promise<DownloadDirectory | undefined> {
  const path = await resolved(resolve(folder));
  const found = path === undefined ? undefined : await folderAt(path);
  if (path === undefined || !found) return undefined;
  const { owner, unprotected } = await safetyOf(found, path);
  const warning = unprotected ?? (await doubtAbove([resolve(folder), path]));
  return {
    path,
    at: (name) => join(path, name),
    owns: (file) => file.isFile() && (owner === undefined || file.uid === owner),
    doubt: async () => warning ?? (await hiddenDoubt(found, path)),
    ...(warning !== undefined && { warning }),
    confirm: async () => {
      const now = await folderAt(path);
      if (!isSameFile(now, found)) throw unusable("it was replaced while in use");
      const open = unprotected === undefined && now ? opennessHere(now, path) : undefined;
      if (open) throw refused(open);
    },
  };
}

/** Finds the folder or creates it for its owner only (0700). */
export async function createDownloadDirectory(folder: string): Promise<DownloadDirectory> {
  for (let round = 0; round < CREATE_ROUNDS; round += 1) {
    await makeFolders(resolve(folder));
    const found = await findDownloadDirectory(folder);
    if (found) return found;
  }
  throw unusable("it is removed again and again");
}

/** Somebody may remove the new folder at once, but hardly three times. */
const CREATE_ROUNDS = 3;

/**
 * Whether snapshots could be saved into the folder, without leaving anything on the disk; `warning` as in `DownloadDirectory`.
 * A folder that does not exist yet counts if it can be created. Rejects with `DOWNLOAD_DIR_UNUSABLE`.
 */
export async function inspectFolder(downloadDir: string): Promise<{ exists: boolean; warning?: string }> {
  const found = await findDownloadDirectory(downloadDir);
  if (found) {
    if (!(await mayMake("file", found.path))) throw unusable("this user may not write to it");
    return { exists: true, ...(found.warning !== undefined && { warning: found.warning }) };
  }
  const nearest = await nearestExisting(downloadDir);
  if (!(await statOf(nearest)).isDirectory())
    throw unusable("it cannot be created, since a part of its path is a file");
  if (!(await mayMake("folder", nearest))) throw unusable("this user may not create it");
  if (await holdsNoFiles(nearest)) throw unusable("it cannot be created, since the file system there holds no files");
  return { exists: false };
}

/** Bytes that this user may still write to the disk of the folder, which need not exist yet; undefined when unknown. */
export async function freeBytesFor(downloadDir: string): Promise<number | undefined> {
  return freeBytes(await nearestExisting(downloadDir));
}

/** Rejects with `DISK_FULL` when the rest of the file would not leave the reserve free. Only a forecast: others write too. */
export async function checkSpace(
  path: string,
  remainingBytes: number,
  limits: Pick<Limits, "diskReserveBytes" | "diskReserveShare">,
): Promise<void> {
  const free = await freeBytes(path);
  const reserve = Math.max(limits.diskReserveBytes, Math.ceil(remainingBytes * limits.diskReserveShare));
  if (free !== undefined && free < remainingBytes + reserve)
    throw diskFull({ neededBytes: remainingBytes, reserve, free });
}

/** A failed file operation in our own words; `neededBytes` is how much the rest of the file takes. */
export function diskFailure(cause: unknown, neededBytes?: number): Failure {
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause);
  if (code === undefined) return ownFailure("INTERNAL_ERROR", {}, { cause });
  if (hasCode(cause, "ENOSPC", "EDQUOT")) return diskFull({ neededBytes }, cause);
  if (isInUse(cause) || isPerhapsInUse(cause)) {
    const [detail, hint] = isInUse(cause) ? [inUse(code), FIND_PROGRAM] : [perhapsInUse(code), FIND_REASON];
    return ownFailure("DISK_FAILED", { retryable: true, detail, hint }, { cause });
  }
  const detail = REASONS[code] ?? `The system answered ${code}.`;
  return ownFailure("DISK_FAILED", { detail, retryable: isMomentary(cause) }, { cause });
}

const REASONS: Readonly<Record<string, string>> = {
  EFBIG: "The file would exceed the size that this process may write.",
  EACCES: "This user may not write there (EACCES).",
  EPERM: "The system does not permit it (EPERM).",
  EROFS: "The file system is read-only.",
};

const FIND_PROGRAM =
  "Call again. If it happens again, find the program that uses the files of the download folder, such as a virus scanner, and exclude the folder from it.";
const FIND_REASON = `${FIND_PROGRAM} If there is none, give this user the right to change the folder and its files.`;

function inUse(code: string): string {
  return `Another program probably has a file of the download folder open: the system answered ${code}.`;
}

function perhapsInUse(code: string): string {
  return `Another program has a file of the download folder open, or this user may not change it: Windows answers ${code} to both.`;
}

function diskFull(
  { neededBytes, reserve, free }: { neededBytes?: number | undefined; reserve?: number; free?: number },
  cause?: unknown,
): Failure {
  const facts = [
    neededBytes === undefined ? "" : ` The rest of the file takes ${sizeInWords(neededBytes)}.`,
    reserve ? ` ${sizeInWords(reserve)} stay free for other programs.` : "",
    free === undefined ? "" : ` ${sizeInWords(free)} are free.`,
  ];
  return ownFailure(
    "DISK_FULL",
    { detail: `The disk of the download folder has too little free space.${facts.join("")}` },
    { cause },
  );
}

function unusable(why: string, cause?: unknown) {
  return ownFailure("DOWNLOAD_DIR_UNUSABLE", { detail: `The download folder cannot be used: ${why}.` }, { cause });
}

function refused({ why, hint }: Openness) {
  const detail = `The download folder cannot be used: it ${why}.`;
  return ownFailure("DOWNLOAD_DIR_UNUSABLE", { detail, ...(hint !== undefined && { hint }) });
}

/** The real path of the folder; undefined when there is nothing of this name. */
async function resolved(wanted: string): Promise<string | undefined> {
  const entry = await lookAt(wanted);
  if (!entry) return undefined;
  if (entry.isSymbolicLink() && !isTrustedLink(entry, thisUser()))
    throw unusable("it is a symbolic link of another user");
  const path = await realPath(wanted).catch((cause: unknown) => {
    throw unusable("it is a symbolic link that leads nowhere", cause);
  });
  // What was judged may have been replaced since.
  const judged = entry.isSymbolicLink() ? wanted : path;
  if (!isSameFile(await lookAt(judged), entry)) throw unusable("it was replaced while in use");
  return path;
}

async function folderAt(path: string): Promise<FileEntry | undefined> {
  const found = await lookAt(path);
  if (found?.isSymbolicLink()) throw unusable("a symbolic link took its place");
  if (found && !found.isDirectory()) throw unusable("it is not a folder");
  return found;
}

async function lookAt(path: string): Promise<FileEntry | undefined> {
  try {
    return await lstatOf(path);
  } catch (cause) {
    // A part of the path is a file, so there is no folder.
    if (hasCode(cause, "ENOTDIR")) return undefined;
    throw unusable("it cannot be looked at", cause);
  }
}

function opennessHere(found: FileEntry, path: string): Openness | undefined {
  const user = thisUser();
  return user && opennessOf(found, path, user);
}

/** The owner that files must have to count, undefined where files have no owners. Rejects if others may write to the folder. */
async function safetyOf(found: FileEntry, path: string): Promise<{ owner?: number; unprotected?: string }> {
  const user = thisUser();
  if (!user) return isInProfile(path) ? {} : { unprotected: UNPROTECTED_ON_WINDOWS };
  const open = opennessOf(found, path, user);
  if (!open) return { owner: user.uid };
  const made = await probe(path, user).catch((cause: unknown) => {
    if (hasCode(cause, "EROFS")) throw refused({ ...open, hint: READ_ONLY_DISK });
    // Without a file to judge by, the folder is what it looks like.
    if (codeOf(cause) === undefined) throw cause;
    return undefined;
  });
  if (!made || made.keepsModes) throw refused(open);
  await refuseOther(made, found, path);
  return { owner: made.uid, unprotected: UNPROTECTED };
}

/** ntfs-3g with the options `uid` and `umask`, for example, shows a folder as this user's alone, whoever wrote what is in it. */
async function hiddenDoubt(found: FileEntry, path: string): Promise<string | undefined> {
  const user = thisUser();
  if (!user) return undefined;
  const made = await probe(path, user);
  await refuseOther(made, found, path);
  return made.keepsModes ? undefined : UNPROTECTED;
}

/** The file of a probe must have been made in the folder that was judged. */
async function refuseOther({ dev }: Pick<FileEntry, "dev">, found: FileEntry, path: string): Promise<void> {
  if (dev !== found.dev || !isSameFile(await folderAt(path), found)) throw unusable("it was replaced while in use");
}

const READ_ONLY_DISK = "Its disk is read-only. Copy the files that you want to see into a folder of your own.";

/** A warning if other users can move or replace the folder, because they may change a folder above it. */
async function doubtAbove(paths: readonly string[]): Promise<string | undefined> {
  const user = thisUser();
  if (!user) return undefined;
  const folders = new Set(paths.flatMap(foldersAbove));
  for (const folder of folders) {
    const entry = await lookAt(folder);
    if (entry?.isSymbolicLink() && !isTrustedLink(entry, user))
      throw unusable("a part of its path is a symbolic link of another user");
    if (entry?.isDirectory() && canBeMoved(entry, user))
      return `Other users of this computer can move or replace the download folder, since they may write to ${folder}.`;
  }
  return undefined;
}

function foldersAbove(path: string): string[] {
  const above = dirname(path);
  return above === path ? [] : [above, ...foldersAbove(above)];
}

const UNPROTECTED =
  "The file system of the download folder keeps no owners and permissions, so it does not keep other users of this computer from reading, replacing or planting files there.";
const UNPROTECTED_ON_WINDOWS =
  "The download folder is outside this user's profile folder, so other users of this computer may be able to read, replace or plant files there.";

/** Makes missing folders one by one: where none can be made at all (/proc), Node's recursive mkdir never returns. */
async function makeFolders(wanted: string): Promise<void> {
  const missing: string[] = [];
  const nearest = await nearestExisting(wanted);
  for (let path = wanted; path !== nearest && path !== dirname(path); path = dirname(path)) missing.unshift(path);
  for (const path of missing) {
    try {
      await makeFolder(path);
    } catch (cause) {
      // EEXIST: something has the name by now; `findDownloadDirectory` finds out what.
      if (!hasCode(cause, "EEXIST")) throw unusable("it cannot be created", cause);
    }
  }
}

/** The path itself, or its nearest parent that exists. */
async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await statOf(folder);
      return folder;
    } catch (error) {
      if (folder === dirname(folder)) throw unusable("its drive or share is not there", error);
      if (!hasCode(error, "ENOENT", "ENOTDIR")) throw unusable("it cannot be looked at", error);
    }
  }
}

async function mayMake(kind: "file" | "folder", folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    // There it tells nothing of access lists ("File system", `fs.access` of Node.js).
    if (process.platform === "win32") await tryToMake(kind, folder);
    return true;
  } catch {
    return false; // Forbidden, on a read-only file system, or gone.
  }
}
