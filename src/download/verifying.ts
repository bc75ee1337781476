import { ownFailure } from "../errors.ts";
import type { ArchiveReport, StartCheck } from "./check/archive-check.ts";
import type { Integrity, VerifyReport } from "./contract.ts";
import type { DownloadDirectory } from "./folder/download-directory.ts";
import { beside, isArchiveName } from "./folder/file-name.ts";
import { lstatOf } from "./folder/part-file.ts";
import { readRecord, type SaveRecord } from "./folder/record.ts";
import { restoreGuide } from "./restore-guide.ts";

/** A check of a finished file, ready to run. */
export interface Verification {
  run: (signal: AbortSignal) => Promise<VerifyReport>;
  report: () => VerifyReport;
}

/** Prepares the check of one file in the folder. Rejects with `FILE_NOT_FOUND` for anything but a plain file listed there. */
export async function prepareVerification(
  directory: DownloadDirectory | undefined,
  fileName: string,
  startCheck: StartCheck,
): Promise<Verification> {
  if (!directory || !isArchiveName(fileName)) throw ownFailure("FILE_NOT_FOUND");
  const path = directory.at(fileName);
  const stat = await lstatOf(path);
  if (!stat?.isFile()) throw ownFailure("FILE_NOT_FOUND");
  const bytes = stat.size;
  let checkedBytes: () => number = () => 0;
  const report = (): VerifyReport => ({ state: "verifying", fileName, path, bytes, checkedBytes: checkedBytes() });
  return {
    report,
    run: async (signal) => {
      const record = await readRecord(directory.at(beside.record(fileName)));
      signal.throwIfAborted();
      const check = startCheck(path, { md5: hadMd5(record) });
      checkedBytes = check.progress;
      const onAbort = () => void check.stop();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        check.advance(bytes);
        const found = await check.finish();
        return { ...report(), ...judge(path, found, record) };
      } finally {
        signal.removeEventListener("abort", onAbort);
        await check.stop();
      }
    },
  };
}

function judge(path: string, found: ArchiveReport, record: SaveRecord | undefined): Partial<VerifyReport> {
  const { sha256, contents, bytes } = found;
  const mongoDBVersion = record?.facts.mongoDBVersion;
  const restore = restoreGuide(contents, {
    path,
    ...(mongoDBVersion !== undefined && { mongoDBVersion }),
    platform: process.platform,
  });
  return {
    ...{ state: "complete", checkedBytes: bytes, sha256, integrity: compare(found, record), contents },
    ...(restore && { restore }),
  };
}

/** Whether the ETag that was written down is an MD5 that the file matched. */
function hadMd5(record: SaveRecord | undefined): boolean {
  return record?.integrity.md5 === "ok" && record.etag !== undefined;
}

/** What is in the file now against what was written down when it was saved. */
function compare(found: ArchiveReport, record: SaveRecord | undefined): Integrity {
  return {
    gzip: found.gzip,
    length: record ? (record.bytes === found.bytes ? "ok" : "wrong") : "unknown",
    md5: hadMd5(record) ? (record?.etag === `"${found.md5}"` ? "ok" : "wrong") : "not-verifiable",
    recordedSha256: record ? (record.sha256 === found.sha256 ? "ok" : "wrong") : "unrecorded",
    ...(found.notes.length > 0 && { notes: found.notes }),
  };
}
