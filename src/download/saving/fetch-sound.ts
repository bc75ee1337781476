// Transfers the file and checks it, once more if the check fails.
import { ownFailure } from "../../core/errors.ts";
import type { Integrity } from "../contract.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { CheckedFile, StateFile, TransferState } from "../folder/records.ts";
import type { ArchiveReport } from "../integrity/archive-check.ts";
import { judgeFile } from "../integrity/soundness.ts";
import { type Transfer, transferFile } from "../transfer/transfer.ts";
import { createLinks } from "./links.ts";
import type { RunningSave } from "./running-save.ts";

/**
 * Transfers the file and checks it. Discards a file that fails its check and fetches it once more; rejects with
 * `FILE_DAMAGED`, or with `NOT_A_SNAPSHOT` for a text in its place, when that file fails too.
 */
export async function fetchSound(
  save: RunningSave,
  { copy, state, log }: { copy: LocalCopy; state: StateFile; log: Transfer["log"] },
  signal: AbortSignal,
): Promise<CheckedFile> {
  const { status, clock } = save;
  status.follow(() => ({
    bytes: copy.bytes,
    // A host that names no length: the size is known once every byte has arrived.
    total: state.current.total ?? state.current.receivedBytes,
    resumedFrom: copy.resumedFromBytes,
  }));
  const links = createLinks(save, state, copy.bytes);
  for (;;) {
    await transferFile({ ...save, copy, links, log }, signal);
    status.state = "verifying";
    const report = await copy.verify(signal);
    const integrity = judgeIntegrity(report, state.current);
    const verdict = judgeFile(integrity, report.ending, state.current.storedCoding);
    if (verdict === "sound" || verdict === "incomplete")
      return { ...recordOf(report, integrity, state.current, clock.now()), sound: verdict === "sound" };
    log({ event: "file-damaged", bytes: report.bytes, why: report.notes.join(" ") });
    const isSecond = state.current.discardedSha256 !== undefined;
    if (isSecond && verdict === "damaged") throw damaged(integrity, state.current);
    await copy.startOver({}, { discardedSha256: report.sha256 });
    if (isSecond) throw ownFailure("NOT_A_SNAPSHOT", { detail: report.notes.join(" ") });
    status.warn("The first complete file failed its check, so it was discarded and fetched again.");
  }
}

const NO_MD5 =
  "The file host's ETag looks like an MD5 but is not that of the file, whose gzip checksums are right: hosts that encrypt send such ETags.";

const JOINED =
  "The bytes came in several responses, and the file host's ETag looks like the MD5 of another file: the responses need not belong together.";
const UNPROVEN = "The file host named no length, and what arrived does not end as an archive ends.";

/**
 * S3 with KMS (by default), MinIO and content networks send ETags that look like an MD5 but are not. So a different ETag is
 * no evidence against a file whose own checksums are all right, as long as it came in one response of the announced length,
 * or twice with the same bytes.
 */
function judgeIntegrity(report: ArchiveReport, { total, md5, joined, discardedSha256 }: TransferState): Integrity {
  const length = total === undefined ? "unknown" : total === report.bytes ? "ok" : "wrong";
  const differs = md5 !== undefined && md5 !== report.md5;
  const isOtherwiseRight = report.gzip === "ok" && length !== "wrong";
  const isInOnePiece = length === "ok" && !joined;
  const isExcused = isOtherwiseRight && (isInOnePiece || discardedSha256 === report.sha256);
  const doubts = isExcused ? [NO_MD5] : joined ? [JOINED] : [];
  const notes = [...report.notes, ...(differs && isOtherwiseRight ? doubts : [])];
  return {
    gzip: report.gzip,
    length,
    md5: md5 === undefined || (differs && isExcused) ? "not-verifiable" : differs ? "wrong" : "ok",
    ...(notes.length > 0 && { notes }),
  };
}

function recordOf(report: ArchiveReport, found: Integrity, state: TransferState, now: number) {
  const { identity, facts, etag, storedCoding } = state;
  const { bytes, sha256, contents } = report;
  const notes = [...(found.notes ?? []), ...(storedCoding === undefined ? [] : [labelled(storedCoding)])];
  const integrity = { ...found, ...(notes.length > 0 && { notes }) };
  const savedAt = new Date(now).toISOString();
  return { identity, facts, bytes, sha256, integrity, contents, savedAt, ...(etag !== undefined && { etag }) };
}

function packed(coding = "gzip"): string {
  return `It came with the Content-Encoding ${coding}, so a gateway may have packed something else in place of the file.`;
}

function labelled(coding: string): string {
  return `The file host names the Content-Encoding ${coding}, as the uploader did; the bytes were saved as they are.`;
}

function damaged({ gzip, length, md5, notes = [] }: Integrity, { storedCoding }: TransferState) {
  const wrong = [gzip !== "ok" && "gzip", length === "wrong" && "length", md5 === "wrong" && "MD5"].filter(Boolean);
  const found = wrong.length > 0 ? wrong.join(", ") : "contents";
  const unproven = length === "unknown" ? UNPROVEN : packed(storedCoding);
  const why = [...notes, ...(wrong.length > 0 ? [] : [unproven])].join(" ");
  const detail = `The complete file failed its check (${found}) and was discarded, twice. ${why}`;
  return ownFailure("FILE_DAMAGED", { detail: detail.trim() });
}
