import * as z from "zod";
import type { ErrorEnvelope } from "../core/errors.ts";
import type { Contents, RestoreGuide, SaveReport } from "../download/contract.ts";

const count = z.number().optional();

/** What is known of a file that was read to its end; shared by saving and verifying. */
export const fileFields = {
  fileName: z.string(),
  path: z.string(),
  bytes: z.number(),
  sha256: z.string().optional(),
  integrity: z
    .strictObject({
      gzip: z.string(),
      length: z.string(),
      md5: z.string(),
      recordedSha256: z.string().optional(),
      notes: z.array(z.string()).optional(),
    })
    .optional(),
  contents: z
    .strictObject({
      kind: z.string(),
      files: count,
      collections: count,
      unpackedBytes: count,
    })
    .optional(),
  restore: z.strictObject({ kind: z.string(), needs: z.array(z.string()), commands: z.array(z.string()) }).optional(),
};

/** Why a transfer stands still, in the words of the error envelope. */
export const lastError = z
  .strictObject({
    errorCode: z.string().optional(),
    detail: z.string().optional(),
    hint: z.string(),
    retryable: z.boolean(),
  })
  .optional();

export const transferFields = {
  totalBytes: count,
  bytesPerSecond: count,
  secondsLeft: count,
  resumedFromBytes: count,
  interruptions: count,
  lastError,
  warnings: z.array(z.string()).optional(),
};

export const viewError = ({ errorCode, detail, hint, retryable }: ErrorEnvelope) => ({
  errorCode,
  detail,
  hint,
  retryable,
});

/** One line for people who watch: state, share, rate, time left. */
export function transferMessage(report: SaveReport): string {
  const { state, bytes, totalBytes, bytesPerSecond, secondsLeft, interruptions = 0 } = report;
  if (state === "queued") return "waiting for another transfer to end";
  if (state === "requesting") return "waiting for a link";
  const share = totalBytes
    ? ` ${Math.floor((bytes / totalBytes) * 100)}% of ${megabytes(totalBytes)}`
    : ` ${megabytes(bytes)}`;
  const rate = bytesPerSecond ? `, ${megabytes(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `, ${secondsLeft} s left`;
  const breaks =
    interruptions > 0 ? `, went on after ${interruptions === 1 ? "a break" : `${interruptions} breaks`}` : "";
  return `${state}${share}${rate}${left}${breaks}`;
}

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

const AGAIN = "call save_flex_snapshot again with the same arguments";

/** The hint of the failure in words that fit here: many tell to call again and what was kept, which is to be said once. */
export function pausedAdvice({ bytes, lastError }: Pick<SaveReport, "bytes" | "lastError">): string {
  const kept = bytes > 0 ? "; what was saved is kept, and the next call continues there" : " before anything was saved";
  const hint = (lastError?.hint ?? "")
    .replace(/; (what was saved so far is kept|the transfer continues where it stopped)/, "")
    .replace(/\bcall again\b/i, (words) => (words.startsWith("C") ? `C${AGAIN.slice(1)}` : AGAIN))
    .replace(/^Try once more\b/, `C${AGAIN.slice(1)}`);
  const isSaid = hint.includes(AGAIN.slice(1));
  return [`The transfer has stopped${kept}.`, hint, isSaid ? "" : `${hint ? "Then c" : "C"}${AGAIN.slice(1)}.`]
    .filter(Boolean)
    .join(" ");
}

/** How to use a restore guide; which of its commands keeps running and which are for copying elsewhere only. */
export function restoreAdvice(restore: RestoreGuide | undefined, fileName: string | undefined): string {
  if (fileName?.startsWith("simulated-"))
    return "The file is simulated: it has the form of a backup, but mongod does not start from it.";
  if (!restore) return "How to restore it is not known, since its contents were not recognised.";
  const order = "To restore it on this computer, install what restore.needs names and run restore.commands in order.";
  if (restore.kind !== "data-directory" || restore.commands.length < 3) return order;
  return `${order} mongod keeps running and then serves the data at 127.0.0.1:27099; the commands behind it copy the data to another deployment, in a second terminal and only if that is wanted.`;
}

/** What is worth telling of the contents; the rest is in the restore commands. */
export const viewContents = ({ kind, files, collections, unpackedBytes }: Contents) => ({
  kind,
  files,
  collections,
  unpackedBytes,
});
