// Checks finished files: reads a file to its end, compares it with its record, keeps checks running between calls.
import { createSlots } from "../core/concurrency.ts";
import { ownFailure } from "../core/errors.ts";
import type { Clock } from "../core/time.ts";
import { type BackgroundTask, startTask } from "./background-task.ts";
import type { Integrity, SnapshotStore, VerifyReport } from "./contract.ts";
import { type DownloadDirectory, findDownloadDirectory } from "./folder/directory.ts";
import { isArchiveName } from "./folder/file-name.ts";
import { type FileEntry, lstatOf } from "./folder/file-system.ts";
import { noteCheck, readRecord, type SaveRecord } from "./folder/records.ts";
import { type CheckedFiles, listParts, stampOf } from "./folder/saved-files.ts";
import type { ArchiveReport, StartCheck } from "./integrity/archive-check.ts";
import { judgeFile } from "./integrity/soundness.ts";
import type { Limits } from "./limits.ts";
import { restoreHere } from "./restore-guide.ts";

/** The next call gets a result that nobody waited for, unless the result is older than this. */
const RESULT_LIFE_MS = 600_000;

interface Entry {
  task: BackgroundTask<VerifyReport>;
  /** Identifies the state of the file that was checked (`stampOf`). */
  stamp: () => string;
  endedAt?: number;
}

interface VerifyingDeps {
  startCheck: StartCheck;
  checkedFiles: CheckedFiles;
  /** Leaves the record as it is. */
  readOnly?: boolean;
}

/** The checks of finished files, at most one running for each file. */
export function createVerifications(
  deps: VerifyingDeps & {
    folder: string;
    clock: Clock;
    limits: Pick<Limits, "progressEveryMs" | "quietMs" | "concurrentChecks">;
  },
): { verify: SnapshotStore["verify"]; stop: () => Promise<void>[] } {
  const { clock, limits } = deps;
  const slots = createSlots(limits.concurrentChecks);
  const entries = new Map<string, Entry>();
  let isStopped = false;

  function start(fileName: string, { run, report, stamp }: Verification): Entry {
    const task = startTask({
      report,
      clock,
      run: async (signal) => {
        const leave = await slots.enter(signal);
        return run(signal).finally(leave);
      },
      position: ({ checkedBytes }) => checkedBytes,
      stopsWhenAbandoned: () => undefined,
      // The failure stays in the entry for the next call.
      onMissedFailure: () => undefined,
      progressEveryMs: limits.progressEveryMs,
      quietMs: limits.quietMs,
    });
    const entry: Entry = { task, stamp };
    entries.set(fileName, entry);
    // The store was closed while this call was looking up the file.
    if (isStopped) task.stop();
    void task.ended.then(() => {
      entry.endedAt = clock.now();
    });
    return entry;
  }

  /** The running check, or its result while that is fresh and the file is unchanged. */
  function current(fileName: string, stamp: string): Entry | undefined {
    const entry = entries.get(fileName);
    if (entry?.task.isStopping) return undefined;
    if (entry?.endedAt === undefined) return entry;
    return clock.now() - entry.endedAt <= RESULT_LIFE_MS && entry.stamp() === stamp ? entry : undefined;
  }

  /** Where a new check would have to wait for its turn, stops one that no call waits for any more. */
  function makeRoom(): void {
    const running = [...entries.values()].filter(({ task, endedAt }) => endedAt === undefined && !task.isStopping);
    if (running.length < limits.concurrentChecks) return;
    running.find(({ task }) => task.isAbandoned)?.task.stop();
  }

  return {
    verify: async (fileName, wait) => {
      wait.signal.throwIfAborted();
      const prepared = await prepareVerification(deps, await findDownloadDirectory(deps.folder), fileName);
      const known = current(fileName, prepared.stamp());
      if (!known) makeRoom();
      const entry = known ?? start(fileName, prepared);
      try {
        return await entry.task.join(wait);
      } finally {
        if (entry.endedAt !== undefined && entries.get(fileName) === entry) entries.delete(fileName);
      }
    },
    stop: () => {
      isStopped = true;
      return [...entries.values()].map(({ task }) => {
        task.stop();
        return task.ended;
      });
    },
  };
}

/** A check of one finished file, ready to run. */
interface Verification {
  run: (signal: AbortSignal) => Promise<VerifyReport>;
  report: () => VerifyReport;
  stamp: Entry["stamp"];
}

