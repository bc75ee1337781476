// What is in the download folder: the files and the part of one snapshot, and the list of everything.
import { concurrently } from "../../core/concurrency.ts";
import { Failure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { OpenTransfer, SavedFile, SavedList, SnapshotIdentity } from "../contract.ts";
import type { Limits } from "../limits.ts";
import { isSameSnapshot, keyOf } from "../snapshot.ts";
import { type DownloadDirectory, diskFailure } from "./directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { type FileEntry, freeBytes, lstatOf, namesIn } from "./file-system.ts";
import { isLocked } from "./lock.ts";
import { isPublished, readRecord, readState, type SaveRecord, type TransferState } from "./records.ts";

/** Enough to keep the disk busy, and far below the limit on open files. */
const AT_A_TIME = 32;

/** A finished file with its record. */
export interface RecordedFile {
  fileName: string;
  record: SaveRecord;
  /**
   * `touched`: same size, but written to since it was saved. Copies and backups do that too; only a check can tell. `gone`: only
   * the record is there (`listOrphaned`).
   */
  state: "untouched" | "touched" | "changed" | "gone";
}

/**
 * The finished files of a snapshot under any names, the newest first. Looks first at files whose names contain the snapshot's
 * id, and at the others only if none of the first is untouched.
 */
export async function findRecorded(
  directory: DownloadDirectory,
  wanted: Pick<SnapshotIdentity, "snapshotId"> & { groupId?: string },
  checkedFiles: CheckedFiles,
): Promise<RecordedFile[]> {
  const isWanted = ({ record: { identity } }: RecordedFile) =>
    identity.snapshotId === wanted.snapshotId && identity.groupId === (wanted.groupId ?? identity.groupId);
  const found: RecordedFile[] = [];
  const names = await basesOf(directory, beside.record);
  for (const hasId of [true, false]) {
    const some = names.filter((name) => name.includes(wanted.snapshotId) === hasId);
    const files = await concurrently(some, AT_A_TIME, (name) => readListed(directory, name, checkedFiles));
    found.push(...files.flatMap((file) => (file && isWanted(file) ? file : [])));
    if (found.some(({ state }) => state === "untouched")) break;
  }
  return found.sort((one, other) => Date.parse(other.record.savedAt) - Date.parse(one.record.savedAt));
}

/** Every finished file with a record of this server. */
export async function listRecorded(directory: DownloadDirectory, checkedFiles: CheckedFiles): Promise<RecordedFile[]> {
  const names = await basesOf(directory, beside.record);
  const files = await concurrently(names, AT_A_TIME, (name) => readListed(directory, name, checkedFiles));
  return files.flatMap((file) => file ?? []);
}

/** The records without a file, as a crash leaves them that comes between the removal of a file and that of its record. */
export async function listOrphaned(directory: DownloadDirectory): Promise<RecordedFile[]> {
  const names = await basesOf(directory, beside.record);
  const files = await concurrently(names, AT_A_TIME, (name) => readOrphaned(directory, name));
  return files.flatMap((file) => file ?? []);
}

/** Undefined unless there is a record of this user and nothing under the name of its file. */
export async function readOrphaned(directory: DownloadDirectory, fileName: string): Promise<RecordedFile | undefined> {
  if (await lstatOf(directory.at(fileName))) return undefined;
  const record = await readRecord(directory, fileName);
  return record && { fileName, record, state: "gone" };
}

/** Undefined when the file or its record is missing, or another user's. */
export async function readRecorded(
  directory: DownloadDirectory,
  fileName: string,
  checkedFiles: CheckedFiles,
): Promise<RecordedFile | undefined> {
  const path = directory.at(fileName);
  const stat = await lstatOf(path);
  if (!stat || !directory.owns(stat)) return undefined;
  const record = await readRecord(directory, fileName);
  if (!record) return undefined;
  const checked = checkedFiles.find(path, stat);
  if (!checked) return { fileName, record, state: judge(stat, record) };
  const { isUnchanged, sound } = checked;
  return isUnchanged
    ? { fileName, record: { ...record, sound }, state: "untouched" }
    : { fileName, record, state: "changed" };
}

/** As `readRecorded`, for one file of many: a failure names the file. */
async function readListed(directory: DownloadDirectory, fileName: string, checkedFiles: CheckedFiles) {
  try {
    return await readRecorded(directory, fileName, checkedFiles);
  } catch (cause) {
    const { envelope } = diskFailure(cause);
    const detail = `${fileName} or its record ${beside.record(fileName)} could not be read. ${envelope.detail}`;
    throw new Failure({ ...envelope, detail }, { cause });
  }
}

/** FAT keeps times in steps of 2 s, other coarse systems of up to 10 ms; a finer time is hardly ever a multiple of 10 ms. */
const COARSE_STEP_MS = 10;
const COARSEST_STEP_MS = 2_000;

function judge({ size, mtimeMs }: FileEntry, record: SaveRecord): RecordedFile["state"] {
  if (record.bytes !== size || record.damagedMtimeMs === mtimeMs) return "changed";
  const tolerance = mtimeMs % COARSE_STEP_MS === 0 ? COARSEST_STEP_MS : 0;
  return Math.abs(record.mtimeMs - mtimeMs) <= tolerance ? "untouched" : "touched";
}

/** A part in the folder, with its state. */
export interface OpenPart {
  /** Part, state and lock are named after this name. */
  base: string;
  state: TransferState;
}

/** Transfers that can be continued: all, or at least `most` of them; skips unreadable state files. */
export async function listParts(directory: DownloadDirectory, most = Number.POSITIVE_INFINITY): Promise<OpenPart[]> {
  const bases = await basesOf(directory, beside.state);
  const parts: OpenPart[] = [];
  for (let at = 0; at < bases.length && parts.length < most; at += AT_A_TIME) {
    const states = await Promise.all(
      bases.slice(at, at + AT_A_TIME).map(async (base) => ({ base, state: await readState(directory, base) })),
    );
    for (const { base, state } of states) if (state && isArchiveName(state.fileName)) parts.push({ base, state });
  }
  return parts;
}

export function partsOf(parts: readonly OpenPart[], identity: SnapshotIdentity): OpenPart[] {
  return parts.filter(({ state }) => isSameSnapshot(state.identity, identity));
}

/** The part of a snapshot that can be continued; skips parts that a crash left after the file had its name and record. */
export async function findPart(
  directory: DownloadDirectory,
  parts: readonly OpenPart[],
  identity: SnapshotIdentity,
): Promise<OpenPart | undefined> {
  for (const part of partsOf(parts, identity)) if (!(await isPublished(directory, part.state))) return part;
  return undefined;
}

/** The archive names for which the folder holds the file that `companion` names. */
async function basesOf(directory: DownloadDirectory, companion: (name: string) => string): Promise<string[]> {
  const ending = companion("");
  const names = await namesIn(directory.path);
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter(isArchiveName);
}

type FileStat = Pick<FileEntry, "ino" | "size" | "mtimeMs">;

/** Changes when the file changes, as far as that shows without reading it. */
export function stampOf({ ino, size, mtimeMs }: FileStat): string {
  return `${ino}:${size}:${mtimeMs}`;
}

/** What a check of a file against its record found. */
interface CheckResult {
  /** The file is the one that was saved. */
  isUnchanged: boolean;
  /** See `SaveRecord`. */
  sound: boolean;
}

/** The results of this process's checks against records; each is valid until its file changes. */
export interface CheckedFiles {
  note: (path: string, stamp: string, checked: CheckResult) => void;
  /** Undefined when the file was not checked since its last change. */
  find: (path: string, stat: FileStat) => CheckResult | undefined;
}

export function createCheckedFiles(): CheckedFiles {
  const found = new Map<string, CheckResult & { stamp: string }>();
  return {
    note: (path, stamp, checked) => void found.set(path, { stamp, ...checked }),
    find: (path, stat) => {
      const known = found.get(path);
      return known?.stamp === stampOf(stat) ? known : undefined;
    },
  };
}

/** Everything in the folder, together with what this process knows of transfers (`known`, by snapshot); changes nothing. */
export async function listSaved(
  directory: DownloadDirectory,
  known: ReadonlyMap<string, OpenTransfer>,
  { checkedFiles, ...options }: { checkedFiles: CheckedFiles; clock: Clock; limits: Limits },
): Promise<SavedList> {
  const { maxListed } = options.limits;
  const free = await freeBytes(directory.path);
  const newest = await namesByAge(directory);
  const files = await concurrently(newest.slice(0, maxListed), AT_A_TIME, async ({ fileName, stat }) => {
    const file = { fileName, path: directory.at(fileName), bytes: stat.size };
    if (!directory.owns(stat)) return { ...file, state: "foreign" } satisfies SavedFile;
    return describeFile(file, await readListed(directory, fileName, checkedFiles));
  });
  const transfers = await listTransfers(directory, known, files, options);
  return {
    directory: directory.path,
    files: files.slice(0, Math.max(0, maxListed - transfers.length)),
    ...cutTo(maxListed, transfers, newest.length),
    ...(directory.warning !== undefined && { warning: directory.warning }),
    ...(free !== undefined && { freeBytes: free }),
  };
}

/** Every finished file with a record; of those that were written to since, the facts are what the record says. */
export async function listWithRecords(directory: DownloadDirectory, checkedFiles: CheckedFiles): Promise<SavedFile[]> {
  const files = await listRecorded(directory, checkedFiles);
  return files.map((file) => {
    const { fileName, record } = file;
    const described = describeFile({ fileName, path: directory.at(fileName), bytes: record.bytes }, file);
    return { ...described, facts: record.facts };
  });
}

/** The transfers of a list that has room for `most` entries, of which `others` are files. */
export function cutTo(most: number, transfers: OpenTransfer[], others = 0): Pick<SavedList, "transfers" | "truncated"> {
  return { transfers: transfers.slice(0, most), ...(transfers.length + others > most && { truncated: true }) };
}

/** The archives in the folder, the newest first. */
async function namesByAge(directory: DownloadDirectory): Promise<{ fileName: string; stat: FileEntry }[]> {
  const names = (await namesIn(directory.path)).filter(isArchiveName);
  const found = await concurrently(names, AT_A_TIME, async (fileName) => {
    const stat = await lstatOf(directory.at(fileName));
    return stat?.isFile() ? [{ fileName, stat }] : [];
  });
  return found.flat().sort((one, other) => other.stat.mtimeMs - one.stat.mtimeMs);
}

function describeFile(file: Pick<SavedFile, "fileName" | "path" | "bytes">, recorded?: RecordedFile): SavedFile {
  if (!recorded) return { ...file, state: "unrecorded" };
  const { identity, facts, sha256, sound, contents, savedAt } = recorded.record;
  if (recorded.state !== "untouched") return { ...file, state: "changed", identity };
  return { ...file, state: "complete", identity, facts, sha256, sound, contents, savedAt };
}

/** First the transfers of this process, then parts that are paused or written by another process. */
async function listTransfers(
  directory: DownloadDirectory,
  known: ReadonlyMap<string, OpenTransfer>,
  files: readonly SavedFile[],
  options: { clock: Clock; limits: Limits },
): Promise<OpenTransfer[]> {
  const lockOptions = { ...options, folder: directory };
  const saved = new Set(
    files.flatMap(({ state, identity }) => (state === "complete" && identity ? [keyOf(identity)] : [])),
  );
  // A save that has no file name yet may be about to find the finished file.
  const ours = new Map([...known].filter(([key, { fileName }]) => fileName !== undefined || !saved.has(key)));
  const others: OpenTransfer[] = [];
  // One more than can be listed shows that the list is truncated.
  for (const { base, state } of await listParts(directory, options.limits.maxListed + known.size + saved.size + 1)) {
    const { fileName, identity, facts, committedBytes, total } = state;
    const key = keyOf(identity);
    if (saved.has(key)) continue;
    const part = { fileName, identity, facts, ...progressOf(committedBytes, total) };
    const own = known.get(key);
    if (own && own.state !== "paused") {
      if (own.fileName === undefined) ours.set(key, { ...part, identity: own.identity, state: own.state });
      continue;
    }
    ours.delete(key);
    const isElsewhere = await isLocked(beside.lock(base), lockOptions);
    const reason = isElsewhere ? undefined : own?.lastError;
    others.push({ state: isElsewhere ? "elsewhere" : "paused", ...part, ...(reason && { lastError: reason }) });
  }
  return [...ours.values(), ...others];
}

/** Bytes with their share of the whole, rounded down so that 100 means all. */
export function progressOf(bytes: number, total: number | undefined) {
  if (!total) return { bytes };
  return { bytes, totalBytes: total, percent: Math.min(100, Math.floor((bytes * 100) / total)) };
}
