import { Failure, ownFailure } from "../../core/errors.ts";
import type { SaveReport, StoreEvent } from "../contract.ts";
import { type DownloadDirectory, diskFailure } from "../folder/directory.ts";
import { beside } from "../folder/file-name.ts";
import { confirmPart, openPart, type PartFile } from "../folder/files.ts";
import { type LocalCopy, openLocalCopy } from "../folder/local-copy.ts";
import type { Lock } from "../folder/lock.ts";
import { mayStillWrite, renewPart } from "../folder/part.ts";
import { publish, recover, removeLeftovers } from "../folder/publish.ts";
import { createStateFile, type StateFile, startedOver, type TransferState } from "../folder/records.ts";
import type { OpenPart } from "../folder/saved-files.ts";
import { fetchSound } from "./fetch-sound.ts";
import { completeReport, type SaveStatus } from "./report.ts";
import type { SaveOrder, SavingDeps } from "./saving-deps.ts";

interface LockedOrder extends SaveOrder {
  directory: DownloadDirectory;
  open: OpenPart;
  /** Held: the one of the snapshot and the one of the file. */
  locks: readonly [Lock, Lock];
}

/** Everything that happens while the locks are held: transfer, check, publication. Pauses where the part can be continued. */
export async function finishPart(
  deps: SavingDeps,
  order: LockedOrder,
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SaveReport> {
  const { open, locks } = order;
  const { fileName, identity, committedBytes } = open.state;
  const ended = new AbortController();
  const bounded = AbortSignal.any([signal, deadline(deps, ended.signal)]);
  const log = (event: Omit<StoreEvent, "snapshotId" | "fileName">) =>
    deps.log({ ...event, snapshotId: identity.snapshotId, fileName });
  let part: PartFile | undefined;
  let copy: LocalCopy | undefined;
  /** A process that slept may find that another has gone on in its place, or has even come to the end. */
  async function confirm(): Promise<void> {
    await order.directory.confirm();
    for (const lock of locks) await lock.confirm();
    if (part) await confirmPart(part);
  }
  const directory = { ...order.directory, confirm };
  const { writer, ...rest } = open.state;
  const state = createStateFile(directory.at(beside.state(open.base)), rest, confirm);
  try {
    await confirm();
    await recover(directory, open);
    part = await openPart(directory.at(beside.part(open.base)));
    if (writer && (await mayStillWrite(writer))) {
      await confirm();
      const bytes = Math.min(part.bytes, committedBytes);
      part = await renewPart(part, { bytes, writer, limits: deps.limits, confirm }, bounded);
    }
    await state.write({ ...rest, writer: locks[0].owner });
    copy = await openLocalCopy({ part, state, startCheck: deps.startCheck, clock: deps.clock, limits: deps.limits });
    log({ event: "transfer-started", bytes: copy.bytes });
    const record = await fetchSound(deps, { ...order, copy, state, status, log }, bounded);
    await publish({ directory, base: open.base, part, state, record });
    status.state = "complete";
    log({ event: "file-saved", bytes: record.bytes });
    const report = status.report();
    return { ...report, ...completeReport(directory, fileName, record, report.warnings) };
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
    if (NOT_OURS.includes(code)) throw failure;
    await confirm();
    if (part && mayHaveJob(state.current, code, deps.clock.now())) await keepTrace(part, state);
    else await removeLeftovers(directory, open.base);
    throw failure;
  } finally {
    ended.abort();
    await (copy?.close() ?? part?.handle.close());
    if (part) await letGo(state);
  }
}

/** The part is closed, so the next one may go on in it. */
async function letGo(state: StateFile): Promise<void> {
  const { writer, ...closed } = state.written;
  // There is no part any more, or it is another process's by now; where the disk is full, the next one copies the part.
  await state.write(closed).catch(() => undefined);
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

/** Without the trace of a job whose link may still live, or that may have been created, the next call would create another. */
function mayHaveJob({ restoreJobId, requestedAt, linkExpiresAt }: TransferState, code: string, now: number): boolean {
  if (restoreJobId === undefined) return requestedAt !== undefined;
  return code === "JOB_WITHOUT_LINK" || linkExpiresAt === undefined || now < linkExpiresAt;
}

/** Forgets every byte, but not the job. */
async function keepTrace({ handle }: PartFile, state: StateFile): Promise<void> {
  const { damagedOnce, ...trace } = startedOver(state.current, {});
  await state.write(trace);
  await handle.truncate(0);
}
