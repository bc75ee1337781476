// What a save by name means: the one cluster of that name, its project, and the backup to save.
import { attention, newestComplete, snapshotsOf } from "../atlas/backups.ts";
import type { Atlas } from "../atlas/client.ts";
import { reasonInWords } from "../atlas/hints.ts";
import { lookForClusters, type ProjectSettings, projectsToRead, type ReadableProject } from "../atlas/look.ts";
import { type FlexCluster, isCompleted } from "../atlas/model.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import { firstFew, nearest, quoted, sizeInWords } from "../core/text.ts";
import { type CallLimits, type Clock, whenOf } from "../core/time.ts";
import type { PartSummary, SnapshotStore } from "../download/contract.ts";
import type { SaveOrder } from "../tools/tool.ts";

/** A part that was begun longer ago is not what somebody means who asks for the latest backup. */
const PART_LIFE_MS = 24 * 3_600_000;
const MAX_NAMED = 10;
/** Comparing names is costly; nobody has more Flex clusters. */
const MAX_COMPARED_NAMES = 500;

/** What a save by name means. */
export interface Target {
  groupId: string;
  projectName?: string | undefined;
  /** Atlas's own id of the cluster. */
  clusterId?: string | undefined;
  snapshotId: string;
  /** What the person should know of the choice. */
  notes: string[];
}

/** What the choice depends on. */
export interface FindOptions extends ProjectSettings {
  atlas: Atlas;
  store: SnapshotStore;
  clock: Clock;
}

/** Rejects with a `Failure` that says what is missing or ambiguous; nothing is guessed. */
export async function findTarget(
  wanted: Pick<SaveOrder, "name" | "groupId" | "snapshotId">,
  options: FindOptions,
  limits: CallLimits,
): Promise<Target> {
  const found = await findCluster(wanted, options, limits);
  return chooseBackup(found, wanted.snapshotId, options, limits);
}

/** The backup of the cluster: the wanted one, else one whose save was begun lately, else the newest. */
export async function chooseBackup(
  { project, name, cluster = {} }: Found,
  snapshotId: string | undefined,
  { atlas, store, clock }: FindOptions,
  limits: CallLimits,
): Promise<Target> {
  const found = { groupId: project.id, projectName: project.name, clusterId: cluster.id };
  if (snapshotId !== undefined) return { ...found, snapshotId, notes: [] };
  const path = { groupId: project.id, name };
  const [snapshots, parts] = await Promise.all([snapshotsOf(atlas, path, limits), store.parts(path, limits.signal)]);
  const now = clock.now();
  const complete = new Set(snapshots.filter(isCompleted).map(({ id }) => id));
  const isMeant = ({ byName, startedAt, identity }: PartSummary) =>
    byName && Math.abs(now - startedAt) < PART_LIFE_MS && complete.has(identity.snapshotId);
  const part = parts.filter(isMeant).sort((one, other) => finishOf(other) - finishOf(one))[0];
  const chosen = part?.identity.snapshotId ?? newestComplete(snapshots)?.id;
  const careful = attention(snapshots, { ...cluster, now });
  if (chosen === undefined) throw noBackup(careful);
  const others = parts.filter(({ identity }) => identity.snapshotId !== chosen);
  const isNewer = part !== undefined && newestComplete(snapshots)?.id !== chosen;
  return {
    ...found,
    snapshotId: chosen,
    notes: [
      ...(isNewer ? ["Atlas has a newer backup by now; this save goes on with the one that was begun."] : []),
      ...others.slice(0, MAX_NAMED).map((other) => olderPart(other, now)),
      ...(careful === undefined ? [] : [`About the cluster ${name}: ${careful}`]),
    ],
  };
}

const finishOf = ({ facts }: PartSummary) => Date.parse(facts.finishTime ?? "") || 0;

function olderPart({ identity, facts, bytes }: PartSummary, now: number): string {
  const when = whenOf(facts.finishTime, now);
  return `An unfinished part of another backup${when === undefined ? "" : ` (${when})`} is kept: ${sizeInWords(bytes)}, snapshotId ${identity.snapshotId}.`;
}

export interface Found {
  project: ReadableProject;
  /** The cluster's name. */
  name: string;
  cluster?: FlexCluster | undefined;
}

/** The one cluster of the name. Without a project's id, every project that may be read has to be read. */
async function findCluster(
  { name, groupId }: Pick<SaveOrder, "name" | "groupId">,
  options: FindOptions,
  limits: CallLimits,
): Promise<Found> {
  const { atlas, clock } = options;
  if (groupId !== undefined) {
    const [project, [look]] = await Promise.all([
      named(atlas, { id: groupId }, limits, clock),
      lookForClusters(atlas, [{ id: groupId }], shortly(limits, clock)),
    ]);
    // What cannot be read is only shown; the snapshots are asked for by the name itself.
    const clusters = look && "clusters" in look ? look.clusters : [];
    return { project, name, cluster: clusters.find((cluster) => cluster.name === name) };
  }
  const only = onlyCluster(name, await readClusters(undefined, options, limits));
  return { ...only, project: await named(atlas, only.project, limits, clock) };
}

