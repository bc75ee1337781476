import { getRestoreJob } from "./get-restore-job.ts";
import { listFlexClusters } from "./list-flex-clusters.ts";
import { listFlexSnapshots } from "./list-flex-snapshots.ts";
import { listRestoreJobs } from "./list-restore-jobs.ts";
import { requestFlexSnapshotDownload } from "./request-flex-snapshot-download.ts";
import type { Tool } from "./tool.ts";

/** Every tool, in the order in which a conversation uses them. */
export const TOOLS: readonly Tool[] = [
  listFlexClusters,
  listFlexSnapshots,
  requestFlexSnapshotDownload,
  getRestoreJob,
  listRestoreJobs,
];
