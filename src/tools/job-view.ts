import * as z from "zod";
import type { RestoreJob } from "../atlas/schemas.ts";

/** How long a download link lives after its request, whatever `expirationDate` says. */
export const LINK_LIFE_MS = 4 * 3_600_000;
/** The last moment that a Date can hold (ECMA-262 section 21.4.1.1). */
const MAX_MOMENT = 8.64e15;

const text = z.string().optional();
const time = z.string().optional();

/** A restore job without its links, as lists show it. */
export const JobSummary = z.strictObject({
  id: text,
  deliveryType: text,
  status: text,
  snapshotId: text,
  expirationDate: time,
  instanceName: text,
  projectId: text,
  restoreScheduledDate: time,
  restoreFinishedDate: time,
  snapshotFinishedDate: time,
  targetDeploymentItemName: text,
  targetProjectId: text,
});

/** A restore job with Atlas's fields as it sent them. */
export const Job = JobSummary.extend({
  snapshotUrl: text,
  links: z.array(z.strictObject({ rel: text, href: text })).optional(),
});

/** What both tools that return one restore job say of its link. */
export const linkFields = {
  linkHost: text,
  linkExpiresAt: time,
  linkExpiresInSeconds: z.number().optional(),
};

export interface JobView {
  restoreJob: z.input<typeof Job>;
  linkHost?: string;
  linkExpiresAt?: string;
  linkExpiresInSeconds?: number;
}

/** Atlas ends a job in either state; the words are compared in any case, as Atlas's own tools do. */
export function isFinished(job: RestoreJob): boolean {
  return isCompleted(job) || isFailed(job) || (isDownload(job) && job.snapshotUrl !== undefined);
}

export const isFailed = ({ status }: RestoreJob) => status?.toUpperCase() === "FAILED";
export const isCompleted = ({ status }: RestoreJob) => status?.toUpperCase() === "COMPLETED";

/** Only download jobs have links, so a job that has one is one, even when Atlas leaves its type out. */
export function isDownload({ deliveryType, snapshotUrl }: RestoreJob): boolean {
  return deliveryType === undefined ? snapshotUrl !== undefined : deliveryType.toUpperCase() === "DOWNLOAD";
}

/** The moment a link stops working, milliseconds since the epoch: the earlier of both that Atlas gives. */
export function linkExpiry(job: RestoreJob): number | undefined {
  if (!isDownload(job)) return undefined;
  const moments = [Date.parse(job.expirationDate ?? ""), Date.parse(job.restoreScheduledDate ?? "") + LINK_LIFE_MS];
  const known = moments.filter((moment) => Math.abs(moment) <= MAX_MOMENT);
  return known.length > 0 ? Math.min(...known) : undefined;
}

export function summarize({
  snapshotUrl: _,
  links: __,
  linkDropped: ___,
  ...summary
}: RestoreJob): z.input<typeof JobSummary> {
  return summary;
}

/** The job as a caller may see it: with its link, or with the link's host only. */
export function viewJob(job: RestoreJob, { now, hideLink }: { now: number; hideLink: boolean }): JobView {
  const expiry = linkExpiry(job);
  return {
    restoreJob: hideLink ? summarize(job) : { ...summarize(job), snapshotUrl: job.snapshotUrl, links: job.links },
    ...(hideLink && job.snapshotUrl && URL.canParse(job.snapshotUrl)
      ? { linkHost: new URL(job.snapshotUrl).host }
      : {}),
    ...(expiry === undefined
      ? {}
      : {
          linkExpiresAt: new Date(expiry).toISOString(),
          linkExpiresInSeconds: Math.max(0, Math.floor((expiry - now) / 1000)),
        }),
  };
}

/** What is to be said of a job's link before anything else. */
export function linkNotes(job: RestoreJob, { now, hideLink }: { now: number; hideLink: boolean }): string[] {
  const expiry = linkExpiry(job);
  if (job.linkDropped) return ["Atlas sent a link that is longer than 8 KiB or no URL; it was left out."];
  if (job.snapshotUrl === undefined) return [];
  if (expiry !== undefined && expiry <= now) return ["The link has expired."];
  if (hideLink) return ["The link exists but is hidden by configuration."];
  return ["The link in restoreJob.snapshotUrl gives access to the whole database: treat it as a secret."];
}
