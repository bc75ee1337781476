import { readdir } from "node:fs/promises";
import { keyOf } from "../identity.ts";
import type { CheckedFiles } from "./checked-files.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { lstatOf } from "./part-file.ts";
import { readRecord, type SaveRecord } from "./record.ts";
import { readState, type TransferState } from "./state-file.ts";

export interface SavedSnapshot {
  fileName: string;
  record: SaveRecord;
}

export interface OpenPart {
  /** The name that part, state and lock are called after. */
  base: string;
  state: TransferState;
}

/** The finished file of a snapshot under whatever name, the newest where there are several. */
export async function findSaved(
  directory: DownloadDirectory,
  key: string,
  checkedFiles: CheckedFiles,
): Promise<SavedSnapshot | undefined> {
  let newest: SavedSnapshot | undefined;
  for (const fileName of await basesOf(directory, beside.record)) {
    const record = await readRecordOf(directory, fileName, checkedFiles);
    if (!record || keyOf(record.identity) !== key) continue;
    if (!newest || record.savedAt > newest.record.savedAt) newest = { fileName, record };
  }
  return newest;
}

/** FAT keeps times in steps of two seconds, and Windows may stamp a file only when it is closed. */
const STAMP_STEP_MS = 2_000;

/** The record of a file, unless the file is gone, was changed since it was saved, or was found to be damaged. */
export async function readRecordOf(
  directory: DownloadDirectory,
  fileName: string,
  checkedFiles: CheckedFiles,
): Promise<SaveRecord | undefined> {
  const stat = await lstatOf(directory.at(fileName));
  if (!stat?.isFile()) return undefined;
  const record = await readRecord(directory.at(beside.record(fileName)));
  if (record?.bytes !== stat.size) return undefined;
  const isUntouched = Math.abs((record.mtimeMs ?? stat.mtimeMs) - stat.mtimeMs) <= STAMP_STEP_MS;
  return (checkedFiles.isSound(directory.at(fileName), stat) ?? isUntouched) ? record : undefined;
}

export async function findPart(directory: DownloadDirectory, key: string): Promise<OpenPart | undefined> {
  return (await listParts(directory)).find(({ state }) => keyOf(state.identity) === key);
}

/** Every transfer that can be continued; unreadable state files are passed over. */
export async function listParts(directory: DownloadDirectory): Promise<OpenPart[]> {
  const parts: OpenPart[] = [];
  for (const base of await basesOf(directory, beside.state)) {
    const state = await readState(directory.at(beside.state(base)));
    if (state && isArchiveName(state.fileName)) parts.push({ base, state });
  }
  return parts;
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
