// Gives a checked part its final name, never over another file; repairs what a crash in between left.
import { Failure, hasCode, ownFailure } from "../../core/errors.ts";
import { isSameSnapshot } from "../snapshot.ts";
import type { DownloadDirectory } from "./directory.ts";
import { beside } from "./file-name.ts";
import {
  entryOfOpen,
  isSameFile,
  linkFile,
  linksShowTheirFile,
  lstatOf,
  removeFile,
  renameFile,
  syncFolderOf,
  withFile,
} from "./file-system.ts";
import { isReplaceable, nameTaken, temporaryOf } from "./files.ts";
import { type PartFile, removePart, unusable } from "./part.ts";
import {
  type CheckedFile,
  isPublished,
  readState,
  refuseForeignRecord,
  type StateFile,
  writeRecord,
} from "./records.ts";
import type { OpenPart } from "./saved-files.ts";

/**
 * Gives the checked part its final name and record, then removes what is no longer needed. Never overwrites: rejects with
 * `FILE_EXISTS`. A crash may come after any step; repeating all of them leads to the same result. Part and state are
 * named after `base`. Once file and record have their names, nothing rejects any more; false then says that the system could
 * not bring the names to disk, where a power cut could still undo them.
 */
export async function publish({
  directory,
  base,
  part,
  state,
  record,
}: {
  directory: DownloadDirectory;
  base: string;
  part: PartFile;
  state: StateFile;
  record: CheckedFile;
}): Promise<boolean> {
  await directory.confirm();
  const { fileName } = state.current;
  const final = directory.at(fileName);
  const checked = await entryOfOpen(part.handle);
  if (checked.size !== record.bytes || !isSameFile(await lstatOf(part.path), checked)) throw unusable();
  await refuseForeignRecord(directory, state.current);
  const saveRecord = () => writeRecord(directory, fileName, { ...record, mtimeMs: checked.mtimeMs });
  const hasLinks = !state.current.renaming && (await linksShowTheirFile(directory.path));
  const isLinked = hasLinks && (await linkToFree(part, final));
  if (isLinked) await saveRecord();
  else await renameToFree(part.path, final, state, saveRecord);
  const isOnDisk = await syncFolderOf(final).then(
    () => true,
    () => false,
  );
  await removeLeftovers(directory, base);
  return isOnDisk;
}

/** Linking either creates the name or fails because it is taken, in one step. False where there are no hard links. */
async function linkToFree({ inode, path }: PartFile, final: string): Promise<boolean> {
  const isLinked = await linkFile(path, final).catch((error: unknown) => {
    throw hasCode(error, "EEXIST") ? ownFailure("FILE_EXISTS") : error;
  });
  if (!isLinked) return false;
  if (isSameFile(await lstatOf(final), inode)) return true;
  // Another process has put its own part under the part's name since this one looked: that file was not checked.
  await removeFile(final);
  throw unusable();
}

/**
 * Renaming replaces whatever has the name, so the name is first reserved with an empty file, which succeeds only when it is
 * free. The intent is written to the state before that, so that a later attempt recognises an empty file of this name as
 * ours. The record is written before the renaming, so that it proves that a whole file of this name is ours.
 */
async function renameToFree(
  part: string,
  final: string,
  state: StateFile,
  saveRecord: () => Promise<void>,
): Promise<void> {
  const existing = await lstatOf(final);
  const isReserved = state.current.renaming && existing?.isFile() && existing.size === 0;
  if (existing && !isReserved) throw ownFailure("FILE_EXISTS");
  if (!existing) {
    await state.merge({ renaming: true });
    await reserve(final);
  }
  await saveRecord();
  await syncFolderOf(final);
  await renameFile(part, final);
}

async function reserve(final: string): Promise<void> {
  try {
    await withFile(final, "wx", async () => undefined);
  } catch (error) {
    throw hasCode(error, "EEXIST") ? ownFailure("FILE_EXISTS") : error;
  }
}

