import type { SaveReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/download-directory.ts";
import type { SaveRecord } from "../folder/record.ts";
import { restoreGuide } from "../restore-guide.ts";

/** A finished file as its record tells it, with how to restore it here. */
export function completeReport(directory: DownloadDirectory, fileName: string, record: SaveRecord): SaveReport {
  const { bytes, sha256, integrity, contents, facts } = record;
  const path = directory.at(fileName);
  const { mongoDBVersion } = facts;
  const restore = restoreGuide(contents, {
    path,
    ...(mongoDBVersion !== undefined && { mongoDBVersion }),
    platform: process.platform,
  });
  return {
    ...{ state: "complete", fileName, path, bytes, totalBytes: bytes, sha256, integrity, contents },
    ...(restore && { restore }),
  };
}
