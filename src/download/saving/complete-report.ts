import type { SaveReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/download-directory.ts";
import type { CheckedFile } from "../folder/record.ts";
import { restoreHere } from "../restore-guide.ts";

/** A finished file as its record tells it, with how to restore it here. */
export function completeReport(directory: DownloadDirectory, fileName: string, record: CheckedFile): SaveReport {
  const { bytes, sha256, integrity, contents, facts } = record;
  const path = directory.at(fileName);
  return {
    state: "complete",
    fileName,
    path,
    bytes,
    totalBytes: bytes,
    sha256,
    integrity,
    contents,
    ...restoreHere(contents, path, facts),
  };
}
