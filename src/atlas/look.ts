// Which projects to look at, and the Flex clusters in them.
import { concurrently } from "../core/concurrency.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import { firstFew, quoted } from "../core/text.ts";
import type { CallLimits } from "../core/time.ts";
import type { Atlas } from "./client.ts";
import type { FlexCluster, Project } from "./model.ts";

/** Enough parallel requests to hide the latency, few enough to leave room in the rate limit for others. */
export const AT_ONCE = 8;

export type ReadableProject = Project & { id: string };

export interface Projects {
  projects: ReadableProject[];
  /** The setting that narrows them. */
  limitedBy?: "MONGODB_ATLAS_PROJECT_ID" | "ATLAS_FLEX_ALLOWED_PROJECTS";
}

/** The settings that say which projects to look at when a call names none. */
export interface ProjectSettings {
  projectId?: string | undefined;
  allowedProjects?: readonly string[] | undefined;
}

/** Throws `PROJECT_NOT_ALLOWED`. The ids of projects are not secret, so the error may name them. */
export function checkAllowed(groupId: string, allowed: readonly string[] | undefined): void {
  if (!allowed || allowed.includes(groupId)) return;
  throw ownFailure("PROJECT_NOT_ALLOWED", {
    detail: `Project ${groupId} is not in ATLAS_FLEX_ALLOWED_PROJECTS, which allows ${firstFew(allowed)}; nothing was sent.`,
  });
}

/** The project that a call names, else the default project, else every allowed one, else every one that the credentials reach. */
export async function projectsToRead(
  atlas: Atlas,
  groupId: string | undefined,
  { projectId, allowedProjects }: ProjectSettings,
  limits: CallLimits,
): Promise<Projects> {
  if (groupId) return { projects: [{ id: groupId }] };
  if (projectId) return { projects: [{ id: projectId }], limitedBy: "MONGODB_ATLAS_PROJECT_ID" };
  if (allowedProjects)
    return { projects: allowedProjects.map((id) => ({ id })), limitedBy: "ATLAS_FLEX_ALLOWED_PROJECTS" };
  const projects: ReadableProject[] = [];
  for await (const project of atlas.projects(limits)) if (project.id) projects.push({ ...project, id: project.id });
  return { projects };
}

/** Names clusters in sentences: by name, and by project too where several clusters have the name. */
export function labelsOf(clusters: readonly NamedCluster[]): (cluster: NamedCluster) => string {
  const names = clusters.map(({ name }) => name);
  return ({ name, project }) => {
    if (names.indexOf(name) === names.lastIndexOf(name)) return name;
    return `${name} in ${project.name ? quoted(project.name) : `project ${project.id}`}`;
  };
}

interface NamedCluster {
  name: string;
  project: ReadableProject;
}

/** The Flex clusters of a project, or why they could not be read. */
export type ClusterLook<WithId> = { project: WithId; clusters: FlexCluster[] } | { project: WithId; failure: Failure };

/** Reads the Flex clusters of several projects; a project that cannot be read does not affect the others. */
export async function lookForClusters<WithId extends { id: string }>(
  atlas: Atlas,
  projects: readonly WithId[],
  limits: CallLimits,
  onLook: (count: number) => void = () => {},
): Promise<ClusterLook<WithId>[]> {
  let count = 0;
  return concurrently(projects, AT_ONCE, async (project) => {
    let look: ClusterLook<WithId>;
    try {
      const clusters: FlexCluster[] = [];
      for await (const cluster of atlas.flexClusters(project.id, limits)) clusters.push(cluster);
      look = { project, clusters };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      look = { project, failure: error };
    }
    count += 1;
    onLook(count);
    return look;
  });
}
