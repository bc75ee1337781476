// Steps of `check` that read from Atlas: projects, Flex clusters, and the snapshots of one cluster.
import type { AtlasAccess } from "../../atlas/access.ts";
import type { Atlas } from "../../atlas/client.ts";
import { tellingCode } from "../../atlas/hints.ts";
import { AT_ONCE, lookForClusters } from "../../atlas/look.ts";
import { type ClusterPath, isCompleted, type Project, type Snapshot } from "../../atlas/model.ts";
import type { Config } from "../../config/types.ts";
import { isAtlasId, isClusterName } from "../../core/atlas-id.ts";
import { concurrently } from "../../core/concurrency.ts";
import { Failure } from "../../core/errors.ts";
import { firstFew, quoted } from "../../core/text.ts";
import type { CallLimits, Clock } from "../../core/time.ts";
import { counted } from "../advice.ts";
import { duration, failed, failedWith, ok, type StepResult, warning } from "./step.ts";

/** The most projects, and clusters of each project, that the step names; the tools give the whole list. */
const MAX_NAMES = 5;
/** Each project takes one request, so in larger organizations only the first projects are searched for clusters. */
const MAX_PROJECTS = 200;
/** Atlas takes one snapshot a day; a gap of two days is more than a late snapshot. */
const STALE_MS = 48 * 3_600_000;

/** Atlas's codes for a project that does not exist or that these credentials may not see. */
const NOT_FOUND = ["GROUP_NOT_FOUND", "INVALID_GROUP_ID", "NOT_ATLAS_GROUP", "NOT_IN_GROUP"];

interface ReadableProject {
  id: string;
  name?: string;
}

interface RefusedProject {
  id: string;
  failure: Failure;
}

/** Reads the projects that this server would use: the allowed ones, else the configured one and all that Atlas lists. */
export async function projects(
  { atlas }: AtlasAccess,
  { allowedProjects, projectId }: Config,
  limits: CallLimits,
): Promise<StepResult & { readable: ReadableProject[] }> {
  // A configured project that is not allowed is not requested; the step of the settings reports it.
  const wanted = new Set(allowedProjects ?? (projectId ? [projectId] : []));
  const readOne = async (id: string): Promise<ReadableProject | RefusedProject> => {
    try {
      return { ...named(await atlas.getProject(id, limits)), id };
    } catch (error) {
      if (error instanceof Failure) return { id, failure: error };
      throw error;
    }
  };
  const looks = await concurrently([...wanted], AT_ONCE, readOne);
  const readable = looks.flatMap((look) => ("failure" in look ? [] : [look]));
  const refused = looks.flatMap((look) => ("failure" in look ? [look] : []));

  let listed: ReadableProject[] | undefined;
  try {
    if (!allowedProjects || readable.length === 0 || refused.length > 0) listed = await listProjects(atlas, limits);
  } catch (error) {
    // With allowed projects, the list only helps to correct their ids; the step can do without it.
    if (!allowedProjects || !(error instanceof Failure)) throw error;
  }
  if (listed && !allowedProjects) readable.push(...listed.filter(({ id }) => id !== projectId));
  return { ...judgeProjects(readable, refused, listed, allowedProjects !== undefined), readable };
}

async function listProjects(atlas: Atlas, limits: CallLimits): Promise<ReadableProject[]> {
  const found: ReadableProject[] = [];
  for await (const project of atlas.projects(limits))
    if (project.id && isAtlasId(project.id)) found.push({ ...named(project), id: project.id });
  return found;
}

function judgeProjects(
  readable: readonly ReadableProject[],
  refused: readonly RefusedProject[],
  listed: readonly ReadableProject[] | undefined,
  areAllowed: boolean,
): StepResult {
  const noun = areAllowed ? "allowed project" : "project";
  const titles = firstFew((listed ?? []).map(titleOf));
  const choice = titles ? `These credentials reach: ${titles}.` : "These credentials reach no project at all.";
  const choices = listed ? [choice] : [];
  const [first] = refused;
  if (first) {
    const ids = refused.map(
      ({ id, failure: { envelope, code } }) => `${id} (${tellingCode(envelope.error, code) ?? envelope.error ?? "?"})`,
    );
    const total = counted(readable.length + refused.length, noun);
    const step = failedWith(first.failure, `${refused.length} of ${total} cannot be read: ${firstFew(ids)}`);
    const setting = areAllowed ? "ATLAS_FLEX_ALLOWED_PROJECTS" : "MONGODB_ATLAS_PROJECT_ID";
    const advice = NOT_FOUND.includes(first.failure.code ?? "")
      ? "If the id is right, invite the service account or API key to the project in Atlas."
      : step.whatToDo;
    return { ...step, whatToDo: [`Check the ids in ${setting}.`, ...choices, advice].join("\n") };
  }
  if (readable.length > 0) return ok(`${counted(readable.length, noun)}: ${firstFew(readable.map(titleOf))}`);
  if (areAllowed)
    return failed("ATLAS_FLEX_ALLOWED_PROJECTS allows none", ["Correct its ids, or unset it.", ...choices].join("\n"));
  return failed(
    "these credentials belong to no project",
    "In Atlas, invite the service account or API key to the project, with the role Project Owner or Project Backup Export Operator.",
  );
}

