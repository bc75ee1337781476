import type { Stats } from "node:fs";
import { readdir } from "node:fs/promises";
import { keyOf } from "../identity.ts";
import type { CheckedFiles } from "./checked-files.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { lstatOf } from "./part-file.ts";
import { isPublished, readRecord, type SaveRecord } from "./record.ts";
import { readState, type TransferState } from "./state-file.ts";

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
    const files = await fewAtATime(some, (name) => readRecorded(directory, name, checkedFiles));
    found.push(...files.flatMap((file) => (file && keyOf(file.record.identity) === key ? file : [])));
    if (found.some(({ state }) => state === "untouched")) break;
  }
  return found.sort((one, other) => Date.parse(other.record.savedAt) - Date.parse(one.record.savedAt));
}

/** Undefined for a file without a record; there may be no file either. */
export async function readRecorded(
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

export async function fewAtATime<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(at, at + AT_A_TIME).map(work))));
  }
  return results;
}

/** The archive names whose companion file, named by `companion`, lies in the folder. */
async function basesOf(directory: DownloadDirectory, companion: (name: string) => string): Promise<string[]> {
  const ending = companion("");
  const names = await readdir(directory.path);
  return names
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .filter(isArchiveName);
}
