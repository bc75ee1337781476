import * as z from "zod";
import { linkExpiry, type RestoreJob } from "../atlas/model.ts";

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

interface JobView {
  restoreJob: z.input<typeof Job>;
  linkHost?: string;
  linkExpiresAt?: string;
  linkExpiresInSeconds?: number;
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
