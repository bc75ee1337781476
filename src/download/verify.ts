import type { Stats } from "node:fs";
import { createSlots } from "../core/concurrency.ts";
import { ownFailure } from "../core/errors.ts";
import type { Clock } from "../core/time.ts";
import { type BackgroundTask, startTask } from "./background-task.ts";
import { type Integrity, isSound, type SnapshotStore, type VerifyReport } from "./contract.ts";
import type { DownloadDirectory } from "./folder/directory.ts";
import { beside, isArchiveName } from "./folder/file-name.ts";
import { lstatOf } from "./folder/files.ts";
import { noteCheck, readRecord, type SaveRecord } from "./folder/records.ts";
import { type CheckedFiles, listParts, stampOf } from "./folder/saved-files.ts";
import type { ArchiveReport, StartCheck } from "./integrity/archive-check.ts";
import type { Limits } from "./limits.ts";
import { restoreHere } from "./restore-guide.ts";

/** A result that nobody waited for is handed to the next call, unless it is older than this. */
const RESULT_LIFE_MS = 600_000;

interface Entry {
  task: BackgroundTask<VerifyReport>;
  /** Of the file as it was checked. */
  stamp: () => string;
  endedAt?: number;
}

/** The checks of finished files that run in the background, one for each file. */
export function createVerifications(options: {
  openDirectory: () => Promise<DownloadDirectory | undefined>;
  startCheck: StartCheck;
  clock: Clock;
  limits: Pick<Limits, "progressEveryMs" | "concurrentChecks">;
  checkedFiles: CheckedFiles;
}): { verify: SnapshotStore["verify"]; stop: () => Promise<void>[] } {
  const { clock, limits, startCheck, checkedFiles } = options;
  const slots = createSlots(limits.concurrentChecks);
  let isStopped = false;
  const entries = new Map<string, Entry>();

  function start(fileName: string, { run, report, stamp }: Verification): Entry {
    const task = startTask({
      report,
      clock,
      run: async (signal) => {
        const leave = await slots.enter(signal);
        return run(signal).finally(leave);
      },
      position: ({ checkedBytes }) => checkedBytes,
      endsWhenLetGo: () => false,
      // The entry stays for the next call, the failure in it.
      onUnheard: () => undefined,
      progressEveryMs: limits.progressEveryMs,
    });
    const entry: Entry = { task, stamp };
    entries.set(fileName, entry);
    // The file was still being looked up when everything else was stopped.
    if (isStopped) task.stop();
    void task.ended.then(() => {
      entry.endedAt = clock.now();
    });
    return entry;
  }

  /** The check that runs, or its result as long as it is of the file as it is now. */
  function current(fileName: string, stamp: string): Entry | undefined {
    const entry = entries.get(fileName);
    if (entry?.endedAt === undefined) return entry;
    return clock.now() - entry.endedAt <= RESULT_LIFE_MS && entry.stamp() === stamp ? entry : undefined;
  }

  return {
    verify: async (fileName, wait) => {
      wait.signal.throwIfAborted();
      const directory = await options.openDirectory();
      const prepared = await prepareVerification({ directory, fileName, startCheck, checkedFiles });
      const entry = current(fileName, prepared.stamp()) ?? start(fileName, prepared);
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

/** A check of a finished file, ready to run. */
interface Verification {
  run: (signal: AbortSignal) => Promise<VerifyReport>;
  report: () => VerifyReport;
  /** Of the file that is checked, as it was when that began. */
  stamp: () => string;
}

interface VerificationOrder {
  directory: DownloadDirectory | undefined;
  fileName: string;
  startCheck: StartCheck;
  checkedFiles: CheckedFiles;
}

/** Prepares the check of one file in the folder. Rejects with `FILE_NOT_FOUND` for anything but a plain file listed there. */
export async function prepareVerification(order: VerificationOrder): Promise<Verification> {
  const { directory, fileName, startCheck, checkedFiles } = order;
  if (!directory || !isArchiveName(fileName)) throw ownFailure("FILE_NOT_FOUND");
  const path = directory.at(fileName);
  let stat = await statOf(path).catch(async (error: unknown) => {
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
  return {
    report,
    stamp: () => stampOf(stat),
    run: async (signal) => {
      // It may have waited for its turn.
      stat = await statOf(path);
      const record = await readRecord(directory.at(beside.record(fileName)));
      signal.throwIfAborted();
      const check = startCheck(path, { md5: hadMd5(record) });
      checkedBytes = check.progress;
      const onAbort = () => void check.stop();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        check.advance(stat.size);
        const found = await check.finish();
        const stamp = stampOf(stat);
        if (stampOf(await statOf(path)) !== stamp) throw changedMeanwhile();
        const { sha256, contents, bytes } = found;
        const integrity = compare(found, record);
        const sound = isSound(integrity);
        if (record) {
          checkedFiles.note(path, stamp, sound);
          await noteCheck(directory.at(beside.record(fileName)), record, stat.mtimeMs, sound);
        }
        return {
          ...report(),
          state: "complete",
          checkedBytes: bytes,
          sha256,
          integrity,
          contents,
          ...(sound && restoreHere(contents, path, record?.facts)),
        };
      } finally {
        signal.removeEventListener("abort", onAbort);
        await check.stop();
      }
    },
  };
}

async function statOf(path: string): Promise<Stats> {
  const stat = await lstatOf(path);
  if (!stat?.isFile()) throw ownFailure("FILE_NOT_FOUND");
  return stat;
}

async function isUnfinished(directory: DownloadDirectory, fileName: string): Promise<boolean> {
  return (await listParts(directory)).some(({ state }) => state.fileName === fileName);
}

function unfinished() {
  return ownFailure("FILE_NOT_FOUND", {
    detail: "Only a part of this file is here: its transfer has not ended.",
    hint: "Let the transfer come to its end, which checks the file too; the list of saved snapshots has the arguments to continue it.",
  });
}

function changedMeanwhile() {
  return ownFailure("DISK_FAILED", {
    detail: "The file was changed while it was being checked, so nothing can be said of it.",
    hint: "Verify it again when nothing else writes to it.",
  });
}

/** Whether the ETag that was written down is an MD5 that the file matched. */
function hadMd5(record: SaveRecord | undefined): boolean {
  return record?.integrity.md5 === "ok" && record.etag !== undefined;
}

/** What is in the file now against what was written down when it was saved. */
function compare(found: ArchiveReport, record: SaveRecord | undefined): Integrity {
  const isChanged = record !== undefined && record.sha256 !== found.sha256;
  const notes = [
    ...found.notes,
    ...(isChanged ? ["The file is not the one that was saved: its bytes were changed since."] : []),
  ];
  return {
    gzip: found.gzip,
    length: record ? (record.bytes === found.bytes ? "ok" : "wrong") : "unknown",
    md5: hadMd5(record) ? (record?.etag === `"${found.md5}"` ? "ok" : "wrong") : "not-verifiable",
    recordedSha256: record ? (record.sha256 === found.sha256 ? "ok" : "wrong") : "unrecorded",
    ...(notes.length > 0 && { notes }),
  };
}
