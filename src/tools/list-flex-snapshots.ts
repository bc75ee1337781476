import * as z from "zod";
import type { Snapshot } from "../atlas/model.ts";
import { ONLY_READS } from "./catalog.ts";
import { groupId, name } from "./params.ts";
import { defineTool } from "./tool.ts";

/** Atlas keeps eight; more would only mean that it changed. */
const MAX_SNAPSHOTS = 100;

const text = z.string().optional();

export const listFlexSnapshots = defineTool({
  name: "list_flex_snapshots",
  title: "List Flex snapshots",
  description:
    "Lists the snapshots (backups) of a Flex cluster, newest first, with their age. Atlas takes one a day and keeps eight; none can be taken on demand. latestCompleteSnapshotId is the one to save when someone asks for the latest backup.",
  input: z.strictObject({ groupId, name }),
  output: z.strictObject({
    now: z.string(),
    latestCompleteSnapshotId: text,
    snapshots: z.array(
      z.strictObject({
        id: text,
        status: text,
        mongoDBVersion: text,
        scheduledTime: text,
        startTime: text,
        finishTime: text,
        expiration: text,
        ageHours: z.number().optional(),
      }),
    ),
    truncated: z.boolean().optional(),
    nextStep: z.string(),
  }),
  async handler(cluster, context) {
    const now = context.clock.now();
    const found: Snapshot[] = [];
    for await (const snapshot of context.atlas.snapshots(cluster, context)) found.push(snapshot);
    const snapshots = found.sort((a, b) => momentOf(b) - momentOf(a));
    const latest = snapshots.find(({ status }) => status?.toUpperCase() === "COMPLETED")?.id;
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
          ? "None of these snapshots is complete; their status says how far each is."
          : "No complete snapshot exists yet. Atlas takes the first one about 24 hours after a Flex cluster is created.",
    };
  },
});

/** Who asks for the latest backup should know when another is on its way. */
function noteOnNewest({ status }: Snapshot = {}): string {
  const state = status?.toUpperCase();
  if (state === "COMPLETED") return "";
  const what = state === "FAILED" ? "has failed" : "is not complete yet";
  return `The newest snapshot ${what}, so latestCompleteSnapshotId is an older one. `;
}

/** Newest is what finished last; one that still runs is newer than all that have finished. */
function momentOf({ finishTime, startTime, scheduledTime }: Snapshot): number {
  const moment = Date.parse(finishTime ?? startTime ?? scheduledTime ?? "");
  return Number.isNaN(moment) ? 0 : moment;
}

function ageOf({ finishTime }: Snapshot, now: number): { ageHours?: number } {
  const finished = Date.parse(finishTime ?? "");
  return Number.isNaN(finished) ? {} : { ageHours: Math.round((now - finished) / 360_000) / 10 };
}
