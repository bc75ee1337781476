import type { AtlasAccess } from "../../atlas/access.ts";
import { PROJECTS_AT_ONCE } from "../../atlas/client.ts";
import { type ClusterLook, lookForClusters as lookForAll } from "../../atlas/cluster-looks.ts";
import type { ClusterPath, FlexCluster, Project, Snapshot } from "../../atlas/model.ts";
import type { Config } from "../../config/config.ts";
import { isAtlasId, isClusterName } from "../../core/atlas-id.ts";
import { concurrently } from "../../core/concurrency.ts";
import { Failure } from "../../core/errors.ts";
import { clean } from "../../core/text.ts";
import type { CallLimits } from "../../core/time.ts";
import { counted, duration, failed, failedWith, firstFew, ok, type StepResult, skipped, warning } from "./step.ts";

const NAME_CHARACTERS = 40;

interface ReadableProject {
  id: string;
  name?: string;
}

/** A project by its id: readable, or why not. */
type ProjectLook = ReadableProject | { id: string; failure: Failure };

export interface ProjectLooks {
  looks: ProjectLook[];
  /** All that the credentials reach; only when one that was set cannot be read, to choose from. */
  reachable?: ReadableProject[];
}

/** Codes that say that the project is not there for these credentials. */
const NOT_THERE = ["GROUP_NOT_FOUND", "INVALID_GROUP_ID", "NOT_ATLAS_GROUP", "NOT_IN_GROUP"];

/** The projects that this server would work with: the allowed ones by id, else the configured one and all that Atlas lists. */
export async function lookForProjects(
  { atlas }: AtlasAccess,
  { allowedProjects, projectId }: Pick<Config, "allowedProjects" | "projectId">,
  limits: CallLimits,
): Promise<ProjectLooks> {
  const byId = async (id: string): Promise<ProjectLook> => {
    try {
      return { ...named(await atlas.getProject(id, limits)), id };
    } catch (error) {
      if (error instanceof Failure) return { id, failure: error };
      throw error;
    }
  };
  // A configured project that is not allowed is a problem of the settings, and nobody asks for it.
  const wanted = allowedProjects ?? (projectId ? [projectId] : []);
  const looks = await concurrently([...new Set(wanted)], PROJECTS_AT_ONCE, byId);
  const listed = async () => {
    const found: ReadableProject[] = [];
    for await (const project of atlas.projects(limits))
      if (project.id && isAtlasId(project.id)) found.push({ ...named(project), id: project.id });
    return found;
  };
  if (!allowedProjects) {
    const reachable = await listed();
    return { looks: [...looks, ...reachable.filter(({ id }) => id !== projectId)], reachable };
  }
  if (looks.length > 0 && looks.every((look) => !("failure" in look))) return { looks };
  try {
    return { looks, reachable: await listed() };
  } catch (error) {
    if (error instanceof Failure) return { looks }; // An aid only: what was looked for is found.
    throw error;
  }
}

export function projects(
  { looks, reachable }: ProjectLooks,
  { allowedProjects }: Pick<Config, "allowedProjects">,
): StepResult {
  const readable = readableOf(looks);
  const refused = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const which = allowedProjects ? "allowed project" : "project";
  const [first] = refused;
  if (first) {
    const ids = refused.map(
      ({ id, failure }) => `${id} (${failure.envelope.errorCode ?? failure.envelope.error ?? "?"})`,
    );
    const setting = allowedProjects ? "ATLAS_FLEX_ALLOWED_PROJECTS" : "MONGODB_ATLAS_PROJECT_ID";
    const step = failedWith(
      first.failure,
      `${refused.length} of ${counted(looks.length, which)} cannot be read: ${firstFew(ids)}`,
    );
    const { errorCode = "" } = first.failure.envelope;
    const advice = NOT_THERE.includes(errorCode) ? INVITE : step.whatToDo;
    return { ...step, whatToDo: [`Check the ids in ${setting}.`, ...choiceOf(reachable), advice].join("\n") };
  }
  if (looks.length === 0 && allowedProjects) {
    return failed(
      "ATLAS_FLEX_ALLOWED_PROJECTS allows none",
      ["Correct its ids, or unset it.", ...choiceOf(reachable)].join("\n"),
    );
  }
  if (readable.length === 0) {
    return failed(
      "these credentials belong to no project",
      "In Atlas, invite the service account or API key to the project, with the role Project Owner or Project Backup Export Operator.",
    );
  }
  return ok(`${counted(readable.length, which)}: ${firstFew(readable.map(titleOf))}`);
}

const INVITE = "If the id is right, invite the service account or API key to the project in Atlas.";

function choiceOf(reachable: readonly ReadableProject[] | undefined): string[] {
  if (!reachable) return [];
  const titles = firstFew(reachable.map(titleOf));
  return [titles ? `These credentials reach: ${titles}.` : "These credentials reach no project at all."];
}

export function readableOf(looks: readonly ProjectLook[]): ReadableProject[] {
  return looks.flatMap((look) => ("failure" in look ? [] : [look]));
}

const titleOf = ({ id, name }: ReadableProject): string => (name ? `${name} (${id})` : id);

function named({ name }: Project): { name?: string } {
  return name ? { name: clean(name, NAME_CHARACTERS) } : {};
}

/** An organization with more is asked about the first ones only: one request each. */
const MAX_PROJECTS = 200;
/** Of projects, and of clusters in each: a line to recognise them by, not the list that the tools give. */
const MAX_NAMES = 5;
const CLUSTER_NAME_CHARACTERS = 64;

interface ClusterLooks {
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
  return clusters.flatMap(({ name }) => (name ? [clean(name, CLUSTER_NAME_CHARACTERS)] : []));
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

/** Atlas takes one a day, so two days without one are more than a late one. */
const STALE_MS = 48 * 3_600_000;

interface SnapshotLook {
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
