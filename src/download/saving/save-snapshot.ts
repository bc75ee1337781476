// One save from the call to the finished file: looks for what exists already, waits for its turn, takes the locks.
import { type Failure, ownFailure } from "../../core/errors.ts";
import type { SaveReport } from "../contract.ts";
import { createDownloadDirectory, type DownloadDirectory } from "../folder/directory.ts";
import { beside, chosenFileName, defaultFileName, snapshotLock } from "../folder/file-name.ts";
import { nameTaken } from "../folder/files.ts";
import { acquireLock, type Lock } from "../folder/lock.ts";
import { refuseTakenNames, removeLeftovers, toPublishAs } from "../folder/publish.ts";
import { newState } from "../folder/records.ts";
import { findPart, findRecorded, listParts, type OpenPart, partsOf, type RecordedFile } from "../folder/saved-files.ts";
import { cleanFacts } from "../snapshot.ts";
import { prepareVerification } from "../verify.ts";
import { finishPart } from "./finish-part.ts";
import { completeReport, type RunningSave, recordedAs } from "./running-save.ts";

/** A save whose folder is open and whose file name is checked. */
interface Target extends RunningSave {
  directory: DownloadDirectory;
  /** The complete name that the user asked for, if any. */
  wanted: string | undefined;
  /** The name of the snapshot's lock. */
  ownLock: string;
}

/** Rejects with a `Failure` when there is nothing that a later call could continue. */
export async function saveSnapshot(save: RunningSave, signal: AbortSignal): Promise<SaveReport> {
  const { identity, fileName, status } = save;
  const directory = await createDownloadDirectory(save.folder);
  const wanted = fileName === undefined ? undefined : chosenFileName(save.filePrefix, fileName);
  if (wanted !== fileName) status.warn(`The name of the file was completed to ${wanted}.`);
  const target: Target = { ...save, directory, wanted, ownLock: snapshotLock(identity) };
  showWanted(target);
  if (directory.warning !== undefined) {
    status.warn(directory.warning);
    save.log({ event: "folder-unprotected", snapshotId: identity.snapshotId, why: directory.warning });
  }
  const saved = await findSaved(target, signal);
  if (saved) {
    const hasParts = partsOf(await listParts(directory), identity).length > 0;
    const lock = hasParts ? await acquireLock(target.ownLock, lockOptions(target)) : undefined;
    if (lock) await removeAllLeftovers(target).finally(lock.release);
    return reportSaved(target, saved);
  }
  const parts = await listParts(directory);
  const first = (await partToContinue(target, parts)) ?? (await newPart(target, signal));
  show(target, first);
  try {
    await refuseTakenNames(directory, parts, first);
  } catch (error) {
    // Another process may have finished this save since the first look.
    const meanwhile = (await findRecorded(directory, identity, target.checkedFiles)).find(isUntouched);
    if (meanwhile) return reportSaved(target, meanwhile);
    throw error;
  }
  status.state = "queued";
  const leave = await save.slots.enter(signal);
  try {
    status.state = "requesting";
    return await withLock(target, target.ownLock, ownFailure("SAVED_ELSEWHERE"), signal, (lock) =>
      saveLocked(target, first, lock, signal),
    );
  } finally {
    leave();
  }
}

/** Looks again with the snapshot's lock held: another process may have continued or finished the save in the meantime. */
async function saveLocked(target: Target, first: OpenPart, ownLock: Lock, signal: AbortSignal): Promise<SaveReport> {
  const { directory, identity, status } = target;
  const saved = (await findRecorded(directory, identity, target.checkedFiles)).find(isUntouched);
  if (saved) {
    await removeAllLeftovers(target);
    return reportSaved(target, saved);
  }
  const open = (await partToContinue(target, await listParts(directory))) ?? first;
  show(target, open);
  const { name } = open.state.identity;
  if (name !== identity.name) status.warn(recordedAs(name));
  // This process holds the snapshot's lock, so only the transfer of another snapshot can hold the lock of the file name.
  return withLock(target, beside.lock(open.base), nameTaken(open.base), signal, async (fileLock) => {
    await refuseTakenNames(directory, await listParts(directory), open);
    const bounded = AbortSignal.any([signal, ownLock.lost, fileLock.lost]);
    return finishPart(target, directory, open, [ownLock, fileLock], bounded);
  });
}

const lockOptions = ({ directory, clock, limits }: Target) => ({ folder: directory, clock, limits });

