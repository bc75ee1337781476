import { concurrently } from "../core/concurrency.ts";
import { Failure } from "../core/errors.ts";
import type { CallLimits } from "../core/time.ts";
import { type Atlas, PROJECTS_AT_ONCE } from "./client.ts";
import type { FlexCluster } from "./model.ts";

/** The Flex clusters of a project, or why they could not be read. */
export type ClusterLook<Project> =
  | { project: Project; clusters: FlexCluster[] }
  | { project: Project; failure: Failure };

/** Reads the Flex clusters of every project, a few at a time; what one of them answers is no failure of the others. */
export async function lookForClusters<Project extends { id: string }>(
  atlas: Atlas,
  projects: readonly Project[],
  limits: CallLimits,
  onLook: (count: number) => void = () => {},
): Promise<ClusterLook<Project>[]> {
  let count = 0;
  return concurrently(projects, PROJECTS_AT_ONCE, async (project) => {
    const look = await lookAt(atlas, project, limits);
    count += 1;
    onLook(count);
    return look;
  });
}

async function lookAt<Project extends { id: string }>(
  atlas: Atlas,
  project: Project,
  limits: CallLimits,
): Promise<ClusterLook<Project>> {
  try {
    const clusters: FlexCluster[] = [];
    for await (const cluster of atlas.flexClusters(project.id, limits)) clusters.push(cluster);
    return { project, clusters };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { project, failure: error };
  }
}
