// The tool list_flex_snapshots: the backups of one cluster, newest first.
import * as z from "zod";
import { isCompleted, isFailed, type Snapshot } from "../atlas/model.ts";
import { isAtlasId } from "../core/atlas-id.ts";
import { ONLY_READS } from "./catalog.ts";
import { groupId, name } from "./params.ts";
import { defineTool, field, nextStep, optionalCount, optionalText, text, truncated } from "./tool.ts";

/** Atlas keeps eight; this only bounds the answer. */
const MAX_SNAPSHOTS = 100;

export const listFlexSnapshots = defineTool({
  name: "list_flex_snapshots",
  title: "List Flex snapshots",
  description:
    "Lists the snapshots (backups) of a Flex cluster, newest first, with their age. Atlas takes one a day and keeps eight; none can be taken on demand. latestCompleteSnapshotId is the one to save when someone asks for the latest backup.",
  input: z.strictObject({ groupId, name }),
  output: z.strictObject({
    now: text("This computer's time, to which `ageHours` refers."),
    latestCompleteSnapshotId: optionalText(
      "The snapshot to save when somebody wants the latest backup; absent when none is complete.",
    ),
    snapshots: field(
      "Newest first.",
      z.array(
        z.strictObject({
          id: optionalText("The `snapshotId` of other tools."),
          status: optionalText(
            "Of Atlas: `PENDING`, `QUEUED`, `RUNNING`, `COMPLETED` or `FAILED`. Only a complete one can be saved.",
          ),
          mongoDBVersion: optionalText("The cluster's version at that time; a restore needs the same major version."),
          scheduledTime: optionalText("When Atlas planned to take it."),
          startTime: optionalText("When Atlas began."),
          finishTime: optionalText("When it was complete, or had failed."),
          expiration: optionalText("When Atlas deletes it."),
          ageHours: optionalCount("Hours since `finishTime`."),
        }),
      ),
    ),
    truncated,
    nextStep,
  }),
  async handler(cluster, context) {
    const now = context.clock.now();
    const found: Snapshot[] = [];
    for await (const snapshot of context.atlas.snapshots(cluster, context)) found.push(snapshot);
    const snapshots = found.sort((a, b) => momentOf(b) - momentOf(a));
    // The answer calls it an id, so it must be one.
    const latest = snapshots.find((snapshot) => isCompleted(snapshot) && isAtlasId(snapshot.id ?? ""))?.id;
    return {
      now: new Date(now).toISOString(),
      ...(latest ? { latestCompleteSnapshotId: latest } : {}),
      snapshots: snapshots.slice(0, MAX_SNAPSHOTS).map((snapshot) => ({ ...snapshot, ...ageOf(snapshot, now) })),
      ...(snapshots.length > MAX_SNAPSHOTS ? { truncated: true } : {}),
      nextStep: latest
        ? `${noteOnNewest(snapshots[0])}${context.ifTool(
            "save_flex_snapshot",
            "To save one, call save_flex_snapshot with the same groupId and name and its id as snapshotId.",
            context.ifTool(
              "request_flex_snapshot_download",
              "For a download link, call request_flex_snapshot_download with its id as snapshotId.",
              ONLY_READS,
            ),
          )}`
        : snapshots.length > 0
          ? `None of these snapshots is complete; their status says how far each is.${snapshots.some(isFailed) ? " A FAILED one never becomes complete." : ""}`
          : "No complete snapshot exists yet. Atlas takes the first one about 24 hours after a Flex cluster is created.",
    };
  },
});

/** Somebody who asks for the latest backup should know that a newer one failed or is on its way. */
function noteOnNewest(newest: Snapshot = {}): string {
  if (isCompleted(newest)) return "";
  const what = isFailed(newest) ? "has failed" : "is not complete yet";
  return `The newest snapshot ${what}, so latestCompleteSnapshotId is an older one. `;
}

/** The time to sort by: when the snapshot finished, or when it started if it is still running. */
function momentOf({ finishTime, startTime, scheduledTime }: Snapshot): number {
  return Date.parse(finishTime ?? startTime ?? scheduledTime ?? "") || 0;
}

function ageOf({ finishTime }: Snapshot, now: number): { ageHours?: number } {
  const finished = Date.parse(finishTime ?? "");
  return Number.isNaN(finished) ? {} : { ageHours: Math.round((now - finished) / 360_000) / 10 };
}
