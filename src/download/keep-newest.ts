// Deletes the older files of a cluster and keeps the newest: the only code that deletes a finished file.
import { Failure, ownFailure } from "../core/errors.ts";
import { firstFew } from "../core/text.ts";
import { type KeepOrder, type KeepReport, SIMULATED_PREFIX } from "./contract.ts";
import { type DownloadDirectory, diskFailure, findDownloadDirectory } from "./folder/directory.ts";
import { beside, snapshotLock } from "./folder/file-name.ts";
import { isInUse, lstatOf, removeFile } from "./folder/file-system.ts";
import { withLocks } from "./folder/lock.ts";
import { listRecorded, type RecordedFile, readRecorded } from "./folder/saved-files.ts";
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
  const report: KeepReport = { removed: [], inUse: [] };
  const problem = await deleteOlder(report, order, tools, signal).catch((error: unknown) =>
    signal.aborted ? STOPPED : reasonOf(error),
  );
  if (problem === undefined) return report;
  return { ...report, problem: `${report.removed.length > 0 ? "No more" : "Nothing"} was deleted. ${problem}` };
}

/**
 * Chooses, reads what stays, then deletes, the oldest first: each file under the lock of its snapshot, and before its record, so
 * that a crash in between leaves a record without a file, which counts for nothing. Resolves to the reason if it ended early.
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
  const { stay, go, changed } = chooseOlder(files, order, tools.filePrefix);
  if (changed.length > 0) return notAsSaved(changed);
  if (go.length === 0) return undefined;
  if (directory.isUnprotected && !order.evenUnprotected) return UNPROTECTED;
  const names = stay.map(({ fileName }) => fileName);
  // The save has just read its own file.
  const isRead = ({ fileName, state }: RecordedFile) =>
    fileName === saved.fileName && !saved.isOlder && state === "untouched";
  const unread = stay.flatMap((file) => (isRead(file) ? [] : [file.fileName]));
  const damaged = await readAgain(directory, unread, tools, signal);
  if (damaged.length > 0) return notAsSaved(damaged);
  // Reading takes long enough for somebody to remove or change what was read first.
  for (const fileName of new Set([...names, saved.fileName]))
    if ((await readRecorded(directory, fileName, tools.checkedFiles))?.state !== "untouched")
      return isMissing(fileName);
  for (const file of go) {
    signal.throwIfAborted();
    const { fileName, record } = file;
    const lock = { ...tools, folder: directory };
    try {
      await withLocks([snapshotLock(record.identity)], lock, async () => {
        await directory.confirm();
        if (await mayGo(directory, file, order, tools, signal)) await remove(directory, file, report, tools);
        // It may be gone: a second run with --keep deletes the same files.
        else if (await lstatOf(directory.at(fileName))) report.inUse.push(fileName);
      });
    } catch (error) {
      if (report.removed.includes(fileName))
        return `The file ${fileName} is gone, but its record ${beside.record(fileName)} is not. ${reasonOf(error)}`;
      signal.throwIfAborted();
      const isHeld = error instanceof Failure && error.code === "SAVED_ELSEWHERE";
      if (!isHeld && !isInUse(error)) return `${fileName} could not be deleted. ${reasonOf(error)}`;
      report.inUse.push(fileName);
    }
  }
  return undefined;
}

const STOPPED = "The command was stopped.";

const UNPROTECTED =
  "The file system of the download folder does not tell whose a file is, so another user may have put files there. To delete all the same, add --keep-unprotected.";

const isMissing = (fileName: string) => `${fileName} was to stay, but it was removed or changed meanwhile.`;

const notAsSaved = (fileNames: readonly string[]) =>
  `Of the files that stay, these are changed, damaged or incomplete: ${firstFew(fileNames)}. Move them out of the download folder, and save their backups again if Atlas still has them. The next --keep then deletes.`;

const reasonOf = (error: unknown) => diskFailure(error).envelope.detail ?? "";

/**
 * Which files of the cluster stay and which go, the oldest first. Files count if they are sound by their records, of this cluster
 * by the ids of its project and of the cluster itself, and their backups have a finish time to order them by. Several files of
 * one backup count as one. A file of another size than its record tells is neither counted nor deleted; where it would have
 * stayed, it is named in `changed`.
 */
export function chooseOlder(
  files: readonly RecordedFile[],
  { groupId, clusterId, count, saved }: KeepOrder,
  filePrefix: string,
): { stay: RecordedFile[]; go: RecordedFile[]; changed: string[] } {
  const isSimulated = filePrefix === SIMULATED_PREFIX;
  const ours = files
    .filter(({ fileName, record: { identity, facts, sound } }) => {
      const isOfCluster = identity.groupId === groupId && facts.clusterId === clusterId;
      return isOfCluster && sound && finishOf(facts) > 0 && fileName.startsWith(SIMULATED_PREFIX) === isSimulated;
    })
    // Ids of Atlas grow with time, so they order backups that finished in the same second.
    .sort(
      (one, other) => finishOf(other.record.facts) - finishOf(one.record.facts) || idOf(other).localeCompare(idOf(one)),
    );
  const savedId = ours.filter(({ fileName }) => fileName === saved.fileName).map(idOf)[0];
  const newest = new Set<string>();
  const stay: RecordedFile[] = [];
  const go: RecordedFile[] = [];
  const changed: string[] = [];
  for (const file of ours) {
    const id = idOf(file);
    const isAmongNewest = newest.has(id) || newest.size < count;
    const stays = isAmongNewest || id === savedId;
    if (file.state === "changed") {
      if (stays) changed.push(file.fileName);
    } else if (stays) {
      if (isAmongNewest) newest.add(id);
      stay.push(file);
    } else {
      go.unshift(file);
    }
  }
  return { stay, go, changed };
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
async function mayGo(
  directory: DownloadDirectory,
  { fileName, record }: RecordedFile,
  order: KeepOrder,
  tools: KeepTools,
  signal: AbortSignal,
): Promise<boolean> {
  const { checkedFiles, filePrefix } = tools;
  const now = await readRecorded(directory, fileName, checkedFiles);
  const isSame = now?.record.sha256 === record.sha256 && now.record.savedAt === record.savedAt;
  // With a count of 0 the choice says of this file alone whether it may be deleted.
  if (!isSame || chooseOlder([now], { ...order, count: 0 }, filePrefix).go.length === 0) return false;
  // What was written to since it was saved may be something else by now.
  return now.state === "untouched" || (await readAgain(directory, [fileName], tools, signal)).length === 0;
}

async function remove(
  directory: DownloadDirectory,
  { fileName, record }: RecordedFile,
  report: KeepReport,
  { log }: KeepTools,
): Promise<void> {
  await removeFile(directory.at(fileName));
  report.removed.push(fileName);
  log({ event: "file-deleted", snapshotId: record.identity.snapshotId, fileName, bytes: record.bytes });
  await removeFile(directory.at(beside.record(fileName)));
}
