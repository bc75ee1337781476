import { isoSeconds, type JsonObject } from "./json.ts";

const DAY_MS = 86_400_000;
/** Snapshots are kept for eight days, one a day. */
const RETENTION_MS = 8 * DAY_MS;
/** Taking one lasts a little over a minute. */
const LEAD_MS = 5_000;
const DURATION_MS = 75_000;

export type ContentsKind = "data-directory" | "dump-directory" | "mongodump-archive";

export interface Snapshot {
  id: string;
  scheduledAt: number;
  running: boolean;
  mongoDBVersion: string;
  contents: ContentsKind;
}

interface Series {
  /** The last digit counts up from 1. */
  idPrefix: string;
  count: number;
  newestAt: number;
}

/** Daily snapshots at the same time of day, oldest first as Atlas lists them. */
export function dailySnapshots({ idPrefix, count, newestAt }: Series): Snapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${idPrefix}${index + 1}`,
    scheduledAt: newestAt - (count - 1 - index) * DAY_MS,
    running: false,
    mongoDBVersion: "8.0.16",
    contents: "data-directory",
  }));
}

/** The last 03:00 UTC by which a snapshot was complete: restarts on the same day show the same times. */
export function lastNight(now: number): number {
  const threeOClock = 3 * 3_600_000;
  return Math.floor((now - threeOClock - 2 * DURATION_MS) / DAY_MS) * DAY_MS + threeOClock;
}

export function finishedAt({ scheduledAt }: Snapshot): number {
  return scheduledAt + LEAD_MS + DURATION_MS;
}

export function describeSnapshot(snapshot: Snapshot): JsonObject {
  const { id, scheduledAt, running, mongoDBVersion } = snapshot;
  return {
    expiration: isoSeconds(scheduledAt + RETENTION_MS),
    ...(running ? {} : { finishTime: isoSeconds(finishedAt(snapshot)) }),
    id,
    mongoDBVersion,
    scheduledTime: isoSeconds(scheduledAt),
    startTime: isoSeconds(scheduledAt + LEAD_MS),
    status: running ? "RUNNING" : "COMPLETED",
  };
}
