import type { Stats } from "node:fs";
import { readdir } from "node:fs/promises";
import { concurrently } from "../../core/concurrency.ts";
import type { Clock } from "../../core/time.ts";
import type { OpenTransfer, SavedFile, SavedList } from "../contract.ts";
import type { Limits } from "../limits.ts";
import { keyOf } from "../snapshot.ts";
import { type DownloadDirectory, freeBytes } from "./directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { lstatOf } from "./files.ts";
import { isLocked } from "./lock.ts";
import { isPublished, readRecord, readState, type SaveRecord, type TransferState } from "./records.ts";

export interface SavedSnapshot {
  fileName: string;
  record: SaveRecord;
}

/** A finished file with its record. */
export interface RecordedFile extends SavedSnapshot {
  /** `touched`: as long as it was, but written to since, which a copy or a backup does too; only reading it tells. */
  state: "untouched" | "touched" | "changed";
}

export interface OpenPart {
  /** The name that part, state and lock are called after. */
  base: string;
  state: TransferState;
}

/**
 * The finished files of a snapshot under whatever names, the newest first. Those whose names tell the snapshot are looked at
 * first, and the others only where none of them is as it was saved.
 */
export async function findRecorded(
  directory: DownloadDirectory,
  { snapshotId, ...identity }: { groupId: string; snapshotId: string },
  checkedFiles: CheckedFiles,
): Promise<RecordedFile[]> {
  const key = keyOf({ ...identity, snapshotId });
  const found: RecordedFile[] = [];
  const names = await basesOf(directory, beside.record);
  for (const isOwn of [true, false]) {
    const some = names.filter((name) => name.includes(snapshotId) === isOwn);
    const files = await concurrently(some, AT_A_TIME, (name) => readRecorded(directory, name, checkedFiles));
    found.push(...files.flatMap((file) => (file && keyOf(file.record.identity) === key ? file : [])));
    if (found.some(({ state }) => state === "untouched")) break;
  }
  return found.sort((one, other) => Date.parse(other.record.savedAt) - Date.parse(one.record.savedAt));
}

/** Undefined for a file without a record; there may be no file either. */
async function readRecorded(
  directory: DownloadDirectory,
  fileName: string,
  checkedFiles: CheckedFiles,
): Promise<RecordedFile | undefined> {
  const stat = await lstatOf(directory.at(fileName));
  if (!stat?.isFile()) return undefined;
  const record = await readRecord(directory.at(beside.record(fileName)));
  if (!record) return undefined;
  const isSound = checkedFiles.isSound(directory.at(fileName), stat);
  return { fileName, record, state: isSound === undefined ? judge(stat, record) : isSound ? "untouched" : "changed" };
}

/** FAT keeps times in steps of two seconds, other file systems of up to 10 ms; finer ones almost never meet such a step. */
const COARSE_STEP_MS = 10;
const COARSEST_STEP_MS = 2_000;

function judge({ size, mtimeMs }: Stats, record: SaveRecord): RecordedFile["state"] {
  if (record.bytes !== size || record.damagedMtimeMs === mtimeMs) return "changed";
  const tolerance = mtimeMs % COARSE_STEP_MS === 0 ? COARSEST_STEP_MS : 0;
  return Math.abs(record.mtimeMs - mtimeMs) <= tolerance ? "untouched" : "touched";
}

/** The part of a snapshot that can be continued: none that a crash left when the file had its name and record already. */
export async function findPart(
  directory: DownloadDirectory,
  parts: readonly OpenPart[],
  key: string,
): Promise<OpenPart | undefined> {
  for (const part of partsOf(parts, key)) if (!(await isPublished(directory, part.state))) return part;
  return undefined;
}

export function partsOf(parts: readonly OpenPart[], key: string): OpenPart[] {
  return parts.filter(({ state }) => keyOf(state.identity) === key);
}

/** Every transfer that can be continued, `most` at most; unreadable state files are passed over. */
export async function listParts(directory: DownloadDirectory, most = Number.POSITIVE_INFINITY): Promise<OpenPart[]> {
  const bases = await basesOf(directory, beside.state);
  const parts: OpenPart[] = [];
  for (let at = 0; at < bases.length && parts.length < most; at += AT_A_TIME) {
    const states = await Promise.all(
      bases
        .slice(at, at + AT_A_TIME)
        .map(async (base) => ({ base, state: await readState(directory.at(beside.state(base))) })),
    );
    for (const { base, state } of states) if (state && isArchiveName(state.fileName)) parts.push({ base, state });
  }
  return parts;
}

/** Enough to keep the disk busy, and far from the limit on open files. */
const AT_A_TIME = 32;

/** The archive names whose companion file, named by `companion`, lies in the folder. */
async function basesOf(directory: DownloadDirectory, companion: (name: string) => string): Promise<string[]> {
  const ending = companion("");
  const names = await readdir(directory.path);
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter(isArchiveName);
}

