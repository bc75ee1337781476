import { type ClusterLook, lookForClusters as lookForAll } from "../atlas/cluster-looks.ts";
import type { FlexCluster } from "../atlas/schemas.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { clean } from "../core/text.ts";
import type { CallLimits } from "../core/time.ts";
import { type ReadableProject, titleOf } from "./projects.ts";
import { counted, failedWith, firstFew, ok, type StepResult, warning } from "./step.ts";

/** An organization with more is asked about the first ones only: one request each. */
const MAX_PROJECTS = 200;
/** Of projects, and of clusters in each: a line to recognise them by, not the list that the tools give. */
const MAX_NAMES = 5;
const NAME_CHARACTERS = 64;

export interface ClusterLooks {
  looks: ClusterLook<ReadableProject>[];
  /** Projects beyond the first ones, at which nobody looked. */
  omitted: number;
}

export async function lookForClusters(
  { atlas }: AtlasAccess,
  projects: readonly ReadableProject[],
  limits: CallLimits,
): Promise<ClusterLooks> {
  const looks = await lookForAll(atlas, projects.slice(0, MAX_PROJECTS), limits);
  return { looks, omitted: projects.length - looks.length };
}

export function flexClusters({ looks, omitted }: ClusterLooks): StepResult {
  const read = looks.flatMap((look) =>
    "clusters" in look ? [{ project: look.project, clusters: namesOf(look.clusters) }] : [],
  );
  const unread = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const total = read.reduce((sum, { clusters }) => sum + clusters.length, 0);
  const places = read
    .filter(({ clusters }) => clusters.length > 0)
    .map(({ project, clusters }) => `${firstFew(clusters, MAX_NAMES)} in ${titleOf(project)}`);
  const remark = omitted > 0 ? `; only the first ${looks.length} projects were looked at` : "";
  const found =
    total > 0
      ? `${total}: ${firstFew(places, MAX_NAMES, "; ")}${remark}`
      : `none in ${counted(read.length, "project")}${remark}`;
  const [first] = unread;
  if (first) {
    const gap = `${unread.length} of ${counted(looks.length, "project")} cannot be read: ${firstFew(unread.map(({ project }) => titleOf(project)))}`;
    const step = failedWith(first.failure, read.length > 0 ? `${found}; ${gap}` : gap);
    // Somebody else's projects are no reason to fail as long as there is something to save.
    return total > 0 ? { ...step, state: "warning" } : step;
  }
  if (total > 0) return ok(found);
  return warning(
    found,
    "There is nothing to save yet. Clusters of other tiers (M0, M10 and above) are not covered by this server.",
  );
}

function namesOf(clusters: readonly FlexCluster[]): string[] {
  return clusters.flatMap(({ name }) => (name ? [clean(name, NAME_CHARACTERS)] : []));
}

/** The cluster whose snapshots are looked at; its name becomes part of a path, so it must have the form of one. */
export function firstCluster(
  looks: readonly ClusterLook<ReadableProject>[],
): { groupId: string; name: string } | undefined {
  for (const look of looks) {
    const usable = "clusters" in look ? namesOf(look.clusters).find(isClusterName) : undefined;
    if (usable !== undefined) return { groupId: look.project.id, name: usable };
  }
  return undefined;
}
