// What the snapshots of a cluster say about its backups: the newest, its age, and what needs attention.
import type { CallLimits } from "../core/time.ts";
import type { Atlas } from "./client.ts";
import { type ClusterPath, isCompleted, isFailed, type Snapshot } from "./model.ts";

const HOUR_MS = 3_600_000;
/** Atlas takes a snapshot every 24 hours; two hours are for taking it. */
export const STALE_HOURS = 26;

/** The snapshots of a cluster, newest first. */
export async function snapshotsOf(atlas: Atlas, cluster: ClusterPath, limits: CallLimits): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const snapshot of atlas.snapshots(cluster, limits)) found.push(snapshot);
  return found.sort((a, b) => momentOf(b) - momentOf(a));
}

/** When the snapshot finished, or when it started if it is still running; 0 when unknown. */
export function momentOf({ finishTime, startTime, scheduledTime }: Snapshot): number {
  return Date.parse(finishTime ?? startTime ?? scheduledTime ?? "") || 0;
}

/** Hours since the snapshot finished, with one decimal; undefined when that is unknown. */
export function ageHoursOf({ finishTime }: Snapshot, now: number): number | undefined {
  const finished = Date.parse(finishTime ?? "");
  return Number.isNaN(finished) ? undefined : Math.round((now - finished) / (HOUR_MS / 10)) / 10;
}

/** The newest complete snapshot; `snapshots` are newest first. */
export const newestComplete = (snapshots: readonly Snapshot[]): Snapshot | undefined => snapshots.find(isCompleted);

/**
 * What somebody who asks for the backups of a cluster should know, as a sentence in which "its" is the cluster's; undefined when
 * all is well. A cluster younger than 26 hours owes no backup yet.
 */
export function attention(
  snapshots: readonly Snapshot[],
  { now, createDate }: { now: number; createDate?: string | undefined },
): string | undefined {
  const [newest] = snapshots;
  const complete = newestComplete(snapshots);
  const created = Date.parse(createDate ?? "");
  const isYoung = now - created < STALE_HOURS * HOUR_MS;
  const failed = newest && isFailed(newest) ? "Its newest backup failed." : "";
  if (!complete) {
    if (failed) return `${failed} There is no complete backup.`;
    return isYoung
      ? undefined
      : "There is no complete backup, although Atlas takes the first one about 24 hours after a cluster is created.";
  }
  const age = ageHoursOf(complete, now);
  const stale =
    age !== undefined && age > STALE_HOURS
      ? `Its newest complete backup is ${Math.round(age)} hours old, and Atlas takes one a day.`
      : "";
  return [failed, stale].filter(Boolean).join(" ") || undefined;
}
