// How restore jobs and their links look in the answers of three tools.
import * as z from "zod";
import { linkExpiry, type RestoreJob } from "../atlas/model.ts";
import { hostOf } from "../core/text.ts";
import { field, optionalCount, optionalText, type ToolContext } from "./tool.ts";

/** A field as Atlas sent it. */
const said = z.string().optional();

const summaryFields = {
  id: said,
  deliveryType: said,
  status: said,
  snapshotId: said,
  expirationDate: said,
  instanceName: said,
  projectId: said,
  restoreScheduledDate: said,
  restoreFinishedDate: said,
  snapshotFinishedDate: said,
  targetDeploymentItemName: said,
  targetProjectId: said,
};

/** A restore job without its links, as lists show it. */
export const JobSummary = z.strictObject(summaryFields);

/** The fields of both tools that return one restore job. */
export const jobFields = {
  httpStatus: field("Status of Atlas's answer; the wrapped one where there is an envelope.", z.number()),
  restoreJob: field(
    "The job in Atlas's own fields, each only if Atlas sent it: {fields}.",
    z.strictObject({
      ...summaryFields,
      snapshotUrl: said,
      links: z.array(z.strictObject({ rel: said, href: said })).optional(),
    }),
  ),
  linkHost: optionalText("Host of the link, in place of the link, when links are hidden."),
  linkExpiresAt: optionalText("The earlier of Atlas's expiry and four hours after the request; downloads only."),
  linkExpiresInSeconds: optionalCount("Seconds from now until `linkExpiresAt`."),
};

type Viewer = Pick<ToolContext, "clock" | "hideSnapshotUrls">;

export function summarize(job: RestoreJob) {
  const { snapshotUrl: _url, links: _links, linkDropped: _dropped, otherLinkDropped: _other, ...summary } = job;
  return summary;
}

/** The job as the caller may see it: with its link, or with the link's host only. */
export function viewJob(job: RestoreJob, { clock, hideSnapshotUrls }: Viewer) {
  const expiry = linkExpiry(job);
  const link = job.snapshotUrl ?? "";
  const host = hideSnapshotUrls && URL.canParse(link) && hostOf(new URL(link));
  const links = hideSnapshotUrls ? {} : { snapshotUrl: job.snapshotUrl, links: job.links };
  return {
    restoreJob: { ...summarize(job), ...links },
    ...(host ? { linkHost: host } : {}),
    ...(expiry === undefined
      ? {}
      : {
          linkExpiresAt: new Date(expiry).toISOString(),
          linkExpiresInSeconds: Math.max(0, Math.floor((expiry - clock.now()) / 1000)),
        }),
  };
}

export function isExpired(job: RestoreJob, { clock }: Viewer): boolean {
  return (linkExpiry(job) ?? Number.POSITIVE_INFINITY) <= clock.now();
}

/** Notes about a job's link, which come before all other advice. */
export function linkNotes(job: RestoreJob, viewer: Viewer): string[] {
  const others =
    job.otherLinkDropped && !viewer.hideSnapshotUrls
      ? ["Some of the job's links are longer than 8 KiB, longer than 16 KiB together, or no URLs; they were left out."]
      : [];
  return [...downloadNotes(job, viewer), ...others];
}

function downloadNotes(job: RestoreJob, viewer: Viewer): string[] {
  if (job.linkDropped) return ["Atlas sent a link that is longer than 8 KiB or is not a URL; it was left out."];
  if (job.snapshotUrl === undefined) return [];
  if (isExpired(job, viewer)) return ["The link has expired."];
  if (viewer.hideSnapshotUrls)
    return [
      "The link exists but is hidden: this server was started with hidden links or read-only. The person can change that setting (ATLAS_FLEX_HIDE_SNAPSHOT_URLS or --hide-snapshot-urls, ATLAS_FLEX_READ_ONLY or --read-only) and restart this server.",
    ];
  return ["The link in restoreJob.snapshotUrl gives access to the whole database: treat it as a secret."];
}
