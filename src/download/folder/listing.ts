import { readdir } from "node:fs/promises";
import type { Clock } from "../../http/send.ts";
import type { OpenTransfer, SavedFile, SavedList } from "../contract.ts";
import { keyOf } from "../identity.ts";
import type { Limits } from "../limits.ts";
import type { CheckedFiles } from "./checked-files.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { freeBytes } from "./free-space.ts";
import { isLocked } from "./lock.ts";
import { lstatOf } from "./part-file.ts";
import { listParts, type OpenPart, readRecordOf } from "./saved-files.ts";

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
  const found: FoundFile[] = [];
  for (const fileName of await readdir(directory.path)) {
    const stat = isArchiveName(fileName) ? await lstatOf(directory.at(fileName)) : undefined;
    if (stat?.isFile()) found.push({ fileName, bytes: stat.size, changedAt: stat.mtimeMs });
  }
  return found.sort((one, other) => other.changedAt - one.changedAt);
}

async function describeFiles(
  directory: DownloadDirectory,
  found: readonly FoundFile[],
  { checkedFiles }: ListingDeps,
): Promise<SavedFile[]> {
  const files: SavedFile[] = [];
  for (const { fileName, bytes } of found) {
    const record = await readRecordOf(directory, fileName, checkedFiles);
    const file = { fileName, path: directory.at(fileName), bytes };
    if (!record) {
      files.push({ ...file, state: "unrecorded" });
      continue;
    }
    const { identity, facts, sha256, contents, savedAt } = record;
    files.push({ ...file, state: "complete", identity, facts, sha256, contents, savedAt });
  }
  return files;
}

/** Those of this process first, then parts that are paused or that another process writes. */
async function listTransfers(
  directory: DownloadDirectory,
  running: ReadonlyMap<string, OpenTransfer>,
  files: readonly SavedFile[],
  deps: ListingDeps,
): Promise<OpenTransfer[]> {
  const saved = new Set(files.flatMap(({ identity }) => (identity ? [keyOf(identity)] : [])));
  const transfers = [...running.values()];
  for (const part of await listParts(directory)) {
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
