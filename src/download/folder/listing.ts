import { readdir } from "node:fs/promises";
import type { Clock } from "../../core/time.ts";
import type { OpenTransfer, SavedFile, SavedList } from "../contract.ts";
import { keyOf } from "../identity.ts";
import type { Limits } from "../limits.ts";
import type { CheckedFiles } from "./checked-files.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, isArchiveName } from "./file-name.ts";
import { freeBytes } from "./free-space.ts";
import { isLocked } from "./lock.ts";
import { lstatOf } from "./part-file.ts";
import { fewAtATime, listParts, type OpenPart, readRecorded } from "./saved-files.ts";

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
  const found = await fewAtATime(names, async (fileName): Promise<FoundFile[]> => {
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
  return fewAtATime(found, async ({ fileName, bytes }): Promise<SavedFile> => {
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
