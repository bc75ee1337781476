// The tool list_flex_snapshots: the backups of one cluster, newest first.
import * as z from "zod";
import { ageHoursOf, attention, isOpen, newestComplete, snapshotsOf } from "../atlas/backups.ts";
import type { Snapshot } from "../atlas/model.ts";
import { whenOf } from "../core/time.ts";
import { ONLY_READS } from "./catalog.ts";
import { groupId, name } from "./params.ts";
import { defineTool, field, nextStep, optionalCount, optionalText, type ToolContext, truncated } from "./tool.ts";

/** Atlas keeps eight; this only bounds the answer. */
const MAX_SNAPSHOTS = 100;

export const listFlexSnapshots = defineTool({
  name: "list_flex_snapshots",
  title: "List Flex snapshots",
  description:
    "Lists the snapshots (backups) of a Flex cluster, newest first, with their age. Atlas takes one a day and keeps eight; none can be taken on demand (mongodump can dump the cluster instead).",
  input: z.strictObject({ groupId, name }),
  output: z.strictObject({
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
          finishTime: optionalText("When it was complete, or had failed. Atlas keeps it for eight days."),
          when: optionalText("The same for people, in this computer's time zone."),
          ageHours: optionalCount("Hours since `finishTime`."),
        }),
      ),
    ),
    truncated,
    nextStep,
  }),
  async handler(cluster, context) {
    const snapshots = await snapshotsOf(context.atlas, cluster, context);
    const now = context.clock.now();
    const latest = newestComplete(snapshots);
    return {
      ...(latest ? { latestCompleteSnapshotId: latest.id } : {}),
      snapshots: snapshots.slice(0, MAX_SNAPSHOTS).map((snapshot) => viewSnapshot(snapshot, now)),
      ...(snapshots.length > MAX_SNAPSHOTS ? { truncated: true } : {}),
      nextStep: [remark(snapshots, now), latest ? howToSave(context) : ""].filter(Boolean).join(" "),
    };
  },
});

const viewSnapshot = (snapshot: Snapshot, now: number) => ({
  id: snapshot.id,
  status: snapshot.status,
  mongoDBVersion: snapshot.mongoDBVersion,
  finishTime: snapshot.finishTime,
  when: whenOf(snapshot.finishTime, now),
  ageHours: ageHoursOf(snapshot, now),
});

/** Somebody who asks for the latest backup should know that it is old, or that a newer one failed or is on its way. */
function remark(snapshots: readonly Snapshot[], now: number): string {
  const needs = attention(snapshots, { now });
  if (needs !== undefined) return needs;
  const [newest] = snapshots;
  return newest && isOpen(newest) ? "The newest one is not complete yet." : "";
}

function howToSave({ ifTool }: Pick<ToolContext, "ifTool">): string {
  return ifTool(
    "save_flex_snapshot",
    "save_flex_snapshot saves the newest complete one by name alone, another by its id as snapshotId.",
    ifTool(
      "request_flex_snapshot_download",
      "For a download link, call request_flex_snapshot_download with its id as snapshotId.",
      ONLY_READS,
    ),
  );
}
