// Transfers, checks and publishes a part while the locks are held; decides between pause and failure.
import { Failure, ownFailure } from "../../core/errors.ts";
import type { SaveReport } from "../contract.ts";
import { type DownloadDirectory, diskFailure } from "../folder/directory.ts";
import { beside } from "../folder/file-name.ts";
import { cutFile } from "../folder/file-system.ts";
import { type LocalCopy, openLocalCopy } from "../folder/local-copy.ts";
import { type Lock, mayStillWrite } from "../folder/lock.ts";
import { confirmPart, openPart, type PartFile, renewPart } from "../folder/part.ts";
import { publish, recover, removeLeftovers } from "../folder/publish.ts";
import { createStateFile, type StateFile, startedOver, type TransferState } from "../folder/records.ts";
import { type OpenPart, progressOf } from "../folder/saved-files.ts";
import type { Transfer } from "../transfer/transfer.ts";
import { fetchSound } from "./fetch-sound.ts";
import { completeReport, type RunningSave } from "./running-save.ts";

/**
 * Finishes the part, with the lock of the snapshot and the lock of the file name held. Returns a paused report if a later
 * call can continue the part; otherwise rejects with a `Failure`.
 */
export async function finishPart(
  save: RunningSave,
  folder: DownloadDirectory,
  open: OpenPart,
  locks: readonly [Lock, Lock],
  signal: AbortSignal,
): Promise<SaveReport> {
  const { status, clock, limits } = save;
  const { fileName, identity, committedBytes } = open.state;
  const ended = new AbortController();
  const bounded = AbortSignal.any([signal, deadline(save, ended.signal)]);
  const log: Transfer["log"] = (event) => save.log({ ...event, snapshotId: identity.snapshotId, fileName });
  let part: PartFile | undefined;
  let copy: LocalCopy | undefined;
  /** Rejects if folder, locks or part are no longer ours: while this process slept, another may have taken over. */
  async function confirm(): Promise<void> {
    await folder.confirm();
    for (const lock of locks) await lock.confirm();
    if (part) await confirmPart(part);
  }
  const directory = { ...folder, confirm };
  const { writer, ...rest } = open.state;
  const state = createStateFile(directory, open.base, rest);
  try {
    await confirm();
    await recover(directory, open);
    part = await openPart(directory, beside.part(open.base));
    if (writer && (await mayStillWrite(writer))) {
      await confirm();
      const bytes = Math.min(part.bytes, committedBytes);
      part = await renewPart(part, { folder, bytes, writer, limits, confirm }, bounded);
    }
    await state.write({ ...rest, writer: locks[0].owner });
    const onUnsynced = () => log({ event: "folder-unsynced", why: UNSYNCED });
    copy = await openLocalCopy(part, state, { ...save, onUnsynced });
    log({ event: "transfer-started", bytes: copy.bytes });
    void logProgress(save, log, ended.signal);
    const [startedAt, startBytes] = [clock.ticks(), copy.bytes];
    const record = await fetchSound(save, { copy, state, log }, bounded);
    if (!(await publish({ directory, base: open.base, part, state, record }))) status.warn(NOT_ON_DISK);
    status.state = "complete";
    const seconds = Math.max(0.1, Math.round((clock.ticks() - startedAt) / 100) / 10);
    log({
      event: "file-saved",
      bytes: record.bytes,
      seconds,
      bytesPerSecond: Math.round(Math.max(0, record.bytes - startBytes) / seconds),
      ...(!record.sound && { why: "The archive inside is incomplete." }),
    });
    const report = status.report();
    return { ...report, ...completeReport(directory, fileName, record, report.warnings) };
  } catch (error) {
    // On a full disk, bytes may be written but not counted in the state; the next attempt drops them.
    const bytes = Math.min(copy?.bytes ?? committedBytes, state.written.committedBytes);
    status.restAt(bytes);
    if (signal.aborted && !(error instanceof Failure)) return status.paused();
    const failure = diskFailure(error);
    const { code = "" } = failure;
    const hasJob = failure.envelope.retryable && state.current.restoreJobId !== undefined;
    const final = isFinal(code, bytes, hasJob);
    log({ event: final ? "transfer-failed" : "transfer-paused", bytes, code });
    if (!final) return status.paused(failure.envelope);
    if (NOT_OURS.includes(code)) throw failure;
    await confirm();
    if (part && mayHaveJob(state.current, code, clock.now())) await forgetBytes(part, state);
    else await removeLeftovers(directory, open.base);
    throw failure;
  } finally {
    ended.abort();
    // What counts is on the disk by now, so an error of closing changes nothing.
    await (copy?.close() ?? part?.handle.close())?.catch(() => undefined);
    if (part) await noteClosed(state);
  }
}