/** The name of a project can be any text. */
const titleOf = ({ id, name }: ReadableProject): string => (name ? `${quoted(name)} (${id})` : id);

const named = ({ name }: Project): { name?: string } => (name ? { name } : {});

/** Looks for Flex clusters in the first projects; also returns the cluster whose snapshots the next step reads. */
export async function flexClusters(
  { atlas }: AtlasAccess,
  projects: readonly ReadableProject[],
  limits: CallLimits,
): Promise<StepResult & { firstCluster: ClusterPath | undefined }> {
  const looks = await lookForClusters(atlas, projects.slice(0, MAX_PROJECTS), limits);
  const unread = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const read = looks.flatMap((look) => {
    if ("failure" in look) return [];
    const names = look.clusters.flatMap(({ name }) => name ?? []);
    return [{ project: look.project, names }];
  });
  // The name becomes part of a path, so it must have the form of a cluster name.
  const [firstCluster] = read.flatMap(({ project, names }) =>
    names.filter(isClusterName).map((name) => ({ groupId: project.id, name })),
  );

  const total = read.reduce((sum, { names }) => sum + names.length, 0);
  const places = read
    .filter(({ names }) => names.length > 0)
    .map(({ project, names }) => `${firstFew(names.map(clusterTitle), MAX_NAMES)} in ${titleOf(project)}`);
  const isPartial = projects.length > looks.length;
  const list =
    total > 0 ? `${total}: ${firstFew(places, MAX_NAMES, "; ")}` : `none in ${counted(read.length, "project")}`;
  const found = `${list}${isPartial ? `; only the first ${looks.length} projects were looked at` : ""}`;
  const [first] = unread;
  if (first) {
    const names = firstFew(unread.map(({ project }) => titleOf(project)));
    const gap = `${unread.length} of ${counted(looks.length, "project")} cannot be read: ${names}`;
    const step = failedWith(first.failure, read.length > 0 ? `${found}; ${gap}` : gap);
    // An unreadable project may belong to other people, so the check fails only if no cluster was found.
    return { ...step, state: total > 0 ? "warning" : "failed", firstCluster };
  }
  if (total > 0) return { ...ok(found), firstCluster };
  const advice =
    "There is nothing to save yet. Clusters of other tiers (M0, M10 and above) are not covered by this server.";
  return { ...warning(found, advice), firstCluster };
}

const clusterTitle = (name: string) => (isClusterName(name) ? name : quoted(name));

/** Whether the cluster has a recent complete snapshot. */
export async function snapshots(
  { atlas }: AtlasAccess,
  cluster: ClusterPath,
  clock: Clock,
  limits: CallLimits,
): Promise<StepResult> {
  const found: Snapshot[] = [];
  for await (const snapshot of atlas.snapshots(cluster, limits)) found.push(snapshot);
  return judgeSnapshots(cluster.name, found, clock.now());
}

export function judgeSnapshots(clusterName: string, list: readonly Snapshot[], now: number): StepResult {
  const finished = list
    .filter(isCompleted)
    .map(({ finishTime }) => Date.parse(finishTime ?? ""))
    .filter((moment) => !Number.isNaN(moment));
  const total = counted(list.length, "snapshot");
  if (finished.length === 0) {
    return warning(
      `${clusterName} has no complete snapshot (${total})`,
      list.length > 0
        ? "Look at the backups of this cluster in Atlas: none of them is reported as complete."
        : "Atlas takes the first one about 24 hours after a Flex cluster is created; none can be taken on demand.",
    );
  }
  const age = now - Math.max(...finished);
  const found = `${clusterName} has ${total}, the latest complete one ${duration(age)} old`;
  if (age <= STALE_MS) return ok(found);
  return warning(found, "Atlas takes one a day: look at the backups of this cluster in Atlas.");
}
