// The tool request_flex_snapshot_download: creates a download job and returns its link.
import * as z from "zod";
import { isFailed, isFinished } from "../atlas/model.ts";
import { jobFields, linkNotes, viewJob } from "./job-view.ts";
import { envelope, groupId, name, pretty, snapshotId } from "./params.ts";
import { defineTool, NOTHING_LEFT, nextStep } from "./tool.ts";

export const requestFlexSnapshotDownload = defineTool({
  name: "request_flex_snapshot_download",
  title: "Request Flex snapshot download",
  description:
    "Creates a download link for a Flex snapshot; saves no file. Each call creates a new restore job of type DOWNLOAD in Atlas, of which a project may have few at a time. The link lives four hours and opens the whole database to whoever has it. If the answer has no link yet, follow the job with get_restore_job. To get a file, use save_flex_snapshot instead.",
  input: z.strictObject({ groupId, name, snapshotId, envelope, pretty }),
  output: z.strictObject({ ...jobFields, nextStep }),
  async handler({ envelope, pretty, ...snapshot }, context) {
    const { httpStatus, restoreJob } = await context.atlas.requestDownload(snapshot, { envelope, pretty }, context);
    const save = context.ifTool(
      "save_flex_snapshot",
      "To save the file, call save_flex_snapshot with the same arguments; it uses this job.",
    );
    const follow = restoreJob.id
      ? context.ifTool(
          "get_restore_job",
          "Call get_restore_job with restoreJob.id as restoreJobId and waitSeconds 30 until finished is true.",
        )
      : "";
    const advice = isFailed(restoreJob)
      ? "Atlas reports the job as FAILED. Request once more, or choose another snapshot."
      : isFinished(restoreJob)
        ? save
        : `${follow} ${save}`;
    return {
      httpStatus,
      ...viewJob(restoreJob, context),
      nextStep: [...linkNotes(restoreJob, context), advice.trim() || NOTHING_LEFT].join(" "),
    };
  },
});
