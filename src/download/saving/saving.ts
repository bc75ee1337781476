import { ownFailure } from "../../errors.ts";
import type { SaveReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/download-directory.ts";
import { beside, chosenFileName, defaultFileName } from "../folder/file-name.ts";
import { acquireLock } from "../folder/lock.ts";
import { isSameFile, lstatOf } from "../folder/part-file.ts";
import { removeLeftovers } from "../folder/publish.ts";
import { findPart, findSaved, listParts, type OpenPart, type SavedSnapshot } from "../folder/saved-files.ts";
import { newState, readState } from "../folder/state-file.ts";
import { cleanFacts, keyOf } from "../identity.ts";
import { completeReport } from "./complete-report.ts";
import type { SaveStatus } from "./save-status.ts";
import type { SaveOrder, SavingDeps } from "./saving-deps.ts";
import { runTransfer } from "./saving-run.ts";

/** One save from the question to the finished file. Rejects with a `Failure` where there is nothing to continue. */
export async function saveSnapshot(
  deps: SavingDeps,
  order: SaveOrder,
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SaveReport> {
  const directory = await deps.openDirectory();
  const key = keyOf(order.identity);
  const saved = await findSaved(directory, key);
  if (saved) return reportSaved(deps, directory, saved, status);
  const open = await toContinue(deps, directory, order, signal);
  const { fileName } = open.state;
  status.file = { fileName, path: directory.at(fileName) };
  status.bytes = () => open.state.committedBytes;
  status.totalBytes = () => open.state.total;
  await refuseTakenName(directory, open);
  status.state = "queued";
  const leave = await deps.slots.enter(signal);
  try {
    status.state = "requesting";
    const lock = await acquireLock(directory.at(beside.lock(open.base)), deps);
    if (!lock) throw ownFailure("SAVED_ELSEWHERE");
    try {
      // Another process may have gone on or come to the end while this one waited.
      const meanwhile = await findSaved(directory, key);
      if (meanwhile) return await reportSaved(deps, directory, meanwhile, status);
      const state = await readState(directory.at(beside.state(open.base)));
      if (state && keyOf(state.identity) !== key) throw nameTaken(open.base);
      const current = state ? { ...open, state: { ...state, fileName } } : open;
      return await runTransfer(
        deps,
        { directory, open: current, ...order },
        status,
        AbortSignal.any([signal, lock.lost]),
      );
    } finally {
      await lock.release();
    }
  } finally {
    leave();
  }
}

/** The part of an earlier attempt, or a new transfer whose name is free of any other. */
async function toContinue(
  deps: SavingDeps,
  directory: DownloadDirectory,
  { identity, fileName }: SaveOrder,
  signal: AbortSignal,
): Promise<OpenPart> {
  const wanted = fileName === undefined ? undefined : chosenFileName(deps.filePrefix, fileName);
  const part = await findPart(directory, keyOf(identity));
  if (part) return { ...part, state: { ...part.state, fileName: wanted ?? part.state.fileName } };
  const facts = cleanFacts(await deps.source.describe(identity, signal));
  const base = wanted ?? defaultFileName(deps.filePrefix, identity, facts);
  return { base, state: newState(identity, facts, base, deps.clock.now()) };
}

/** Before a byte is asked for: no other transfer uses the name, and it is free or holds what a crash left of this one. */
async function refuseTakenName(directory: DownloadDirectory, { base, state }: OpenPart): Promise<void> {
  const names = [base, state.fileName];
  for (const other of await listParts(directory)) {
    const differs = keyOf(other.state.identity) !== keyOf(state.identity);
    if (differs && (names.includes(other.base) || names.includes(other.state.fileName)))
      throw nameTaken(state.fileName);
  }
  const existing = await lstatOf(directory.at(state.fileName));
  if (!existing || state.renaming) return;
  if (!isSameFile(existing, await lstatOf(directory.at(beside.part(base))))) throw nameTaken(state.fileName);
}

function nameTaken(fileName: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${fileName} belongs to another file or transfer; it is not overwritten.`,
  });
}

/** A crash right before the end may have left the finished file's part and state behind. */
async function reportSaved(
  deps: SavingDeps,
  directory: DownloadDirectory,
  { fileName, record }: SavedSnapshot,
  status: SaveStatus,
): Promise<SaveReport> {
  const leftover = await findPart(directory, keyOf(record.identity));
  if (leftover) {
    const lock = await acquireLock(directory.at(beside.lock(leftover.base)), deps);
    if (lock) await removeLeftovers(directory, leftover.base).finally(lock.release);
  }
  status.state = "complete";
  return completeReport(directory, fileName, record);
}
