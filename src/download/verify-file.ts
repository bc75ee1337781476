import type { Stats } from "node:fs";
import { ownFailure } from "../core/errors.ts";
import type { Integrity, VerifyReport } from "./contract.ts";
import { type CheckedFiles, stampOf } from "./folder/checked-files.ts";
import type { DownloadDirectory } from "./folder/download-directory.ts";
import { beside, isArchiveName } from "./folder/file-name.ts";
import { lstatOf } from "./folder/part-file.ts";
import { noteCheck, readRecord, type SaveRecord } from "./folder/record.ts";
import { listParts } from "./folder/saved-files.ts";
import type { ArchiveReport, StartCheck } from "./integrity/archive-check.ts";
import { restoreHere } from "./restore-guide.ts";
import { isSound } from "./soundness.ts";

/** A check of a finished file, ready to run. */
export interface Verification {
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
