import * as z from "zod";
import type { RestoreGuide, SaveReport } from "../download/contract.ts";
import type { ErrorEnvelope } from "../errors.ts";

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
      folderDepth: count,
      filesGzipped: z.boolean().optional(),
    })
    .optional(),
  restore: z.strictObject({ kind: z.string(), needs: z.array(z.string()), commands: z.array(z.string()) }).optional(),
};

/** Why a transfer stands still, in the words of the error envelope. */
const lastError = z
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
export function transferMessage({ state, bytes, totalBytes, bytesPerSecond, secondsLeft }: SaveReport): string {
  const share = totalBytes
    ? ` ${Math.floor((bytes / totalBytes) * 100)}% of ${megabytes(totalBytes)}`
    : ` ${megabytes(bytes)}`;
  const rate = bytesPerSecond ? `, ${megabytes(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `, ${secondsLeft} s left`;
  return `${state}${share}${rate}${left}`;
}

export const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

export function restoreAdvice(restore: RestoreGuide | undefined): string {
  return restore
    ? "To restore it on this computer, install what restore.needs names and run restore.commands in order."
    : "How to restore it is not known, since its contents were not recognised.";
}
