// Describes the beginning of a saved archive and the outcome of its save, in fixed words and counts.
import type { ErrorEnvelope } from "../../../core/errors.ts";
import type { FirstEntries, FirstEntry, SaveReport } from "../../../download/contract.ts";
import type { Hidden } from "./hidden.ts";
import { codeShown, sizeRange } from "./shown.ts";

export function archiveLines({ gzip, format, entries, stoppedAt }: FirstEntries): string[] {
  const packed = gzip
    ? `gzip, ${gzip.members} ${gzip.members === 1 ? "member" : "members"} within what was read, header fields: ${gzip.fields.join(", ") || "none"}, ${
        gzip.hasTime ? "with" : "without"
      } a time, system ${gzip.system}`
    : "no gzip";
  return [
    `- ${packed}; ${format}; reading stopped at ${stoppedAt}`,
    ...entries.map((entry) => `  - ${entryLine(entry)}`),
  ];
}

function entryLine({ kind, depth, typeflag, header, extensions, escapes }: FirstEntry): string {
  const facts = [`depth ${depth}`, `typeflag ${typeflag}`, header, ...extensions, ...(escapes ? ["leads out"] : [])];
  return `${kind}: ${facts.join(", ")}`;
}

/** MongoDB Atlas documentation, "Restore from a Locally-Downloaded Snapshot": a tar.gz with the files of a data directory. */
export function archiveDifferences({ gzip, format, entries, stoppedAt }: FirstEntries): string[] {
  const say = (isOdd: boolean, text: string) => (isOdd ? [text] : []);
  return [
    ...say(gzip === undefined, "The file does not begin as gzip does."),
    ...say((gzip?.members ?? 1) > 1, "The file has several gzip members."),
    ...say(format !== "tar", `The file does not hold a tar but: ${format}.`),
    ...say(stoppedAt === "damage", "The beginning of the archive is damaged."),
    ...say(
      entries.some(({ escapes }) => escapes),
      "A name in the tar leads out of its folder.",
    ),
    ...say(
      entries.some(({ typeflag }) => !["0", "\\0", "5"].includes(typeflag)),
      "The tar has entries that are neither files nor directories.",
    ),
    ...say(
      entries.some(({ kind }) => kind.startsWith("other file")),
      "The tar has files that this program does not know.",
    ),
  ];
}

const count = (name: string, value: number | undefined) => (value === undefined ? [] : [`${name} ${value}`]);

export function reportLine(report: SaveReport, hidden: Hidden): string {
  const { state, sound, integrity, contents, bytes, interruptions, resumedFromBytes, warnings, lastError } = report;
  const facts = [
    state,
    sizeRange(bytes),
    ...(sound === undefined ? [] : [sound ? "sound" : "not sound"]),
    ...(integrity ? [`gzip ${integrity.gzip}`, `length ${integrity.length}`, `MD5 ${integrity.md5}`] : []),
    ...(contents ? [`contents: ${contentsOf(contents)}`] : []),
    ...count("interruptions", interruptions),
    ...(resumedFromBytes === undefined ? [] : ["continued an earlier part"]),
    ...count("warnings", warnings?.length),
    ...(lastError ? [errorLine(lastError, hidden)] : []),
  ];
  return facts.join("; ");
}

function contentsOf(contents: NonNullable<SaveReport["contents"]>): string {
  const { kind, files, collections, folderDepth, unpackedBytes, filesGzipped, directoryPerDB, directoryForIndexes } =
    contents;
  return [
    kind,
    ...count("files", files),
    ...count("collections", collections),
    ...count("depth", folderDepth),
    ...(filesGzipped ? ["files gzipped"] : []),
    ...(directoryPerDB ? ["directoryPerDB"] : []),
    ...(directoryForIndexes ? ["directoryForIndexes"] : []),
    `unpacked ${sizeRange(unpackedBytes)}`,
  ].join(", ");
}

export function errorLine({ error, errorCode, source, retryable }: ErrorEnvelope, hidden: Hidden): string {
  const code = errorCode === undefined ? "without a code" : codeShown(errorCode, hidden);
  const facts = [code, ...count("status", error), `source ${source}`, retryable ? "worth another try" : "final"];
  return `failure: ${facts.join(", ")}`;
}

export function reportDifferences({ state, sound, integrity, contents }: SaveReport): string[] {
  const say = (isOdd: boolean, text: string) => (isOdd ? [text] : []);
  return [
    ...say(state === "complete" && sound === false, "The saved file is not sound."),
    ...say(integrity?.length === "unknown", "The length of the file was not known."),
    ...say(integrity?.md5 === "wrong", "The ETag has the form of an MD5 but is that of something else."),
    ...say(
      contents !== undefined && contents.kind !== "data-directory",
      `The file holds no data directory but: ${contents?.kind ?? "nothing"}.`,
    ),
  ];
}
