import type { CallLimits } from "../atlas/contract.ts";
import type { AtlasAccess } from "../atlas-access.ts";
import { isClusterName } from "../atlas-id.ts";
import { Failure } from "../errors.ts";
import { clean } from "../text.ts";
import { concurrently } from "./concurrently.ts";
import { CONCURRENT_PROJECTS, type ReadableProject, titleOf } from "./projects.ts";
import { counted, failedWith, firstFew, ok, type StepResult, warning } from "./step.ts";

/** An organization with more is asked about the first ones only: one request each. */
const MAX_PROJECTS = 200;
/** Of projects, and of clusters in each: a line to recognise them by, not the list that the tools give. */
const MAX_NAMES = 5;
const NAME_CHARACTERS = 64;

interface ClusterNames {
  project: ReadableProject;
  /** Names, as the tools take them. */
  clusters: string[];
}

export type ClusterLook = ClusterNames | { project: ReadableProject; failure: Failure };

export interface ClusterLooks {
  looks: ClusterLook[];
  /** Projects beyond the first ones, at which nobody looked. */
  omitted: number;
}

/** Reads the Flex clusters of every project, a few at a time; what one of them answers is no failure of the others. */
export async function lookForClusters(
  { atlas }: AtlasAccess,
  projects: readonly ReadableProject[],
  limits: CallLimits,
): Promise<ClusterLooks> {
  const looks = await concurrently(
    projects.slice(0, MAX_PROJECTS),
    CONCURRENT_PROJECTS,
    async (project): Promise<ClusterLook> => {
      try {
        const clusters: string[] = [];
        for await (const cluster of atlas.flexClusters(project.id, limits))
          if (cluster.name) clusters.push(clean(cluster.name, NAME_CHARACTERS));
        return { project, clusters };
      } catch (error) {
        if (error instanceof Failure) return { project, failure: error };
        throw error;
      }
    },
  );
  return { looks, omitted: projects.length - looks.length };
}

export function flexClusters({ looks, omitted }: ClusterLooks): StepResult {
  const read = looks.flatMap((look) => ("clusters" in look ? [look] : []));
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

/** The cluster whose snapshots are looked at; its name becomes part of a path, so it must have the form of one. */
export function firstCluster(looks: readonly ClusterLook[]): { groupId: string; name: string } | undefined {
  for (const look of looks) {
    const usable = "clusters" in look ? look.clusters.find(isClusterName) : undefined;
    if (usable !== undefined) return { groupId: look.project.id, name: usable };
  }
  return undefined;
}
