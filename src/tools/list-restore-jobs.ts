// The tool list_restore_jobs: the restore jobs of one cluster, without links.
import * as z from "zod";
import { isDownload, isFinished, linkExpiry, type RestoreJob } from "../atlas/model.ts";
import { JobSummary, summarize } from "./job-view.ts";
import { groupId, name, oneOf, wholeNumber } from "./params.ts";
import { defineTool, field, nextStep } from "./tool.ts";

const MAX_LIMIT = 100;

export const listRestoreJobs = defineTool({
  name: "list_restore_jobs",
  title: "List restore jobs",
  description:
    "Lists the restore jobs of a Flex cluster, newest first, without links. Jobs of type DOWNLOAD are download requests, those of type RESTORE were restored into a cluster. Use it to see what a request of unknown outcome did, and to find a restoreJobId for get_restore_job.",
  input: z.strictObject({
    groupId,
    name,
    deliveryType: oneOf(["DOWNLOAD", "RESTORE"]).optional().describe("DOWNLOAD or RESTORE; both without it"),
    limit: wholeNumber(1, MAX_LIMIT, 10).describe(`Most jobs to return: 1 to ${MAX_LIMIT}, default 10`),
  }),
  output: z.strictObject({
    restoreJobs: field(
      "Newest first, each with {fields}.",
      z.array(JobSummary.extend({ finished: z.boolean(), linkExpiresAt: z.string().optional() })),
    ),
    truncated: field("`true`: there is more than is shown.", z.boolean()),
    nextStep,
  }),
  async handler({ deliveryType, limit, ...cluster }, context) {
    const isWanted = (job: RestoreJob) =>
      deliveryType === undefined || isDownload(job) === (deliveryType === "DOWNLOAD");
    const found: RestoreJob[] = [];
    // Reads whole pages: the order within a page is not documented.
    let isReadToEnd = true;
    for await (const { entries, hasMore } of context.atlas.restoreJobPages(cluster, context)) {
      found.push(...entries.filter(isWanted));
      isReadToEnd = !hasMore;
      if (found.length > limit) break;
    }
    const newest = found.sort((a, b) => momentOf(b) - momentOf(a)).slice(0, limit);
    const isCut = found.length > limit;
    return {
      restoreJobs: newest.map((job) => ({ ...summarize(job), finished: isFinished(job), ...expiryOf(job) })),
      truncated: isCut || !isReadToEnd,
      nextStep: newest.some(isDownload)
        ? `${context.ifTool(
            "get_restore_job",
            "For the link of a DOWNLOAD job, call get_restore_job with its id as restoreJobId.",
            "Links are not shown in this list.",
          )}${isCut ? moreThan(limit) : ""}`
        : withoutDownloads(deliveryType, isCut, isReadToEnd, limit),
    };
  },
});

const moreThan = (limit: number) => (limit < MAX_LIMIT ? ` There are more jobs: raise limit, up to ${MAX_LIMIT}.` : "");

/** What to do when no download job is shown. More restores in the list would not help to find one. */
function withoutDownloads(
  deliveryType: "DOWNLOAD" | "RESTORE" | undefined,
  isCut: boolean,
  isReadToEnd: boolean,
  limit: number,
): string {
  if (deliveryType === "RESTORE") return `Restores into a cluster have no links.${isCut ? moreThan(limit) : ""}`;
  if (isCut) return 'No download job is among these. For them, call list_restore_jobs with deliveryType "DOWNLOAD".';
  if (!isReadToEnd) return "No download job is among the jobs that were read, which are the newest.";
  return "The cluster has no download job.";
}

function momentOf({ restoreScheduledDate }: RestoreJob): number {
  return Date.parse(restoreScheduledDate ?? "") || 0;
}

function expiryOf(job: RestoreJob): { linkExpiresAt?: string } {
  const expiry = linkExpiry(job);
  return expiry === undefined ? {} : { linkExpiresAt: new Date(expiry).toISOString() };
}
