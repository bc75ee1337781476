// Deletes the older files of a cluster and keeps the newest: the only code that deletes a finished file.
import { Failure, ownFailure } from "../core/errors.ts";
import { firstFew } from "../core/text.ts";
import type { KeepOrder, KeepReport } from "./contract.ts";
import { type DownloadDirectory, diskFailure, findDownloadDirectory } from "./folder/directory.ts";
import { beside, defaultFileName, snapshotLock } from "./folder/file-name.ts";
import { isInUse, lstatOf, removeFile } from "./folder/file-system.ts";
import { withLocks } from "./folder/lock.ts";
import { listOrphaned, listRecorded, type RecordedFile, readOrphaned, readRecorded } from "./folder/saved-files.ts";
import type { RunningSave } from "./saving/running-save.ts";
import { prepareVerification } from "./verify.ts";

/** What it works with. */
type KeepTools = Pick<
  RunningSave,
  "folder" | "filePrefix" | "startCheck" | "checkedFiles" | "clock" | "limits" | "log"
> & {
  onRead: (fileName: string, percent: number) => void;
};

/** Never rejects: what is deleted already must be told, whatever happens afterwards. */
export async function keepNewest(order: KeepOrder, tools: KeepTools, signal: AbortSignal): Promise<KeepReport> {
  const report: KeepReport = { removed: [], inUse: [], changed: [] };
  const problem = await deleteOlder(report, order, tools, signal).catch((error: unknown) =>
    signal.aborted ? STOPPED : reasonOf(error),
  );
  if (problem === undefined) return report;
  return { ...report, problem: `${report.removed.length > 0 ? "No more" : "Nothing"} was deleted. ${problem}` };
}

/**
 * Chooses, reads what stays, then deletes, the oldest first: each file under the lock of its snapshot, and before its record, so
 * that a crash in between leaves a record without a file, which counts for nothing and goes the next time. Resolves to the reason
 * if it ended early.
 */
async function deleteOlder(
  report: KeepReport,
  order: KeepOrder,
  tools: KeepTools,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { saved } = order;
  const directory = await findDownloadDirectory(tools.folder);
  if (!directory) return isMissing(saved.fileName);
  const files = await listRecorded(directory, tools.checkedFiles);
  const savedFile = files.find(({ fileName }) => fileName === saved.fileName);
  if (!savedFile) return isMissing(saved.fileName);
  if (savedFile.record.contents.kind === "unknown") return isUnrecognised(saved.fileName);
  const choice = chooseOlder([...files, ...(await listOrphaned(directory))], order, termsOf(tools));
  const { stay, go, changed } = choice;
  report.changed.push(...choice.left);
  if (changed.length > 0) return notAsSaved(changed);
  if (go.length === 0) return undefined;
  const doubt = order.evenUnprotected ? undefined : await directory.doubt();
  if (doubt !== undefined) return `${doubt} To delete all the same, add --keep-unprotected.`;
  // The saved file is not among them if it does not count.
  const names = new Set([...stay.map(({ fileName }) => fileName), saved.fileName]);
  // The save has just read its own file.
  const isRead = !saved.isOlder && savedFile.state === "untouched";
  const unread = [...names].filter((fileName) => !isRead || fileName !== saved.fileName);
  const damaged = await readAgain(directory, unread, tools, signal);
  if (damaged.length > 0) return notAsSaved(damaged);
  // Reading takes long enough for somebody to remove or change what was read first.
  for (const fileName of names)
    if ((await readRecorded(directory, fileName, tools.checkedFiles))?.state !== "untouched")
      return isMissing(fileName);
  for (const file of go) {
    signal.throwIfAborted();
    const { fileName, record, state } = file;
    const shown = state === "gone" ? beside.record(fileName) : fileName;
    const lock = { ...tools, folder: directory };
    try {
      await withLocks([snapshotLock(record.identity)], lock, async (confirm) => {
        const fate = await fateOf(directory, file, order, tools, signal);
        if (fate === "inUse" || fate === "changed") report[fate].push(shown);
        if (fate !== "goes") return;
        // Last, since looking may have taken long, too.
        await confirm();
        await directory.confirm();
        await remove(directory, file, report, tools);
      });
    } catch (error) {
      if (report.removed.includes(fileName))
        return `The file ${fileName} is gone, but its record ${beside.record(fileName)} is not. ${reasonOf(error)}`;
      signal.throwIfAborted();
      const isHeld = error instanceof Failure && error.code === "SAVED_ELSEWHERE";
      if (!isHeld && !isInUse(error)) return `${shown} could not be deleted. ${reasonOf(error)}`;
      report.inUse.push(shown);
    }
  }
  return undefined;
}

const STOPPED = "The command was stopped.";

const isMissing = (fileName: string) => `${fileName} was to stay, but it was removed or changed meanwhile.`;

const isUnrecognised = (fileName: string) =>
  `What is in ${fileName} was not recognised as a backup, so it may hold no data. Older files stay until a save brings one that is.`;

const notAsSaved = (fileNames: readonly string[]) =>
  `Of the files that stay, these are changed, damaged or incomplete: ${firstFew(fileNames)}. Move them out of the download folder, and save their backups again if Atlas still has them. The next --keep then deletes.`;

const reasonOf = (error: unknown) => diskFailure(error).envelope.detail ?? "";

/** What the choice depends on besides files and order. */
interface Terms {
  filePrefix: string;
  /** Milliseconds since the epoch. */
  now: number;
}

const termsOf = ({ filePrefix, clock }: KeepTools): Terms => ({ filePrefix, now: clock.now() });

