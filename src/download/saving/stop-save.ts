// Gives up what the folder holds of a snapshot that this process does not save: removes part and state, never a finished file.
import { ownFailure } from "../../core/errors.ts";
import type { StopOptions, StopReport } from "../contract.ts";
import type { DownloadDirectory } from "../folder/directory.ts";
import { beside, snapshotLock } from "../folder/file-name.ts";
import { removeFile } from "../folder/file-system.ts";
import { isLocked, withLocks } from "../folder/lock.ts";
import { removePart } from "../folder/part.ts";
import { findRecorded, listParts, type OpenPart } from "../folder/saved-files.ts";
import type { RunningSave } from "./running-save.ts";

/**
 * What is there of the snapshot, without its part and state if they are to be discarded. Rejects with `SAVED_ELSEWHERE` when
 * another process saves the snapshot.
 */
export async function stopParts(
  directory: DownloadDirectory,
  snapshotId: string,
  { discard, check }: Pick<StopOptions, "discard" | "check">,
  { clock, limits, checkedFiles }: Pick<RunningSave, "clock" | "limits" | "checkedFiles">,
): Promise<StopReport> {
  const parts = (await listParts(directory)).filter(({ state }) => state.identity.snapshotId === snapshotId);
  const [saved] = await findRecorded(directory, { snapshotId }, checkedFiles);
  const identities = [...parts.map(({ state }) => state.identity), ...(saved ? [saved.record.identity] : [])];
  const [identity] = identities;
  if (!identity) return { state: "not-running", bytes: 0 };
  const options = { folder: directory, clock, limits };
  const locks = [...new Set(identities.map(snapshotLock))];
  for (const each of identities) check(each);
  for (const lock of locks) if (await isLocked(lock, options)) throw ownFailure("SAVED_ELSEWHERE");
  if (discard && parts.length > 0) {
    await withLocks([...locks, ...parts.map(({ base }) => beside.lock(base))], options, () =>
      removeParts(directory, parts),
    );
    return { state: "discarded", bytes: 0, identity, ...(saved && { savedAs: saved.fileName }) };
  }
  const bytes = Math.max(0, ...parts.map(({ state }) => state.committedBytes));
  return { state: "not-running", bytes, identity, ...(saved && { savedAs: saved.fileName }) };
}

async function removeParts(directory: DownloadDirectory, parts: readonly OpenPart[]): Promise<void> {
  for (const { base } of parts) {
    await removePart(directory.at(beside.part(base)));
    await removeFile(directory.at(beside.state(base)));
  }
}