/** Holds the lock during the work; rejects with `busy` while another transfer holds it. */
async function withLock<T>(
  target: Target,
  name: string,
  busy: Failure,
  signal: AbortSignal,
  work: (lock: Lock) => Promise<T>,
): Promise<T> {
  const { clock } = target;
  const until = clock.now() + PREDECESSOR_MS;
  let lock = await acquireLock(name, lockOptions(target));
  while (!lock && clock.now() < until) {
    await clock.sleep(LOOK_AGAIN_MS, signal);
    lock = await acquireLock(name, lockOptions(target));
  }
  if (!lock) throw busy;
  try {
    return await work(lock);
  } finally {
    await lock.release();
  }
}

/** A process that was killed, as a client does when it restarts the server, is gone within this time. */
const PREDECESSOR_MS = 2_000;
const LOOK_AGAIN_MS = 100;

const isUntouched = ({ state }: RecordedFile) => state === "untouched";

/** The finished file of the snapshot. Reads touched files to find out whether they still match their records. */
async function findSaved(target: Target, signal: AbortSignal): Promise<RecordedFile | undefined> {
  const files = await findRecorded(target.directory, target.identity, target.checkedFiles);
  const saved = files.find(isUntouched);
  const touched = files.filter(({ state }) => state === "touched");
  if (saved || touched.length === 0) return saved;
  return withLock(target, target.ownLock, ownFailure("SAVED_ELSEWHERE"), signal, () =>
    recheck(target, touched, signal),
  );
}

/** Checks touched files one by one and returns the first that still matches its record. */
async function recheck(
  { status, slots, directory, wanted, ...deps }: Target,
  touched: readonly RecordedFile[],
  signal: AbortSignal,
): Promise<RecordedFile | undefined> {
  status.state = "queued";
  const leave = await slots.enter(signal);
  try {
    for (const file of touched) {
      const { fileName, record } = file;
      const { run, report } = await prepareVerification(deps, directory, fileName);
      status.file = { fileName, path: directory.at(fileName) };
      status.follow(() => ({ bytes: report().checkedBytes, total: record.bytes }));
      status.state = "verifying";
      const { integrity, sound = file.record.sound } = await run(signal);
      if (integrity?.recordedSha256 === "ok") return { ...file, record: { ...file.record, sound } };
    }
    showWanted({ status, directory, wanted });
    status.follow(() => ({ bytes: 0 }));
    status.state = "requesting";
    return undefined;
  } finally {
    leave();
  }
}

const SAVED_BEFORE = "The snapshot was saved before, under this name; it is not saved again under another.";

function reportSaved({ directory, identity, wanted, status }: Target, { fileName, record }: RecordedFile): SaveReport {
  status.state = "complete";
  const warnings = [
    ...(directory.warning === undefined ? [] : [directory.warning]),
    ...(wanted === undefined || wanted === fileName ? [] : [SAVED_BEFORE]),
    ...(record.identity.name === identity.name ? [] : [recordedAs(record.identity.name)]),
  ];
  return { ...completeReport(directory, fileName, record, warnings), isOlder: true };
}

/** A crash just before the end may have left part and state although the file was finished. */
async function removeAllLeftovers({ directory, identity }: Target): Promise<void> {
  for (const { base } of partsOf(await listParts(directory), identity)) await removeLeftovers(directory, base);
}

/** The part of an earlier attempt, to be finished under the name that is wanted now. */
async function partToContinue(
  { directory, identity, wanted, known }: Target,
  parts: readonly OpenPart[],
): Promise<OpenPart | undefined> {
  const found = await findPart(directory, parts, identity);
  if (!found) return undefined;
  const { base, state } = found;
  const part = { base, state: { ...state, facts: cleanFacts({ ...known, ...state.facts }) } };
  return wanted === undefined ? part : toPublishAs(directory, part, wanted);
}

async function newPart(
  { source, filePrefix, clock, identity, wanted, known, byName }: Target,
  signal: AbortSignal,
): Promise<OpenPart> {
  const facts = cleanFacts({ ...(await source.describe(identity, signal)), ...known });
  const base = wanted ?? defaultFileName(filePrefix, identity, facts);
  return { base, state: newState(identity, facts, base, { now: clock.now(), byName }) };
}

/** The name is known before Atlas has described the snapshot only if the user chose it. */
function showWanted({ status, directory, wanted }: Pick<Target, "status" | "directory" | "wanted">): void {
  status.file = wanted === undefined ? undefined : { fileName: wanted, path: directory.at(wanted) };
}

function show({ status, directory }: Target, { state }: OpenPart): void {
  status.file = { fileName: state.fileName, path: directory.at(state.fileName) };
  status.facts = state.facts;
  status.follow(() => ({ bytes: state.committedBytes, total: state.total }));
}
