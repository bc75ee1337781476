// How saved files and running transfers look in the answers of three tools, and the advice about them.
import * as z from "zod";
import { detailOf, type ErrorEnvelope } from "../core/errors.ts";
import { sizeInWords, spanInWords } from "../core/text.ts";
import {
  type Contents,
  type Integrity,
  type RestoreGuide,
  type SaveReport,
  SIMULATED_PREFIX,
} from "../download/contract.ts";
import { count, field, optionalCount, optionalText, text } from "./tool.ts";

/** The fields about a file in the answers of saving and verifying. */
export const fileFields = {
  fileName: text("Name in the download folder."),
  path: text("Absolute path that the file has or will have."),
  bytes: count("Bytes on disk; all of them once complete."),
  size: text("Size of the file for people, as far as it is known."),
  sha256: optionalText("SHA-256 of the whole file, computed here while the file was read to its end."),
  sound: field(
    "Once complete. `true`: verified, by every check. `false`: not to be restored from; if `integrity` shows no fault, the archive inside is incomplete although the bytes are those of the host.",
    z.boolean().optional(),
  ),
  integrity: field(
    "The outcome of the checks.",
    z
      .strictObject({
        gzip: text(
          "`ok`: the checksum (CRC-32) and length within the gzip file are right, up to its last byte. `damaged` otherwise.",
        ),
        length: text(
          "`ok`: as many bytes as the host announced. `wrong`: more or fewer. `unknown`: it announced none.",
        ),
        md5: optionalText(
          "`ok` or `wrong`: the host's ETag is the MD5 of the file, or is not. Absent where the ETag is no MD5, as for objects that were uploaded in parts or encrypted; gzip's checksum and length stand for the file.",
        ),
        recordedSha256: optionalText(
          "Only from `verify_saved_snapshot`. `ok`: the file is the one that was saved, byte for byte. `wrong`: it was changed. `unrecorded`: there is no record to compare it with.",
        ),
        notes: field("What is damaged and where, or what else is remarkable.", z.array(z.string()).optional()),
      })
      .optional(),
  ),
  contents: field(
    "What is inside, as counts; names in the archive never come out.",
    z
      .strictObject({
        kind: text(
          "`data-directory`: the files of a `mongod`. `dump-directory`: what `mongodump` writes into a folder. `mongodump-archive`: what `mongodump --archive` writes. `unknown`: none of these.",
        ),
        files: optionalCount("Files in the tar; absent for an archive that is no tar."),
        collections: optionalCount("Collections, as far as file names tell."),
        unpackedBytes: optionalCount("Bytes after decompression."),
      })
      .optional(),
  ),
  restore: field(
    "How to restore it on this computer ([explained](restore.md)); only for a file that is sound and recognised.",
    z
      .strictObject({
        kind: text("Like `contents.kind`."),
        needs: field("Programs to install, with version.", z.array(z.string())),
        commands: field(
          "Commands for this operating system, in order, with quoted absolute paths.",
          z.array(z.string()),
        ),
      })
      .optional(),
  ),
};

/** Why a transfer has stopped, in fields of the error envelope. */
export const lastError = (meaning: string) =>
  field(
    meaning,
    z
      .strictObject({
        errorCode: z.string().optional(),
        detail: z.string().optional(),
        hint: z.string(),
        retryable: z.boolean(),
      })
      .optional(),
  );

/** The field holds now our words and now Atlas's, so Atlas's are named as such. */
export const viewError = (envelope: ErrorEnvelope) => ({
  errorCode: envelope.errorCode,
  detail: detailOf(envelope),
  hint: envelope.hint,
  retryable: envelope.retryable,
});

export const viewIntegrity = ({ md5, ...integrity }: Integrity) => ({
  ...integrity,
  ...(md5 === "not-verifiable" ? {} : { md5 }),
});

/** One line of progress: state, share, rate, time left. */
export function transferMessage(report: SaveReport): string {
  const { state, bytes, totalBytes, bytesPerSecond, secondsLeft, waitsFor = [], interruptions = 0 } = report;
  if (state === "queued")
    return waitsFor.length > 0
      ? `waiting for the download of ${waitsFor.join(" and ")}`
      : "waiting for another download";
  if (state === "requesting")
    return report.fileName === undefined ? "looking for the backup" : "waiting for Atlas to offer the download";
  const share = totalBytes
    ? ` ${Math.floor((bytes / totalBytes) * 100)}% of ${sizeInWords(totalBytes)}`
    : ` ${sizeInWords(bytes)}`;
  const rate = bytesPerSecond ? `, ${sizeInWords(bytesPerSecond)}/s` : "";
  const left = secondsLeft === undefined ? "" : `, ${spanInWords(secondsLeft)} left`;
  const breaks = interruptions > 0 ? `, resumed ${interruptions === 1 ? "once" : `${interruptions} times`}` : "";
  return `${state}${share}${rate}${left}${breaks}`;
}

/** Advice for a transfer that stopped: what became of the bytes, then the hint alone, which says whether to call again. */
export function pausedAdvice({ bytes, lastError }: Pick<SaveReport, "bytes" | "lastError">): string {
  const kept = bytes > 0 ? "; what was saved is kept, and the next call continues there" : " before anything was saved";
  const hint = lastError?.hint ?? "Call save_flex_snapshot again with the same arguments.";
  return `The transfer has stopped${kept}. ${hint}`;
}

/** Of a file that arrived as its host sent it, although that is no whole archive. */
export const INCOMPLETE =
  "The file is what the file host sent, byte for byte, but the archive inside is incomplete: do not restore from it. Save another snapshot of the cluster.";

/** How to use a restore guide: one of its commands keeps running, and the commands after it are optional. */
export function restoreAdvice(restore: RestoreGuide | undefined, fileName: string | undefined): string {
  if (fileName?.startsWith(SIMULATED_PREFIX))
    return "The file is simulated: it has the form of a backup, but cannot be restored.";
  if (!restore) return "How to restore it is not known, since its contents were not recognised.";
  if (restore.kind === "unknown")
    return "How to restore it is not known, since its contents were not recognised; restore.commands list its files.";
  const place = restore.worksIn
    ? ` They work in ${restore.worksIn}, since other users may change what is in the download folder.`
    : "";
  const order = `To restore it on this computer, install what restore.needs names and run restore.commands in order.${place}`;
  if (!restore.servedTo) return order;
  return `${order} mongod keeps running and then serves the data ${SERVED[restore.servedTo]}; the commands after it copy the data to another deployment, in a second terminal and only if that is wanted.`;
}

const SERVED = {
  "this-user": "through a Unix socket that only this user can open",
  "every-user": "at 127.0.0.1:27099, where every other user of this computer can read it meanwhile, without a password",
} as const;

export const viewRestore = ({ kind, needs, commands }: RestoreGuide) => ({ kind, needs, commands });

/** The counts; everything else about the contents is in the restore commands. */
export const viewContents = ({ kind, files, collections, unpackedBytes }: Contents) => ({
  kind,
  files,
  collections,
  unpackedBytes,
});
