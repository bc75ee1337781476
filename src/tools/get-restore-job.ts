// The tool get_restore_job: reads a restore job, and waits for its end if asked to.
import * as z from "zod";
import { reasonInWords } from "../atlas/hints.ts";
import { isDownload, isFailed, isFinished, type JobAnswer, type RestoreJob } from "../atlas/model.ts";
import { Failure } from "../core/errors.ts";
import { isExpired, jobFields, linkNotes, viewJob } from "./job-view.ts";
import { envelope, groupId, name, pretty, restoreJobId, waitSeconds } from "./params.ts";
import { defineTool, field, nextStep, optionalCount, type ToolContext, waitMsOf } from "./tool.ts";

/** Atlas's own command line tool looks every 4 seconds; its rate limit allows far more. */
const POLL_MS = 3_000;
/** Limit of one look, however long the wait. */
const LOOK_LIMIT_MS = 46_000;
/** Time for one more look after the wait. */
const LAST_LOOK_MS = 5_000;
const POLL_AFTER_SECONDS = 5;

/** The documented states. */
const STATUSES = ["PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"];

const { httpStatus, restoreJob, ...linkFields } = jobFields;

export const getRestoreJob = defineTool({
  name: "get_restore_job",
  title: "Get restore job",
  description:
    "Reads one restore job of a Flex cluster: its status and, for a download, its link and when that expires. With waitSeconds it waits for the job to finish and reports progress. finished is true once nothing more will happen; a FAILED job is an answer, not an error.",
  input: z.strictObject({ groupId, name, restoreJobId, waitSeconds: waitSeconds(0), envelope, pretty }),
  output: z.strictObject({
    httpStatus,
    restoreJob,
    finished: field("`true`: nothing more will happen, in success or failure, or the link is there.", z.boolean()),
    ...linkFields,
    pollAfterSeconds: optionalCount("When to ask again; absent once finished."),
    nextStep,
  }),
  async handler({ waitSeconds, envelope, pretty, ...job }, context) {
    const read = (deadline: number) => context.atlas.getRestoreJob(job, { envelope, pretty }, { ...context, deadline });
    const { answer, lookFailed } = await follow(read, waitMsOf(waitSeconds, 0, context), context);
    const finished = isFinished(answer.restoreJob);
    return {
      httpStatus: answer.httpStatus,
      ...viewJob(answer.restoreJob, context),
      finished,
      ...(finished ? {} : { pollAfterSeconds: POLL_AFTER_SECONDS }),
      nextStep: [
        ...(lookFailed
          ? [`This is the last known state: a later look failed${reasonInWords(lookFailed, " with ")}.`]
          : []),
        ...linkNotes(answer.restoreJob, context),
        advice(answer, finished, context),
      ].join(" "),
    };
  },
});

/** Looks until the job is finished or the time is over. A look that fails after a good one ends the waiting. */
async function follow(
  read: (deadline: number) => Promise<JobAnswer>,
  askedMs: number,
  { clock, deadline, signal, report }: ToolContext,
): Promise<{ answer: JobAnswer; lookFailed?: Failure }> {
  const waitMs = Math.min(askedMs, deadline - clock.now());
  const startedAt = clock.ticks();
  const leftMs = () => startedAt + waitMs - clock.ticks();
  let answer = await read(Math.min(deadline, clock.now() + LOOK_LIMIT_MS));
  while (!isFinished(answer.restoreJob) && leftMs() > 0) {
    report({
      progress: Math.round((waitMs - leftMs()) / 1000),
      total: Math.round(askedMs / 1000),
      message: `The job is ${statusOf(answer.restoreJob)}.`,
    });
    await clock.sleep(Math.min(POLL_MS, leftMs()), signal);
    try {
      answer = await read(
        Math.min(deadline, clock.now() + Math.min(LOOK_LIMIT_MS, Math.max(leftMs(), 0) + LAST_LOOK_MS)),
      );
    } catch (error) {
      if (signal.aborted || !(error instanceof Failure)) throw error;
      return { answer, lookFailed: error };
    }
  }
  return { answer };
}

/** Shown to people while they wait; a state that is not documented could be any text. */
function statusOf({ status = "" }: RestoreJob): string {
  return STATUSES.includes(status.toUpperCase()) ? status : "in a state that is not documented";
}

function advice({ restoreJob }: JobAnswer, finished: boolean, context: ToolContext): string {
  const { ifTool } = context;
  if (!isDownload(restoreJob) && finished) return endWithoutLink(restoreJob);
  if (isFailed(restoreJob))
    return `Atlas reports the job as FAILED. ${ifTool("request_flex_snapshot_download", "Request another with request_flex_snapshot_download, or choose another snapshot.", "Request another.")}`;
  if (!finished) return ifTool("get_restore_job", "Call get_restore_job again with waitSeconds 30.");
  if (restoreJob.snapshotUrl === undefined || isExpired(restoreJob, context))
    return ifTool(
      "request_flex_snapshot_download",
      "For a new link, call request_flex_snapshot_download with the job's snapshotId.",
      "The job no longer offers a link.",
    );
  return ifTool(
    "save_flex_snapshot",
    "To save the file, call save_flex_snapshot with the same groupId and name and the job's snapshotId.",
    "The job has ended.",
  );
}

/** For restores and jobs of unknown type, which a new download would not replace. */
function endWithoutLink(job: RestoreJob): string {
  const end = isFailed(job) ? "Atlas reports the job as FAILED." : "The job has ended.";
  return job.deliveryType === undefined
    ? `${end} Atlas does not say whether it was a download.`
    : `${end} It was a restore into a cluster, which has no download link.`;
}
