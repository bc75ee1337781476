// Every tool in full, in the order of the catalog.
import { getRestoreJob } from "./get-restore-job.ts";
import { listFlexClusters } from "./list-flex-clusters.ts";
import { listFlexSnapshots } from "./list-flex-snapshots.ts";
import { listRestoreJobs } from "./list-restore-jobs.ts";
import { listSavedSnapshots } from "./list-saved-snapshots.ts";
import { requestFlexSnapshotDownload } from "./request-flex-snapshot-download.ts";
import { saveFlexSnapshot } from "./save-flex-snapshot.ts";
import { stopSavingSnapshot } from "./stop-saving-snapshot.ts";
import type { Tool } from "./tool.ts";
import { verifySavedSnapshot } from "./verify-saved-snapshot.ts";

export const TOOLS: readonly Tool[] = [
  listFlexClusters,
  listFlexSnapshots,
  saveFlexSnapshot,
  stopSavingSnapshot,
  listSavedSnapshots,
  verifySavedSnapshot,
  requestFlexSnapshotDownload,
  getRestoreJob,
  listRestoreJobs,
];
