import { type Failure, ownFailure } from "../../core/errors.ts";
import { isSound, type SaveReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/directory.ts";
import { beside, chosenFileName, defaultFileName, nameTaken, snapshotLock } from "../folder/file-name.ts";
import { acquireLock, type Lock } from "../folder/lock.ts";
import { refuseTakenNames, removeLeftovers, toPublishAs } from "../folder/publish.ts";
import { newState } from "../folder/records.ts";
import {
  findPart,
  findRecorded,
  listParts,
  type OpenPart,
  partsOf,
  type RecordedFile,
  type SavedSnapshot,
} from "../folder/saved-files.ts";
import { cleanFacts, keyOf } from "../snapshot.ts";
import { prepareVerification } from "../verify.ts";
import { finishPart } from "./finish-part.ts";
import { completeReport, recordedAs, type SaveStatus } from "./report.ts";
import type { SaveOrder, SavingDeps } from "./saving-deps.ts";

/** One save from the question to the finished file. Rejects with a `Failure` where there is nothing to continue. */
export async function saveSnapshot(
  deps: SavingDeps,
  order: SaveOrder,
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SaveReport> {
  const directory = await deps.openDirectory();
  const key = keyOf(order.identity);
  const ownLock = directory.at(snapshotLock(order.identity));
  const wanted = order.fileName === undefined ? undefined : chosenFileName(deps.filePrefix, order.fileName);
  const { name } = order.identity;
  if (wanted !== order.fileName) status.warn(`The name of the file was completed to ${wanted}.`);
  const saved = await findSaved(deps, order, { directory, ownLock }, status, signal);
  if (saved) {
    const isAlone = partsOf(await listParts(directory), key).length === 0;
    const lock = isAlone ? undefined : await acquireLock(ownLock, deps);
    if (lock) await removeLeftoversOf(directory, key).finally(lock.release);
    return reportSaved(directory, saved, { name, wanted }, status);
  }
  const parts = await listParts(directory);
  const first = (await toContinue(directory, parts, key, wanted)) ?? (await begin(deps, order, wanted, signal));
  show(status, directory, first);
  await refuseTakenNames(directory, parts, first);
  status.state = "queued";
  const leave = await deps.slots.enter(signal);
  try {
    status.state = "requesting";
    return await locked(deps, ownLock, ownFailure("SAVED_ELSEWHERE"), async (own) => {
      // Another process may have gone on or come to the end while this one waited.
      const meanwhile = (await findRecorded(directory, order.identity, deps.checkedFiles)).find(isUntouched);
      if (meanwhile) {
        await removeLeftoversOf(directory, key);
        return reportSaved(directory, meanwhile, { name, wanted }, status);
      }
      const open = (await toContinue(directory, await listParts(directory), key, wanted)) ?? first;
      show(status, directory, open);
      if (open.state.identity.name !== name) status.warn(recordedAs(open.state.identity.name));
      // With the snapshot's own lock held, only another snapshot's transfer can hold the one of the file.
      return locked(deps, directory.at(beside.lock(open.base)), nameTaken(open.base), async (ofFile) => {
        await refuseTakenNames(directory, await listParts(directory), open);
        const bounded = AbortSignal.any([signal, own.lost, ofFile.lost]);
        return finishPart(deps, { directory, open, locks: [own, ofFile], ...order }, status, bounded);
      });
    });
  } finally {
    leave();
  }
}

/** Does the work while it holds the lock; rejects with `busy` while another transfer holds it. */
async function locked<T>(deps: SavingDeps, path: string, busy: Failure, work: (lock: Lock) => Promise<T>): Promise<T> {
  const lock = await acquireLock(path, deps);
  if (!lock) throw busy;
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** The part of an earlier attempt, to be finished under the name that is wanted now. */
async function toContinue(
  directory: DownloadDirectory,
  parts: readonly OpenPart[],
  key: string,
  wanted: string | undefined,
): Promise<OpenPart | undefined> {
  const part = await findPart(directory, parts, key);
  return part && wanted !== undefined ? toPublishAs(directory, part, wanted) : part;
}

async function begin(
  { source, filePrefix, clock }: SavingDeps,
  { identity }: SaveOrder,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<OpenPart> {
  const facts = cleanFacts(await source.describe(identity, signal));
  const base = wanted ?? defaultFileName(filePrefix, identity, facts);
  return { base, state: newState(identity, facts, base, clock.now()) };
}

function show(status: SaveStatus, directory: DownloadDirectory, { state }: OpenPart): void {
  status.file = { fileName: state.fileName, path: directory.at(state.fileName) };
  status.follow(() => ({ bytes: state.committedBytes, total: state.total }));
}

/** A crash right before the end may have left the finished file's part and state behind. */
async function removeLeftoversOf(directory: DownloadDirectory, key: string): Promise<void> {
  for (const { base } of partsOf(await listParts(directory), key)) await removeLeftovers(directory, base);
}

const isUntouched = ({ state }: RecordedFile) => state === "untouched";

/** The finished file of the snapshot; one that was only touched is read first, to see whether it still is what was saved. */
async function findSaved(
  deps: SavingDeps,
  { identity }: SaveOrder,
  { directory, ownLock }: { directory: DownloadDirectory; ownLock: string },
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SavedSnapshot | undefined> {
  const files = await findRecorded(directory, identity, deps.checkedFiles);
  const saved = files.find(isUntouched);
  const touched = files.filter(({ state }) => state === "touched");
  if (saved || touched.length === 0) return saved;
  return locked(deps, ownLock, ownFailure("SAVED_ELSEWHERE"), () =>
    recheck(deps, { directory, touched }, status, signal),
  );
}

const SAVED_BEFORE = "The snapshot was saved before, under this name; it is not saved again under another.";

function reportSaved(
  directory: DownloadDirectory,
  { fileName, record }: SavedSnapshot,
  { name, wanted }: { name: string; wanted: string | undefined },
  status: SaveStatus,
): SaveReport {
  status.state = "complete";
  const warnings = [
    ...(wanted === undefined || wanted === fileName ? [] : [SAVED_BEFORE]),
    ...(record.identity.name === name ? [] : [recordedAs(record.identity.name)]),
  ];
  return completeReport(directory, fileName, record, warnings);
}

/** Reads files that were written to since they were saved, and returns the first that still is what its record tells. */
async function recheck(
  { slots, startCheck, checkedFiles }: SavingDeps,
  { directory, touched }: { directory: DownloadDirectory; touched: readonly RecordedFile[] },
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SavedSnapshot | undefined> {
  status.state = "queued";
  const leave = await slots.enter(signal);
  try {
    for (const { fileName, record } of touched) {
      const { run, report } = await prepareVerification({ directory, fileName, startCheck, checkedFiles });
      status.file = { fileName, path: directory.at(fileName) };
      status.follow(() => ({ bytes: report().checkedBytes, total: record.bytes }));
      status.state = "verifying";
      const { integrity } = await run(signal);
      if (integrity && isSound(integrity)) return { fileName, record };
    }
    status.file = undefined;
    status.follow(() => ({ bytes: 0 }));
    status.state = "requesting";
    return undefined;
  } finally {
    leave();
  }
}
