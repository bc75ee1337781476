import * as z from "zod";
import { ClusterName, ObjectId } from "../atlas/schemas.ts";
import { defineTool } from "./tool.ts";

export const getRestoreJob = defineTool({
  name: "get_restore_job",
  title: "Get restore job",
  description:
    "Reads one restore job of a Flex cluster: its status and, for a download, its link. Call it after request_flex_snapshot_download until finished is true.",
  effect: "reads",
  input: z.strictObject({
    groupId: ObjectId.describe("Project id, 24 lower-case hexadecimal digits"),
    name: ClusterName.describe("Name of the Flex cluster"),
    restoreJobId: ObjectId.describe("Restore job id, from request_flex_snapshot_download"),
  }),
  async handler({ groupId, name, restoreJobId }, { atlas, signal }) {
    const restoreJob = await atlas.getRestoreJob(groupId, name, restoreJobId, signal);
    const status = restoreJob.status?.toUpperCase();
    const finished = status === "COMPLETED" || status === "FAILED" || restoreJob.snapshotUrl !== undefined;
    return {
      httpStatus: 200,
      restoreJob,
      finished,
      nextStep: finished ? "The job has ended; see restoreJob." : "Call get_restore_job again in a few seconds.",
    };
  },
});
