import type { ApiOperation } from "../../src/simulator/faults/words.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER } from "../fixtures.ts";

/** A tool and one of the operations that it uses; each `number` gives a save another snapshot. */
export interface Probe {
  title: string;
  tool: string;
  operation: ApiOperation;
  args: (number: number) => Record<string, unknown>;
}

const probe = (tool: string, operation: ApiOperation, args: Probe["args"]): Probe => ({
  title: `${tool} at ${operation}`,
  tool,
  operation,
  args,
});

export const READS: readonly Probe[] = [
  probe("list_flex_clusters", "listProjects", () => ({})),
  probe("list_flex_clusters", "listFlexClusters", () => ({ groupId: SIMULATED.groupId })),
  probe("list_flex_snapshots", "listSnapshots", () => CLUSTER),
  probe("get_restore_job", "getRestoreJob", () => ({ ...CLUSTER, restoreJobId: SIMULATED.restoreJobId })),
  probe("list_restore_jobs", "listRestoreJobs", () => CLUSTER),
];

export const POST: Probe = probe("request_flex_snapshot_download", "requestDownload", () => ({
  ...CLUSTER,
  snapshotId: SIMULATED.downloadedSnapshotId,
}));

/** A snapshot of one of the simulator's generated projects. With an odd digit its link is ready at once, else after `jobMs`. */
export function generatedSnapshot(number: number, digit: number) {
  const serial = number.toString(16).padStart(12, "0");
  return { groupId: `5fa2${serial}000000b1`, name: `service-${number}`, snapshotId: `5fa2${serial}000000c${digit}` };
}

export const SAVES: readonly Probe[] = [
  probe("save_flex_snapshot", "getSnapshot", (number) => generatedSnapshot(number, 1)),
  probe("save_flex_snapshot", "listRestoreJobs", (number) => generatedSnapshot(number, 3)),
  probe("save_flex_snapshot", "requestDownload", (number) => generatedSnapshot(number, 5)),
  // Waits for a job that Atlas does not show, for longer than any repeated request takes.
  probe("save_flex_snapshot", "getRestoreJob", (number) => ({ ...generatedSnapshot(number, 2), waitSeconds: 40 })),
];
