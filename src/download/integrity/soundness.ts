// Decides whether a checked file is sound. Every answer about a file rests on this one decision.
import type { Contents, Integrity } from "../contract.ts";

/**
 * How the unpacked data ends. `marked`: with what ends its kind, the end marker of a tar or the terminator of a mongodump
 * archive. `border`: a tar without end marker, after a whole entry. `early`: anywhere else. `unknown`: of no known kind.
 * `foreign`: it is a text that hosts and gateways send in place of a file.
 */
export type Ending = "marked" | "border" | "early" | "unknown" | "foreign";

/** What reading the unpacked data found. */
export interface ContentsFound {
  contents: Omit<Contents, "unpackedBytes">;
  ending: Ending;
  notes: string[];
  /** Why the whole archive counts as damaged although its gzip data is right. */
  damage?: string;
}

/**
 * `sound`: a whole archive. `incomplete`: exactly the bytes that the host has, but the archive in them is not whole.
 * `damaged`: these need not be the host's bytes, or not all of them. `foreign`: something else was sent in its place.
 */
export type Verdict = "sound" | "incomplete" | "damaged" | "foreign";

/**
 * `length` tells whether the host named one: only a named length proves that data without an end mark is all there. Under a
 * gzip coding, a gateway may have packed a text of its own and named the length of that, so it proves nothing of data of no
 * known kind.
 */
export function judgeFile(
  { gzip, length, md5, recordedSha256 }: Omit<Integrity, "notes">,
  ending: Ending,
  storedCoding = "",
): Verdict {
  if (gzip !== "ok" || [length, md5, recordedSha256].includes("wrong")) return "damaged";
  if (ending === "foreign") return "foreign";
  if (ending === "marked") return "sound";
  if (length !== "ok") return "damaged";
  if (ending === "unknown" && storedCoding.includes("gzip")) return "damaged";
  return ending === "early" ? "incomplete" : "sound";
}

const EARLY = /^The (?:tar inside (?:ends in the middle|is damaged|has more)|list of collections .* is incomplete)/;
const BORDER = /^The tar inside lacks its end marker/;

/** How contents end by the notes of an earlier version, which recorded no more of it and read no mongodump archive's end. */
export function endingInWords({ kind, files }: Pick<Contents, "kind" | "files">, notes: readonly string[]): Ending {
  if (notes.some((note) => EARLY.test(note))) return "early";
  if (kind === "mongodump-archive" || notes.some((note) => BORDER.test(note))) return "border";
  return kind === "unknown" && files === undefined ? "unknown" : "marked";
}
