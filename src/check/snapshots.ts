import type { ClusterPath } from "../atlas/contract.ts";
import type { Snapshot } from "../atlas/schemas.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import type { CallLimits } from "../core/time.ts";
import { duration } from "./duration.ts";
import { counted, ok, type StepResult, skipped, warning } from "./step.ts";

/** Atlas takes one a day, so two days without one are more than a late one. */
const STALE_MS = 48 * 3_600_000;

export interface SnapshotLook {
  cluster: ClusterPath;
  snapshots: Snapshot[];
}

export async function lookForSnapshots(
  { atlas }: AtlasAccess,
  cluster: ClusterPath,
  limits: CallLimits,
): Promise<SnapshotLook> {
  const found: Snapshot[] = [];
  for await (const snapshot of atlas.snapshots(cluster, limits)) found.push(snapshot);
  return { cluster, snapshots: found };
}

export function snapshots({ cluster: { name }, snapshots: list }: SnapshotLook, now: number): StepResult {
  const finished = list
    .filter(({ status }) => status?.toUpperCase() === "COMPLETED")
    .map(({ finishTime }) => Date.parse(finishTime ?? ""))
    .filter((moment) => !Number.isNaN(moment));
  const total = counted(list.length, "snapshot");
  if (finished.length === 0) {
    return warning(
      `${name} has no complete snapshot (${total})`,
      list.length > 0
        ? "Look at the backups of this cluster in Atlas: none of them is reported as complete."
        : "Atlas takes the first one about 24 hours after a Flex cluster is created; none can be taken on demand.",
    );
  }
  const latest = Math.max(...finished);
  const found = `${name} has ${total}, the latest complete one ${duration(now - latest)} old`;
  if (now - latest <= STALE_MS) return ok(found);
  return warning(found, "Atlas takes one a day: look at the backups of this cluster in Atlas.");
}

/** The one thing that stays open: Atlas tells it only by creating a job, which counts against the project's downloads. */
export function downloadRole(needed: boolean): StepResult {
  if (!needed) return skipped("no tool is registered that creates download jobs");
  return {
    state: "skipped",
    found: "cannot be known without creating a download job, which this check does not do",
    whatToDo:
      "To download, the credentials need Project Owner or the newer Project Backup Export Operator on the project; Project Read Only is enough to read.",
  };
}