/** Rejects with `FILE_NOT_FOUND` unless the name is that of a finished, plain file in the folder. */
export async function prepareVerification(
  { startCheck, checkedFiles, readOnly = false }: VerifyingDeps,
  directory: DownloadDirectory | undefined,
  fileName: string,
): Promise<Verification> {
  if (!directory || !isArchiveName(fileName)) throw ownFailure("FILE_NOT_FOUND");
  const path = directory.at(fileName);
  let stat = await statOf(directory, fileName).catch(async (error: unknown) => {
    throw (await isUnfinished(directory, fileName)) ? unfinished() : error;
  });
  let checkedBytes: () => number = () => 0;
  const report = (): VerifyReport => ({
    state: "verifying",
    fileName,
    path,
    bytes: stat.size,
    checkedBytes: checkedBytes(),
  });

  const run = async (signal: AbortSignal): Promise<VerifyReport> => {
    // Again, since the check may have waited for its turn.
    stat = await statOf(directory, fileName);
    const record = await readRecord(directory, fileName);
    signal.throwIfAborted();
    const check = startCheck(path, { md5: matchedMd5(record) });
    checkedBytes = check.progress;
    const onAbort = () => void check.stop();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      check.advance(stat.size);
      const found = await check.finish();
      const stamp = stampOf(stat);
      if (stampOf(await statOf(directory, fileName)) !== stamp) throw changedMeanwhile();
      const { sha256, contents, bytes } = found;
      const integrity = compare(found, record);
      const sound = isSound(found, integrity, record);
      if (record) {
        const isUnchanged = integrity.recordedSha256 === "ok";
        checkedFiles.note(path, stamp, { isUnchanged, sound });
        if (!readOnly) await noteCheck(directory, fileName, record, { mtimeMs: stat.mtimeMs, isUnchanged, sound });
      }
      const { warning } = directory;
      return {
        ...report(),
        state: "complete",
        checkedBytes: bytes,
        sha256,
        sound,
        integrity,
        contents,
        ...restoreHere({ sound, contents }, { path, isOpen: warning !== undefined }, record?.facts),
        ...(warning !== undefined && { warning }),
      };
    } finally {
      signal.removeEventListener("abort", onAbort);
      await check.stop();
    }
  };

  return { run, report, stamp: () => stampOf(stat) };
}

async function statOf(directory: DownloadDirectory, fileName: string): Promise<FileEntry> {
  const stat = await lstatOf(directory.at(fileName));
  if (!stat?.isFile()) throw ownFailure("FILE_NOT_FOUND");
  if (!directory.owns(stat)) throw ownFailure("FILE_FOREIGN");
  return stat;
}

async function isUnfinished(directory: DownloadDirectory, fileName: string): Promise<boolean> {
  return (await listParts(directory)).some(({ state }) => state.fileName === fileName);
}

function unfinished() {
  return ownFailure("FILE_NOT_FOUND", {
    detail: "Only a part of this file is here: its transfer has not ended.",
    retryable: true,
    hint: "Let the transfer come to its end, which checks the file too, then call again; the list of saved snapshots has the arguments to continue it.",
  });
}

function changedMeanwhile() {
  return ownFailure("DISK_FAILED", {
    detail: "The file was changed while it was being checked, so nothing can be said of it.",
    retryable: true,
    hint: "Call again when nothing else writes to it.",
  });
}

/** Whether the recorded ETag is an MD5 that the file matched when it was saved. */
function matchedMd5(record: SaveRecord | undefined): boolean {
  return record?.integrity.md5 === "ok" && record.etag !== undefined;
}

/** Only the length that the host named when the file was saved proves that data without an end mark is all there. */
function isSound({ ending }: ArchiveReport, integrity: Integrity, record: SaveRecord | undefined): boolean {
  const length = record && integrity.length === "ok" ? record.integrity.length : integrity.length;
  return judgeFile({ ...integrity, length }, ending) === "sound";
}

/** What is in the file now, compared with its record. */
function compare({ gzip, notes, bytes, md5, sha256 }: ArchiveReport, record: SaveRecord | undefined): Integrity {
  if (!record)
    return {
      gzip,
      length: "unknown",
      md5: "not-verifiable",
      recordedSha256: "unrecorded",
      ...(notes.length > 0 && { notes }),
    };
  const isSame = record.sha256 === sha256;
  const all = isSame ? notes : [...notes, "The file is not the one that was saved: its bytes were changed since."];
  return {
    gzip,
    length: record.bytes === bytes ? "ok" : "wrong",
    md5: matchedMd5(record) ? (record.etag === `"${md5}"` ? "ok" : "wrong") : "not-verifiable",
    recordedSha256: isSame ? "ok" : "wrong",
    ...(all.length > 0 && { notes: all }),
  };
}
