import { link as hardLink, open, rename, rm } from "node:fs/promises";
import { ownFailure } from "../../core/errors.ts";
import { keyOf } from "../snapshot.ts";
import { type DownloadDirectory, failedWith } from "./directory.ts";
import { beside, changedSince, nameTaken } from "./file-name.ts";
import {
  isReplaceable,
  isSameFile,
  lstatOf,
  type PartFile,
  syncFolderOf,
  temporaryOf,
  unusable,
  writeJson,
} from "./files.ts";
import { removeCopiesOf } from "./part.ts";
import {
  type CheckedFile,
  isPublished,
  readState,
  recordToJson,
  refuseForeignRecord,
  type StateFile,
} from "./records.ts";
import type { OpenPart } from "./saved-files.ts";

interface Publication {
  directory: DownloadDirectory;
  /** The name under which part and state lie. */
  base: string;
  part: PartFile;
  state: StateFile;
  record: CheckedFile;
  link?: (existing: string, path: string) => Promise<void>;
}

/**
 * Gives the checked part its final name and record, then removes what is no longer needed. Never overwrites: rejects with
 * `FILE_EXISTS`. Every step may be the last before a crash; doing all of them again leads to the same end.
 */
export async function publish({ directory, base, part, state, record, link = hardLink }: Publication): Promise<void> {
  await directory.confirm();
  const final = directory.at(state.current.fileName);
  const checked = await part.handle.stat();
  if (checked.size !== record.bytes || !isSameFile(await lstatOf(part.path), checked)) throw unusable();
  await refuseForeignRecord(directory, state.current);
  const published = recordToJson({ ...record, mtimeMs: checked.mtimeMs });
  const writeRecord = () => writeJson(directory.at(beside.record(state.current.fileName)), published);
  const hasLinks = !state.current.renaming && (await linkToFree(part, final, link));
  if (hasLinks) await writeRecord();
  else await renameToFree(part.path, final, state, writeRecord);
  await syncFolderOf(final);
  await removeLeftovers(directory, base);
}

/** What file systems without hard links (exFAT, some SMB shares) and the systems above them answer. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EISDIR", "UNKNOWN"];

/** The link either makes the name or finds it taken; nothing can come in between. False where there are no links. */
async function linkToFree(
  { inode, path }: PartFile,
  final: string,
  link: (existing: string, path: string) => Promise<void>,
): Promise<boolean> {
  try {
    await link(path, final);
  } catch (error) {
    if (failedWith(error, ...NO_LINKS)) return false;
    throw failedWith(error, "EEXIST") ? ownFailure("FILE_EXISTS") : error;
  }
  if (isSameFile(await lstatOf(final), inode)) return true;
  // Another process has put its own part under the name since this one looked: that is not what was checked.
  await rm(final, { force: true });
  throw unusable();
}

/**
 * Renaming replaces what has the name, so the name is first taken with an empty file, which only succeeds when it is free.
 * The intent is written down before: an empty file under that name is then ours. So is the record: a whole file under that
 * name needs no other proof that it is ours.
 */
async function renameToFree(
  part: string,
  final: string,
  state: StateFile,
  writeRecord: () => Promise<void>,
): Promise<void> {
  const existing = await lstatOf(final);
  const ours = state.current.renaming && existing?.isFile() && existing.size === 0;
  if (existing && !ours) throw ownFailure("FILE_EXISTS");
  if (!existing) {
    await state.merge({ renaming: true });
    await reserve(final);
  }
  await writeRecord();
  await syncFolderOf(final);
  await rename(part, final);
}

async function reserve(final: string): Promise<void> {
  try {
    await (await open(final, "wx", 0o600)).close();
  } catch (error) {
    throw failedWith(error, "EEXIST") ? ownFailure("FILE_EXISTS") : error;
  }
}

/**
 * A crash right after linking leaves the part under its final name too, still without a record. It loses that name until it
 * has been checked once more: nothing writes to a file that has its final name.
 */
export async function recover(directory: DownloadDirectory, { base, state }: OpenPart): Promise<void> {
  const final = directory.at(state.fileName);
  if (isSameFile(await lstatOf(directory.at(beside.part(base))), await lstatOf(final))) await rm(final);
}

/** Whether the final name holds what a crash in the middle of publishing left there. */
async function holdsFinalName(directory: DownloadDirectory, { base, state }: OpenPart): Promise<boolean> {
  const final = await lstatOf(directory.at(state.fileName));
  const part = await lstatOf(directory.at(beside.part(base)));
  if (isSameFile(final, part)) return true;
  return final?.isFile() === true && state.renaming === true && final.size === 0;
}

/** The same part, to be published under another name; under its old one when a crash came after that was taken. */
export async function toPublishAs(directory: DownloadDirectory, part: OpenPart, fileName: string): Promise<OpenPart> {
  if (fileName === part.state.fileName || (await holdsFinalName(directory, part))) return part;
  const { renaming, ...state } = part.state;
  return { ...part, state: { ...state, fileName } };
}

/** Part and state go; the final file stays. */
export async function removeLeftovers(directory: DownloadDirectory, base: string): Promise<void> {
  await rm(directory.at(beside.part(base)), { force: true });
  await removeCopiesOf(directory.at(beside.part(base)));
  await rm(directory.at(beside.state(base)), { force: true });
}

/**
 * `parts`: every part in the folder. Rejects with `FILE_EXISTS` when a name that this transfer uses belongs to another transfer, or to a file that this server
 * did not write as far as can be told: files of the user are neither replaced nor removed.
 */
export async function refuseTakenNames(
  directory: DownloadDirectory,
  parts: readonly OpenPart[],
  open: OpenPart,
): Promise<void> {
  const { base, state } = open;
  const names = [base, state.fileName];
  const isOther = (other: { identity: typeof state.identity }) => keyOf(other.identity) !== keyOf(state.identity);
  for (const other of parts) {
    if (isOther(other.state) && (names.includes(other.base) || names.includes(other.state.fileName)))
      throw nameTaken(state.fileName);
  }
  if (await isPublished(directory, state)) throw changedSince(state.fileName);
  if ((await lstatOf(directory.at(state.fileName))) && !(await holdsFinalName(directory, open)))
    throw nameTaken(state.fileName);

  await refuseForeignRecord(directory, state);
  const [part, partState] = [beside.part(base), beside.state(base)];
  const known = await readState(directory.at(partState));
  if (known ? isOther(known) : !(await isReplaceable(directory.at(partState)))) throw nameTaken(partState);
  if (!known && !(await isWorthless(directory, part)) && !(await isSpoiltState(directory, partState)))
    throw nameTaken(part);
  for (const name of [beside.record(state.fileName), partState]) {
    const temporary = temporaryOf(name);
    if (!(await isReplaceable(directory.at(temporary)))) throw nameTaken(temporary);
  }
}

/** Absent or empty: a crash right after creating the part leaves it so. */
async function isWorthless(directory: DownloadDirectory, name: string): Promise<boolean> {
  const stat = await lstatOf(directory.at(name));
  return stat === undefined || (stat.isFile() && stat.size === 0);
}

/** The beginning of a state file beside a part shows that the part is ours, although the rest is lost. */
async function isSpoiltState(directory: DownloadDirectory, name: string): Promise<boolean> {
  return !(await isWorthless(directory, name)) && (await isReplaceable(directory.at(name)));
}
