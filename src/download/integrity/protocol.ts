import type { Contents } from "../contract.ts";

/** What is known of an archive that was read to its end. */
export interface ArchiveReport {
  bytes: number;
  sha256: string;
  /** Only where asked for. */
  md5?: string;
  gzip: "ok" | "damaged";
  contents: Contents;
  /** Our own words and numbers only, no name from inside the archive. */
  notes: string[];
}

/** Bounds on decompression. */
export interface UnpackLimits {
  /** Bytes after decompression at which the check stops inflating. */
  maxUnpackedBytes: number;
  /** Unpacked bytes for each packed one at which it stops; judged only beyond `ratioFreeBytes`. */
  maxRatio: number;
  /** Unpacked bytes up to which any ratio is accepted. */
  ratioFreeBytes: number;
}

/** What the worker is started with. */
export interface CheckOrder {
  path: string;
  md5: boolean;
  limits: UnpackLimits;
}

/** To the worker: so many bytes are on disk, and whether that is all of the file; or that it shall end now. */
export type FeedMessage = { type: "written"; bytes: number; last: boolean } | { type: "stop" };

/** From the worker. */
export type WorkerMessage =
  | { type: "checked"; bytes: number }
  | { type: "report"; report: ArchiveReport }
  | { type: "failed"; error: unknown };