/** Writes a line to the log every `quietMs` while bytes arrive, until the signal aborts. */
async function logProgress({ status, clock, limits }: RunningSave, log: Transfer["log"], ended: AbortSignal) {
  for (;;) {
    try {
      await clock.sleep(limits.quietMs, ended);
    } catch {
      return; // The transfer has ended.
    }
    const { state, bytes, totalBytes, bytesPerSecond, secondsLeft } = status.report();
    if (state !== "downloading") continue;
    log({
      event: "transferring",
      ...progressOf(bytes, totalBytes),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    });
  }
}

const NOT_ON_DISK =
  "The file is complete and has its name, but the system could not confirm that the name is on the disk: keep the computer running for a minute, then verify the file.";

const UNSYNCED =
  "The system cannot bring files or their names to the disk of the download folder on demand (fsync): after a power cut, verify what was saved last.";

/** The part is closed, so the next attempt may continue it in place. */
async function noteClosed(state: StateFile): Promise<void> {
  const { writer, ...closed } = state.written;
  // Fails if another process has taken over or the disk is full. Then the next attempt may have to copy the part.
  await state.write(closed).catch(() => undefined);
}

/** Aborts with a failure after `limits.transferMs`; `ended` cancels the timer. */
function deadline({ clock, limits }: RunningSave, ended: AbortSignal): AbortSignal {
  const overdue = new AbortController();
  const hours = Math.round(limits.transferMs / 3_600_000);
  const detail = `The transfer did not come to an end within ${hours} hours; the part is kept.`;
  clock.sleep(limits.transferMs, ended).then(
    () => overdue.abort(ownFailure("TRANSFER_INTERRUPTED", { detail })),
    () => undefined, // The transfer ended in time.
  );
  return overdue.signal;
}

/** The files under our names may belong to somebody else, so none is removed. */
const NOT_OURS = ["PART_UNUSABLE", "SAVED_ELSEWHERE", "DOWNLOAD_DIR_UNUSABLE"];
/** The part is useless for every later attempt. */
const USELESS_PART = ["FILE_TOO_LARGE", "FILE_DAMAGED"];
/** Worth a pause even before the first byte is saved: the next attempt may succeed. */
const WORTH_ANOTHER_TRY = [
  "LINK_EXPIRED",
  "LINK_REFUSED",
  "TRANSFER_INTERRUPTED",
  "FILE_HOST_FAILED",
  "REDIRECT_REFUSED",
  "TLS_FAILED",
  "PROXY_FAILED",
  "DISK_FULL",
  "DISK_FAILED",
  "TRANSFER_STOPPED",
  "CALL_CANCELLED",
];

/** Whether the transfer fails for good; otherwise it pauses. `hasJob`: Atlas has a job that a later call should use. */
function isFinal(code: string, bytes: number, hasJob: boolean): boolean {
  if (NOT_OURS.includes(code) || USELESS_PART.includes(code)) return true;
  return bytes === 0 && !hasJob && !WORTH_ANOTHER_TRY.includes(code);
}

/** Whether a job may exist whose link still works. Without a trace of it, the next call would request another job. */
function mayHaveJob({ restoreJobId, requestedAt, linkExpiresAt }: TransferState, code: string, now: number): boolean {
  if (restoreJobId === undefined) return requestedAt !== undefined;
  return code === "JOB_WITHOUT_LINK" || linkExpiresAt === undefined || now < linkExpiresAt;
}

/** Drops every byte but keeps the trace of the job. */
async function forgetBytes({ handle }: PartFile, state: StateFile): Promise<void> {
  const { discardedSha256, ...trace } = startedOver(state.current, {});
  await state.write(trace);
  await cutFile(handle, 0);
}
