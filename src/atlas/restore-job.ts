import type { RestoreJob } from "./schemas.ts";

/** How long a download link lives after its request, whatever `expirationDate` says. */
export const LINK_LIFE_MS = 4 * 3_600_000;
/** The last moment that a Date can hold (ECMA-262 section 21.4.1.1). */
const MAX_MOMENT = 8.64e15;

/** Atlas ends a job in either state; the words are compared in any case, as Atlas's own tools do. */
export function isFinished(job: RestoreJob): boolean {
  return isCompleted(job) || isFailed(job) || (isDownload(job) && job.snapshotUrl !== undefined);
}

export const isFailed = ({ status }: RestoreJob) => status?.toUpperCase() === "FAILED";
const isCompleted = ({ status }: RestoreJob) => status?.toUpperCase() === "COMPLETED";

/** Only download jobs have links, so a job that has one is one, even when Atlas leaves its type out. */
export function isDownload({ deliveryType, snapshotUrl }: RestoreJob): boolean {
  return deliveryType === undefined ? snapshotUrl !== undefined : deliveryType.toUpperCase() === "DOWNLOAD";
}

/** A job that names no snapshot may be this one's, one that names another is not. */
export function isAbout({ snapshotId }: RestoreJob, wanted: string): boolean {
  return snapshotId === undefined || snapshotId === wanted;
}

/** The moment a link stops working, milliseconds since the epoch: the earlier of both that Atlas gives. */
export function linkExpiry(job: RestoreJob): number | undefined {
  if (!isDownload(job)) return undefined;
  const moments = [Date.parse(job.expirationDate ?? ""), Date.parse(job.restoreScheduledDate ?? "") + LINK_LIFE_MS];
  const known = moments.filter((moment) => Math.abs(moment) <= MAX_MOMENT);
  return known.length > 0 ? Math.min(...known) : undefined;
}
