import * as z from "zod";
import { ClusterName, ObjectId } from "../atlas/schemas.ts";
import { defineTool } from "./tool.ts";

export const requestFlexSnapshotDownload = defineTool({
  name: "request_flex_snapshot_download",
  title: "Request Flex snapshot download",
  description:
    "Creates a download link for a Flex snapshot; saves no file. Each call creates a new restore job of type DOWNLOAD in Atlas; its link lives four hours and gives access to the whole database. When the answer has no snapshotUrl yet, follow the job with get_restore_job.",
  effect: "creates-job",
  input: z.strictObject({
    groupId: ObjectId.describe("Project id, 24 lower-case hexadecimal digits"),
    name: ClusterName.describe("Name of the Flex cluster"),
    snapshotId: ObjectId.describe("Snapshot id, from list_flex_snapshots"),
  }),
  async handler({ groupId, name, snapshotId }, { atlas, signal }) {
    const restoreJob = await atlas.requestDownload(groupId, name, snapshotId, signal);
    return {
      httpStatus: 200,
      restoreJob,
      nextStep: restoreJob.snapshotUrl
        ? "The link is ready in restoreJob.snapshotUrl. Treat it as a secret."
        : "Call get_restore_job with restoreJob.id until snapshotUrl appears.",
    };
  },
});