/** The Flex clusters of every project that may be read, and the projects that could not be read. */
export interface Clusters {
  /** What narrows the projects: a setting, or the call itself. */
  limitedBy?: string;
  read: { project: ReadableProject; clusters: readonly FlexCluster[] }[];
  unread: { project: ReadableProject; failure: Failure }[];
}

/** Reads the project that is named, else the default one, else every project. */
export async function readClusters(
  groupId: string | undefined,
  { atlas, ...settings }: ProjectSettings & { atlas: Atlas },
  limits: CallLimits,
): Promise<Clusters> {
  const { projects, limitedBy = groupId && "the call" } = await projectsToRead(atlas, groupId, settings, limits);
  const looks = await lookForClusters(atlas, projects, limits);
  const unread = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const read = looks.flatMap((look) => ("clusters" in look ? [look] : []));
  return { read, unread, ...(limitedBy && { limitedBy }) };
}

/** The one cluster of the name; throws a `Failure` that names the others if there is none or more than one. */
export function onlyCluster(name: string, { read, unread, limitedBy }: Clusters): Found {
  const found = read.flatMap(({ project, clusters }) =>
    clusters.flatMap((cluster) => (cluster.name === name ? [{ project, name, cluster }] : [])),
  );
  const [first] = unread;
  if (first && read.length === 0) throw first.failure;
  if (found.length > 1) throw severalFound(name, found);
  if (first) throw notProven(name, unread, found[0]);
  const [only] = found;
  if (!only) throw noneFound(name, read, limitedBy);
  return only;
}

/** What is only shown must not hold up the save for longer. */
const SHOWN_LIMIT_MS = 5_000;

const shortly = (limits: CallLimits, clock: Clock): CallLimits => ({
  ...limits,
  deadline: Math.min(limits.deadline, clock.now() + SHOWN_LIMIT_MS),
});

/** The project with its name, which is not known where the project was given by its id. What cannot be read stays unnamed. */
export async function named(
  atlas: Atlas,
  project: ReadableProject,
  limits: CallLimits,
  clock: Clock,
): Promise<ReadableProject> {
  if (project.name) return project;
  try {
    return { ...project, name: (await atlas.getProject(project.id, shortly(limits, clock))).name };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return project; // The name is only shown.
  }
}

const title = ({ id, name }: ReadableProject) => (name ? `${quoted(name)} (groupId ${id})` : `groupId ${id}`);

const listed = (titles: readonly string[]) => firstFew(titles, MAX_NAMED, "; ");

function severalFound(name: string, found: readonly Found[]): Failure {
  const where = listed(found.map(({ project }) => title(project)));
  return ownFailure("SEVERAL_CLUSTERS", {
    detail: `${found.length} projects have a Flex cluster named ${name}: ${where}.`,
  });
}

function notProven(
  name: string,
  unread: readonly { project: ReadableProject; failure: Failure }[],
  found: Found | undefined,
): Failure {
  const which = listed(unread.map(({ project, failure }) => `${title(project)}${reasonInWords(failure, ": ")}`));
  const known = found
    ? `A Flex cluster named ${name} is in ${title(found.project)}`
    : `No Flex cluster named ${name} was found`;
  const detail = `${known}, but these projects could not be read: ${which}.`;
  const mayPass = unread.some(({ failure }) => failure.envelope.retryable);
  return ownFailure("PROJECTS_UNREADABLE", { detail, ...(!mayPass && { retryable: false, hint: NAME_THE_PROJECT }) });
}

const NAME_THE_PROJECT =
  "Name the project of the cluster as groupId. Projects that stay unreadable need an invitation of the credentials, or ATLAS_FLEX_ALLOWED_PROJECTS without them.";

function noneFound(
  name: string,
  read: readonly { clusters: readonly FlexCluster[] }[],
  limitedBy: string | undefined,
): Failure {
  const names = read.flatMap(({ clusters }) => clusters.flatMap((cluster) => cluster.name ?? [])).filter(isClusterName);
  const meant = nearest(name, names.slice(0, MAX_COMPARED_NAMES));
  const others = [...new Set(names)].slice(0, MAX_NAMED).join(", ");
  const known = `${meant ? ` Did you mean ${meant}?` : ""}${others ? ` There are: ${others}.` : ""}`;
  const scope = limitedBy ? ` Only what ${limitedBy} names was searched.` : "";
  return ownFailure("CLUSTER_UNKNOWN", { detail: `No Flex cluster is named ${name}.${known}${scope}` });
}

/** Why there is nothing to save, and when a backup is due. */
function noBackup(careful: string | undefined): Failure {
  const detail =
    careful ?? "There is no backup yet. Atlas takes the first one about 24 hours after a Flex cluster is created.";
  return ownFailure("NO_COMPLETE_SNAPSHOT", { detail });
}