/** Clocks differ, but a backup that finished later than this would stay the newest for good. */
const MOST_AHEAD_MS = 3_600_000;

/**
 * Which files of the cluster stay and which go, the oldest first. Files count if by their records they are sound, of a kind that
 * is recognised, and of this cluster, by the ids of its project and of itself and by its name; if their backups have a finish
 * time to order them by, which is not in the future; and if they have the names that saves give. A name that a person chose is
 * also that of a copy. A file of another size than its record tells is neither counted nor deleted: where it would have stayed,
 * it is named in `changed`, otherwise in `left`. A record without its file is not counted, and goes where its file would.
 */
export function chooseOlder(
  files: readonly RecordedFile[],
  { groupId, name, clusterId, count, saved }: KeepOrder,
  { filePrefix, now }: Terms,
): { stay: RecordedFile[]; go: RecordedFile[]; changed: string[]; left: string[] } {
  const ours = files
    .filter(({ fileName, record: { identity, facts, sound, contents } }) => {
      const isOfCluster = identity.groupId === groupId && facts.clusterId === clusterId && identity.name === name;
      const isTimed = finishOf(facts) > 0 && finishOf(facts) <= now + MOST_AHEAD_MS;
      const isNamedBySave = fileName === defaultFileName(filePrefix, identity, facts);
      return isOfCluster && sound && contents.kind !== "unknown" && isTimed && isNamedBySave;
    })
    // Ids of Atlas grow with time, so they order backups that finished in the same second.
    .sort(
      (one, other) => finishOf(other.record.facts) - finishOf(one.record.facts) || idOf(other).localeCompare(idOf(one)),
    );
  let newest = 0;
  const stay: RecordedFile[] = [];
  const go: RecordedFile[] = [];
  const changed: string[] = [];
  const left: string[] = [];
  for (const file of ours) {
    const isAmongNewest = newest < count;
    const stays = isAmongNewest || file.fileName === saved.fileName;
    if (file.state === "changed") {
      (stays ? changed : left).push(file.fileName);
    } else if (!stays) {
      go.unshift(file);
    } else if (file.state !== "gone") {
      if (isAmongNewest) newest += 1;
      stay.push(file);
    }
  }
  return { stay, go, changed, left };
}

const finishOf = ({ finishTime }: { finishTime?: string }) => Date.parse(finishTime ?? "") || 0;

const idOf = ({ record }: RecordedFile) => record.identity.snapshotId;

/** The names of the files that are not what was saved. */
async function readAgain(
  directory: DownloadDirectory,
  fileNames: readonly string[],
  tools: KeepTools,
  signal: AbortSignal,
): Promise<string[]> {
  const { clock, limits, onRead } = tools;
  const wrong: string[] = [];
  for (const fileName of fileNames) {
    const { run, report } = await prepareVerification(tools, directory, fileName);
    const ended = new AbortController();
    const tell = async () => {
      for (;;) {
        const { bytes, checkedBytes } = report();
        onRead(fileName, bytes > 0 ? Math.floor((checkedBytes * 100) / bytes) : 0);
        await clock.sleep(limits.progressEveryMs, ended.signal);
      }
    };
    const told = tell().catch(() => undefined); // The sleep rejects when the check has ended.
    try {
      const { integrity, sound } = await run(signal);
      if (integrity?.recordedSha256 !== "ok" || !sound) wrong.push(fileName);
    } catch (cause) {
      const detail = `${fileName} could not be read. ${reasonOf(cause)}`;
      throw ownFailure("DISK_FAILED", { detail }, { cause });
    } finally {
      ended.abort();
      await told;
    }
  }
  return wrong;
}

/** Looks again with the lock held: whether the file still is the one that was chosen, and what was saved. */
async function fateOf(
  directory: DownloadDirectory,
  { fileName, record, state }: RecordedFile,
  order: KeepOrder,
  tools: KeepTools,
  signal: AbortSignal,
): Promise<"goes" | "changed" | "inUse" | "gone"> {
  const now =
    (await readRecorded(directory, fileName, tools.checkedFiles)) ?? (await readOrphaned(directory, fileName));
  const isSame =
    now?.record.sha256 === record.sha256 &&
    now.record.savedAt === record.savedAt &&
    (now.state === "gone") === (state === "gone");
  // A second run with --keep deletes the same files.
  if (!isSame) return (await lstatOf(directory.at(fileName))) ? "inUse" : "gone";
  // With a count of 0 the choice says of this file alone whether it may be deleted.
  const { go, left } = chooseOlder([now], { ...order, count: 0 }, termsOf(tools));
  if (left.length > 0) return "changed";
  if (go.length === 0) return "inUse";
  if (now.state !== "touched") return "goes";
  // What was written to since it was saved may be something else by now.
  return (await readAgain(directory, [fileName], tools, signal)).length === 0 ? "goes" : "changed";
}

async function remove(
  directory: DownloadDirectory,
  { fileName, record, state }: RecordedFile,
  report: KeepReport,
  { log }: KeepTools,
): Promise<void> {
  const { snapshotId } = record.identity;
  const recordName = beside.record(fileName);
  if (state !== "gone") {
    await removeFile(directory.at(fileName));
    report.removed.push(fileName);
    log({ event: "file-deleted", snapshotId, fileName, bytes: record.bytes });
  }
  await removeFile(directory.at(recordName));
  if (state !== "gone") return;
  report.removed.push(recordName);
  log({ event: "file-deleted", snapshotId, fileName: recordName });
}
