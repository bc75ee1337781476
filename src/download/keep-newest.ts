// Deletes the older files of a cluster and keeps the newest: the only code that deletes a finished file.
import { Failure } from "../core/errors.ts";
import { firstFew } from "../core/text.ts";
import { type KeepOrder, type KeepReport, SIMULATED_PREFIX } from "./contract.ts";
import type { DownloadDirectory } from "./folder/directory.ts";
import { beside, snapshotLock } from "./folder/file-name.ts";
import { removeFile } from "./folder/file-system.ts";
import { withLocks } from "./folder/lock.ts";
import { listRecorded, type RecordedFile, readRecorded } from "./folder/saved-files.ts";
import type { RunningSave } from "./saving/running-save.ts";
import { prepareVerification } from "./verify.ts";

/** What it works with. */
type KeepTools = Pick<RunningSave, "filePrefix" | "startCheck" | "checkedFiles" | "clock" | "limits" | "log"> & {
  onRead: (fileName: string, percent: number) => void;
};

/**
 * Chooses, reads what stays, then deletes, the oldest first: each file under the lock of its snapshot, and before its record, so
 * that a crash in between leaves a record without a file, which counts for nothing. A file in use by another process is left.
 */
export async function keepNewest(
  directory: DownloadDirectory,
  order: KeepOrder,
  tools: KeepTools,
  signal: AbortSignal,
): Promise<KeepReport> {
  const report: KeepReport = { removed: [], freedBytes: 0, inUse: [] };
  const files = await listRecorded(directory, tools.checkedFiles);
  const { stay, go, changed } = chooseOlder(files, order, tools.filePrefix);
  if (changed.length > 0) return { ...report, problem: notAsSaved(changed) };
  if (go.length === 0) return report;
  if (directory.isUnprotected && !order.evenUnprotected) return { ...report, problem: UNPROTECTED };
  const damaged = await readAgain(directory, stay, tools, signal);
  if (damaged.length > 0) return { ...report, problem: notAsSaved(damaged) };
  for (const file of go) {
    signal.throwIfAborted();
    const { fileName, record } = file;
    const lock = { folder: directory, ...tools };
    const isRemoved = await withLocks([snapshotLock(record.identity)], lock, () =>
      remove(directory, file, order, tools),
    ).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.code !== "SAVED_ELSEWHERE") throw error;
      return false;
    });
    if (isRemoved) {
      report.removed.push(fileName);
      report.freedBytes += record.bytes;
      tools.log({ event: "file-deleted", snapshotId: record.identity.snapshotId, fileName, bytes: record.bytes });
    } else {
      report.inUse.push(fileName);
    }
  }
  return report;
}

const UNPROTECTED =
  "The file system of the download folder does not tell whose a file is, so nothing was deleted. To delete all the same, add --keep-unprotected.";

const notAsSaved = (fileNames: readonly string[]) =>
  `Nothing was deleted, since what would stay is not as it was saved: ${firstFew(fileNames)}. Look at it, and move it out of the folder if it is damaged.`;

/**
 * Which files of the cluster stay and which go. Files count if they are sound by their records, of this cluster by the ids of
 * its project and of the cluster itself, and their backups have a finish time to order them by. Several files of one backup count
 * as one. A file of another size than its record tells is neither counted nor deleted; where it would have stayed, it is
 * named in `changed`.
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
    .sort((one, other) => finishOf(other.record.facts) - finishOf(one.record.facts));
  const stay: RecordedFile[] = [];
  const go: RecordedFile[] = [];
  const changed: string[] = [];
  const kept = new Set<string>();
  for (const file of ours) {
    const { snapshotId } = file.record.identity;
    const isAmongNewest = kept.has(snapshotId) || kept.size < count;
    if (file.state === "changed") {
      if (isAmongNewest) changed.push(file.fileName);
    } else if (isAmongNewest || file.fileName === saved.fileName) {
      kept.add(snapshotId);
      if (file.fileName !== saved.fileName || saved.isOlder) stay.push(file);
    } else {
      go.unshift(file);
    }
  }
  return { stay, go, changed };
}

const finishOf = ({ finishTime }: { finishTime?: string }) => Date.parse(finishTime ?? "") || 0;

/** The names of the files that are not what was saved. */
async function readAgain(
  directory: DownloadDirectory,
  files: readonly RecordedFile[],
  tools: KeepTools,
  signal: AbortSignal,
): Promise<string[]> {
  const { clock, limits, onRead } = tools;
  const wrong: string[] = [];
  for (const { fileName } of files) {
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
    } finally {
      ended.abort();
      await told;
    }
  }
  return wrong;
}

/** Looks again with the lock held: false if the file is not the one that was chosen any more. */
async function remove(
  directory: DownloadDirectory,
  { fileName, record }: RecordedFile,
  order: KeepOrder,
  { checkedFiles, filePrefix }: KeepTools,
): Promise<boolean> {
  await directory.confirm();
  const now = await readRecorded(directory, fileName, checkedFiles);
  const isSame = now && now.record.sha256 === record.sha256 && now.record.savedAt === record.savedAt;
  // With a count of 0 the choice says of this file alone whether it may be deleted.
  if (!isSame || chooseOlder([now], { ...order, count: 0 }, filePrefix).go.length === 0) return false;
  await removeFile(directory.at(fileName));
  await removeFile(directory.at(beside.record(fileName)));
  return true;
}