type FileStat = Pick<Stats, "ino" | "size" | "mtimeMs">;

/** Tells a file from what it was before, as well as that can be told without reading it. */
export function stampOf({ ino, size, mtimeMs }: FileStat): string {
  return `${ino}:${size}:${mtimeMs}`;
}

/** What this process found when it compared files with their records; holds until the file changes. */
export interface CheckedFiles {
  note: (path: string, stamp: string, isSound: boolean) => void;
  /** Undefined for a file that was not compared as it is now. */
  isSound: (path: string, stat: FileStat) => boolean | undefined;
}

export function createCheckedFiles(): CheckedFiles {
  const found = new Map<string, { stamp: string; isSound: boolean }>();
  return {
    note: (path, stamp, isSound) => void found.set(path, { stamp, isSound }),
    isSound: (path, stat) => {
      const known = found.get(path);
      return known?.stamp === stampOf(stat) ? known.isSound : undefined;
    },
  };
}

interface ListingDeps {
  clock: Clock;
  limits: Pick<Limits, "maxListed" | "lockBeatMs" | "lockSilentMs">;
  checkedFiles: CheckedFiles;
}

/** What lies in the folder and what this process works on (`running`, by snapshot); nothing is changed. */
export async function listSaved(
  directory: DownloadDirectory,
  running: ReadonlyMap<string, OpenTransfer>,
  deps: ListingDeps,
): Promise<SavedList> {
  const { maxListed } = deps.limits;
  const free = await freeBytes(directory.path);
  const found = await findFiles(directory);
  const files = await describeFiles(directory, found.slice(0, maxListed), deps);
  const transfers = await listTransfers(directory, running, files, deps);
  const isTruncated = found.length + transfers.length > maxListed;
  return {
    directory: directory.path,
    files: files.slice(0, Math.max(0, maxListed - transfers.length)),
    transfers: transfers.slice(0, maxListed),
    ...(isTruncated && { truncated: true }),
    ...(free !== undefined && { freeBytes: free }),
  };
}

interface FoundFile {
  fileName: string;
  bytes: number;
  changedAt: number;
}

/** The newest first. */
async function findFiles(directory: DownloadDirectory): Promise<FoundFile[]> {
  const names = (await readdir(directory.path)).filter(isArchiveName);
  const found = await concurrently(names, AT_A_TIME, async (fileName): Promise<FoundFile[]> => {
    const stat = await lstatOf(directory.at(fileName));
    return stat?.isFile() ? [{ fileName, bytes: stat.size, changedAt: stat.mtimeMs }] : [];
  });
  return found.flat().sort((one, other) => other.changedAt - one.changedAt);
}

async function describeFiles(
  directory: DownloadDirectory,
  found: readonly FoundFile[],
  { checkedFiles }: ListingDeps,
): Promise<SavedFile[]> {
  return concurrently(found, AT_A_TIME, async ({ fileName, bytes }): Promise<SavedFile> => {
    const recorded = await readRecorded(directory, fileName, checkedFiles);
    const file = { fileName, path: directory.at(fileName), bytes };
    if (!recorded) return { ...file, state: "unrecorded" };
    const { identity, facts, sha256, contents, savedAt } = recorded.record;
    if (recorded.state !== "untouched") return { ...file, state: "changed", identity };
    return { ...file, state: "complete", identity, facts, sha256, contents, savedAt };
  });
}

/** Those of this process first, then parts that are paused or that another process writes. */
async function listTransfers(
  directory: DownloadDirectory,
  running: ReadonlyMap<string, OpenTransfer>,
  files: readonly SavedFile[],
  deps: ListingDeps,
): Promise<OpenTransfer[]> {
  const saved = new Set(
    files.flatMap(({ state, identity }) => (state === "complete" && identity ? [keyOf(identity)] : [])),
  );
  const transfers = [...running.values()];
  // Beyond these, one more tells that there are more.
  for (const part of await listParts(directory, deps.limits.maxListed + running.size + saved.size + 1)) {
    const key = keyOf(part.state.identity);
    if (running.has(key) || saved.has(key)) continue;
    const elsewhere = await isLocked(directory.at(beside.lock(part.base)), deps);
    transfers.push(describePart(part, elsewhere ? "elsewhere" : "paused"));
  }
  return transfers;
}

function describePart({ state }: OpenPart, word: "elsewhere" | "paused"): OpenTransfer {
  const { fileName, identity, committedBytes, total } = state;
  return { state: word, fileName, identity, ...progressOf(committedBytes, total) };
}

/** Bytes with their share of the whole, rounded down so that 100 means all. */
export function progressOf(bytes: number, total: number | undefined) {
  if (!total) return { bytes };
  return { bytes, totalBytes: total, percent: Math.min(100, Math.floor((bytes * 100) / total)) };
}
