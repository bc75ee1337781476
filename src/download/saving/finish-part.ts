import { Failure, ownFailure } from "../../errors.ts";
import type { SaveReport } from "../contract.ts";
import { diskFailure } from "../folder/disk-failure.ts";
import type { DownloadDirectory } from "../folder/download-directory.ts";
import { beside } from "../folder/file-name.ts";
import { type LocalCopy, openLocalCopy } from "../folder/local-copy.ts";
import { openPart, type PartFile } from "../folder/part-file.ts";
import { publish, recover, removeLeftovers } from "../folder/publish.ts";
import type { OpenPart } from "../folder/saved-files.ts";
import { createStateFile, type TransferState } from "../folder/state-file.ts";
import type { StoreEvent } from "../store-event.ts";
import { completeReport } from "./complete-report.ts";
import { fetchSound } from "./fetch-sound.ts";
import type { SaveStatus } from "./save-status.ts";
import type { SaveOrder, SavingDeps } from "./saving-deps.ts";

interface LockedOrder extends SaveOrder {
  directory: DownloadDirectory;
  open: OpenPart;
}

/** Everything that happens while the lock is held: transfer, check, publication. Pauses where the part can be continued. */
export async function finishPart(
  deps: SavingDeps,
  order: LockedOrder,
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SaveReport> {
  const { directory, open } = order;
  const { fileName, identity, committedBytes } = open.state;
  const ended = new AbortController();
  const bounded = AbortSignal.any([signal, deadline(deps, ended.signal)]);
  const log = (event: Omit<StoreEvent, "snapshotId" | "fileName">) =>
    deps.log({ ...event, snapshotId: identity.snapshotId, fileName });
  const state = createStateFile(directory.at(beside.state(open.base)), open.state, directory.confirm);
  let part: PartFile | undefined;
  let copy: LocalCopy | undefined;
  try {
    await directory.confirm();
    await recover(directory, open);
    part = await openPart(directory.at(beside.part(open.base)), directory.at(fileName));
    await state.write(state.current);
    copy = await openLocalCopy({ part, state, startCheck: deps.startCheck, clock: deps.clock, limits: deps.limits });
    log({ event: "transfer-started", bytes: copy.bytes });
    const record = await fetchSound(deps, { ...order, copy, state, status, log }, bounded);
    await publish({ directory, base: open.base, part, state, record });
    status.state = "complete";
    log({ event: "file-saved", bytes: record.bytes });
    return { ...status.report(), ...completeReport(directory, fileName, record) };
  } catch (error) {
    // A full disk may have taken the bytes but not the state that counts them; those are dropped when it goes on.
    const bytes = Math.min(copy?.bytes ?? committedBytes, state.written.committedBytes);
    status.restAt(bytes);
    if (signal.aborted && !(error instanceof Failure)) return status.paused();
    const failure = diskFailure(error);
    const { code = "" } = failure;
    const worthIt = failure.envelope.retryable && state.current.restoreJobId !== undefined;
    const final = isFinal(code, bytes, worthIt);
    log({ event: final ? "transfer-failed" : "transfer-paused", bytes, code });
    if (!final) return status.paused(failure.envelope);
    if (!NOT_OURS.includes(code) && !mayHaveJob(state.current, code)) await removeLeftovers(directory, open.base);
    throw failure;
  } finally {
    ended.abort();
    await (copy?.close() ?? part?.handle.close());
  }
}

/** Aborts with a failure when the transfer takes longer than any should; `ended` calls that off. */
function deadline({ clock, limits }: SavingDeps, ended: AbortSignal): AbortSignal {
  const overdue = new AbortController();
  const hours = Math.round(limits.transferMs / 3_600_000);
  const detail = `The transfer did not come to an end within ${hours} hours; the part is kept.`;
  clock.sleep(limits.transferMs, ended).then(
    () => overdue.abort(ownFailure("TRANSFER_INTERRUPTED", { detail })),
    () => undefined, // The transfer ended in time.
  );
  return overdue.signal;
}

/** What lies in the folder under our names is then somebody else's to judge. */
const NOT_OURS = ["PART_UNUSABLE", "SAVED_ELSEWHERE", "DOWNLOAD_DIR_UNUSABLE"];
/** No later attempt would find the part of use. */
const USELESS_PART = ["FILE_TOO_LARGE", "FILE_DAMAGED"];
/** With nothing saved yet, only these are worth a pause: the link or the file host may do better next time. */
const WORTH_ANOTHER_TRY = [
  "LINK_EXPIRED",
  "TRANSFER_INTERRUPTED",
  "FILE_HOST_FAILED",
  "REDIRECT_REFUSED",
  "TLS_FAILED",
  "PROXY_FAILED",
  "DISK_FULL",
  "DISK_FAILED",
];

/** `worthIt`: there is a job at Atlas that a later call should go on with. */
function isFinal(code: string, bytes: number, worthIt: boolean): boolean {
  if (NOT_OURS.includes(code) || USELESS_PART.includes(code)) return true;
  return bytes === 0 && !worthIt && !WORTH_ANOTHER_TRY.includes(code);
}

/** Without the trace of a job that was or may have been created, the next call would create another. */
function mayHaveJob({ restoreJobId, requestedAt }: TransferState, code: string): boolean {
  return code === "JOB_WITHOUT_LINK" || (restoreJobId === undefined && requestedAt !== undefined);
}
