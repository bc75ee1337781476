import { getRestoreJob } from "./get-restore-job.ts";
import { listFlexSnapshots } from "./list-flex-snapshots.ts";
import { requestFlexSnapshotDownload } from "./request-flex-snapshot-download.ts";
import type { Tool } from "./tool.ts";

/** Every tool, in the order in which a conversation uses them. */
export const tools: readonly Tool[] = [listFlexSnapshots, requestFlexSnapshotDownload, getRestoreJob];
