import * as z from "zod";
import { ClusterName, ObjectId } from "../atlas/schemas.ts";
import { defineTool } from "./tool.ts";

export const listFlexSnapshots = defineTool({
  name: "list_flex_snapshots",
  title: "List Flex snapshots",
  description:
    "Lists the snapshots of a Flex cluster, newest first. Atlas keeps the last eight daily ones. Call it to find the snapshotId for request_flex_snapshot_download.",
  effect: "reads",
  input: z.strictObject({
    groupId: ObjectId.describe("Project id, 24 lower-case hexadecimal digits"),
    name: ClusterName.describe("Name of the Flex cluster"),
  }),
  async handler({ groupId, name }, { atlas, now, signal }) {
    const { results } = await atlas.listSnapshots(groupId, name, signal);
    const snapshots = results.sort((a, b) => (b.finishTime ?? "").localeCompare(a.finishTime ?? ""));
    return {
      now: new Date(now()).toISOString(),
      snapshots: snapshots.map((snapshot) => ({ ...snapshot, ...age(snapshot.finishTime, now()) })),
      latestComplete: snapshots.find((snapshot) => snapshot.status?.toUpperCase() === "COMPLETED")?.id,
    };
  },
});

function age(finishTime: string | undefined, now: number): { ageHours?: number } {
  const finished = Date.parse(finishTime ?? "");
  return Number.isNaN(finished) ? {} : { ageHours: Math.round((now - finished) / 360_000) / 10 };
}
