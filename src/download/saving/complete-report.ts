import type { SaveReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/download-directory.ts";
import type { CheckedFile } from "../folder/record.ts";
import { restoreHere } from "../restore-guide.ts";

/** A finished file as its record tells it, with how to restore it here; `warnings` come before those about the file itself. */
export function completeReport(
  directory: DownloadDirectory,
  fileName: string,
  record: CheckedFile,
  warnings: readonly string[] = [],
): SaveReport {
  const all = [...warnings, ...doubtsAbout(record)];
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
    ...(all.length > 0 && { warnings: all }),
  };
}

function doubtsAbout({ integrity, contents }: CheckedFile): string[] {
  const doubts: string[] = [];
  if (integrity.length === "unknown")
    doubts.push(
      "The file host named no length: that nothing is missing at the end shows in the file's own checksums only.",
    );
  if (contents.kind === "unknown")
    doubts.push(
      "The file holds neither a data directory nor a dump, as far as those are known here: it may be no backup.",
    );
  return doubts;
}

/** `name` is a validated cluster name. */
export function recordedAs(name: string): string {
  return `This snapshot is recorded as one of the cluster ${name}, which is not the cluster of this call.`;
}