/** Removes part and state; the final file stays. What cannot be removed now goes when the snapshot is asked for again. */
export async function removeLeftovers(directory: DownloadDirectory, base: string): Promise<void> {
  try {
    await removePart(directory.at(beside.part(base)));
    await removeFile(directory.at(beside.state(base)));
  } catch (error) {
    if (error instanceof Failure) throw error;
  }
}

/**
 * After a crash between linking and writing the record, the part has its final name as well. It loses that name until it has
 * been checked once more, because nothing may write to a file under its final name.
 */
export async function recover(directory: DownloadDirectory, { base, state }: OpenPart): Promise<void> {
  const final = directory.at(state.fileName);
  if (isSameFile(await lstatOf(directory.at(beside.part(base))), await lstatOf(final))) await removeFile(final);
}

/** Changes the final name of a part, unless a crash came after the part had taken its old final name. */
export async function toPublishAs(directory: DownloadDirectory, part: OpenPart, fileName: string): Promise<OpenPart> {
  if (fileName === part.state.fileName || (await holdsFinalName(directory, part))) return part;
  const { renaming, ...state } = part.state;
  return { ...part, state: { ...state, fileName } };
}

/** Whether the final name holds what a crash in the middle of publishing left there. */
async function holdsFinalName(directory: DownloadDirectory, { base, state }: OpenPart): Promise<boolean> {
  const final = await lstatOf(directory.at(state.fileName));
  const part = await lstatOf(directory.at(beside.part(base)));
  if (isSameFile(final, part)) return true;
  return final !== undefined && directory.owns(final) && state.renaming === true && final.size === 0;
}

/**
 * Files of the user are neither replaced nor removed: rejects with `FILE_EXISTS` when a name that this transfer uses belongs
 * to another transfer, or to a file that this server probably did not write. `parts` are all parts in the folder.
 */
export async function refuseTakenNames(
  directory: DownloadDirectory,
  parts: readonly OpenPart[],
  open: OpenPart,
): Promise<void> {
  const { base, state } = open;
  const names = [base, state.fileName];
  for (const other of parts) {
    const isOther = !isSameSnapshot(other.state.identity, state.identity);
    if (isOther && (names.includes(other.base) || names.includes(other.state.fileName)))
      throw nameTaken(state.fileName);
  }
  if (await isPublished(directory, state)) throw changedSince(state.fileName);
  if ((await lstatOf(directory.at(state.fileName))) && !(await holdsFinalName(directory, open)))
    throw nameTaken(state.fileName);
  await refuseForeignRecord(directory, state);
  await refuseForeignPart(directory, open);
  for (const name of [beside.record(state.fileName), beside.state(base)]) {
    const temporary = temporaryOf(name);
    if (!(await isReplaceable(directory, temporary))) throw nameTaken(temporary);
  }
}

async function refuseForeignPart(directory: DownloadDirectory, { base, state }: OpenPart): Promise<void> {
  const [partName, stateName] = [beside.part(base), beside.state(base)];
  const known = await readState(directory, base);
  if (known) {
    if (!isSameSnapshot(known.identity, state.identity)) throw nameTaken(stateName);
    return;
  }
  if (!(await isReplaceable(directory, stateName))) throw nameTaken(stateName);
  // A crash right after creating the part leaves it empty. A part with content is ours only beside a state file that begins
  // like ours, even if the rest of that state file is lost.
  if (!(await isAbsentOrEmpty(directory, partName)) && (await isAbsentOrEmpty(directory, stateName)))
    throw nameTaken(partName);
}

async function isAbsentOrEmpty(directory: DownloadDirectory, name: string): Promise<boolean> {
  const stat = await lstatOf(directory.at(name));
  return stat === undefined || (directory.owns(stat) && stat.size === 0);
}

/** `name`: a file that this server saved and that has changed since. */
function changedSince(name: string) {
  return ownFailure("FILE_EXISTS", {
    detail: `${name} in the download folder was changed or damaged since it was saved: it is not what its record tells. It is neither overwritten nor removed.`,
    hint: "Do not restore from it. Save the snapshot under another fileName, or move this file away.",
  });
}
