import { keyOf } from "../identity.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, changedSince, nameTaken } from "./file-name.ts";
import { isReplaceable, temporaryOf } from "./json-file.ts";
import { lstatOf } from "./part-file.ts";
import { holdsFinalName } from "./publish.ts";
import { isPublished, refuseForeignRecord } from "./record.ts";
import type { OpenPart } from "./saved-files.ts";
import { readState } from "./state-file.ts";

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
