// A save as a person asks for it, by the cluster's name: finds the project and the snapshot, then begins or joins the save.
import { ageHoursOf, attention, newestComplete, snapshotsOf } from "../atlas/backups.ts";
import type { Atlas } from "../atlas/client.ts";
import { reasonInWords } from "../atlas/hints.ts";
import {
  checkAllowed,
  lookForClusters,
  type ProjectSettings,
  projectsToRead,
  type ReadableProject,
} from "../atlas/look.ts";
import { type FlexCluster, isCompleted, isFailed, type Snapshot } from "../atlas/model.ts";
import { isClusterName } from "../core/atlas-id.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import { nearest, quoted, sizeInWords } from "../core/text.ts";
import { type CallLimits, type Clock, whenOf } from "../core/time.ts";
import type { PartSummary, SaveReport, SnapshotStore, WaitOptions } from "../download/contract.ts";
import type { SaveAnswer, SaveOrder, Saves } from "../tools/tool.ts";

/** Reading hundreds of projects takes a while; the lookup goes on between calls. */
const LOOKUP_LIMIT_MS = 120_000;
/** A part that was begun longer ago is not what somebody means who asks for the latest backup. */
const PART_LIFE_MS = 24 * 3_600_000;
const MAX_NAMED = 10;
/** Comparing names is costly; nobody has more Flex clusters. */
const MAX_COMPARED_NAMES = 500;

/** What a save by name means. */
interface Target {
  groupId: string;
  projectName?: string | undefined;
  snapshotId: string;
  /** What the person should know of the choice. */
  notes: string[];
}

interface SavesOptions extends ProjectSettings {
  atlas: Atlas;
  store: SnapshotStore;
  clock: Clock;
  /** See `SnapshotStoreOptions`. */
  outlivesCalls: boolean;
}

/** How often a call that waits for the lookup hears of it. */
const QUIET_MS = 10_000;

export function createSaves(options: SavesOptions): Saves & { close: () => void } {
  const { store, clock, outlivesCalls } = options;
  const closed = new AbortController();
  /** Lookups that run, and their results until the save has ended, by what was asked for. */
  const lookups = new Map<string, Promise<Target>>();

  function lookUp({ name, groupId, snapshotId }: SaveOrder): Promise<Target> {
    const limits = { deadline: clock.now() + LOOKUP_LIMIT_MS, signal: closed.signal };
    return findTarget({ name, groupId, snapshotId }, options, limits);
  }

  async function save(order: SaveOrder, wait: WaitOptions<SaveReport>): Promise<SaveAnswer> {
    const { name, groupId, snapshotId, fileName } = order;
    if (groupId !== undefined) checkAllowed(groupId, options.allowedProjects);
    const request = (target: Target) => ({
      groupId: target.groupId,
      name,
      snapshotId: target.snapshotId,
      projectName: target.projectName,
      byName: snapshotId === undefined,
      ...(fileName !== undefined && { fileName }),
    });
    if (groupId !== undefined && snapshotId !== undefined) {
      const target = { groupId, snapshotId, notes: [] };
      return { ...(await store.save(request(target), wait)), target: { groupId, snapshotId } };
    }
    const key = JSON.stringify([name, groupId, snapshotId]);
    const lookup = lookups.get(key) ?? lookUp(order);
    lookups.set(key, lookup);
    const forget = () => void (lookups.get(key) === lookup && lookups.delete(key));
    lookup.catch(forget);
    const until = clock.ticks() + wait.waitMs;
    const target = await within(lookup, wait, clock).catch((error: unknown) => {
      if (wait.signal.aborted && outlivesCalls) begin(lookup);
      throw error;
    });
    if (!target) {
      begin(lookup);
      return { state: "requesting", bytes: 0 };
    }
    const waitMs = Math.max(0, until - clock.ticks());
    const report = await store.save(request(target), { ...wait, waitMs }).catch((error: unknown) => {
      forget();
      throw error;
    });
    if (report.state === "complete" || report.state === "paused") forget();
    const warnings = [...target.notes, ...(report.warnings ?? [])];
    const { groupId: project, projectName, snapshotId: snapshot } = target;
    return {
      ...report,
      ...(warnings.length > 0 && { warnings }),
      target: { groupId: project, snapshotId: snapshot, ...(projectName !== undefined && { projectName }) },
    };

    /** Begins the save when the lookup ends, although no call waits for it. */
    function begin(found: Promise<Target>): void {
      const ignoreFailure = () => undefined; // The next call looks again, and gets the failure then.
      found.then((it) => store.save(request(it), { waitMs: 0, signal: closed.signal })).catch(ignoreFailure);
    }
  }

  return { save, close: () => closed.abort() };
}

/** The result of the work, or undefined if the wait ends first. Reports every ten seconds that the lookup goes on. */
async function within<T>(
  work: Promise<T>,
  { waitMs, signal, onProgress }: WaitOptions<SaveReport>,
  clock: Clock,
): Promise<T | undefined> {
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const end = clock.ticks() + waitMs;
  const patience = async () => {
    for (;;) {
      await clock.sleep(Math.min(QUIET_MS, end - clock.ticks()), until);
      if (clock.ticks() >= end) return undefined;
      onProgress?.({ state: "requesting", bytes: 0 });
    }
  };
  const waiting = patience();
  try {
    return await Promise.race([work, waiting]);
  } finally {
    over.abort();
    waiting.catch(() => undefined);
  }
}

async function findTarget(
  wanted: Pick<SaveOrder, "name" | "groupId" | "snapshotId">,
  options: SavesOptions,
  limits: CallLimits,
): Promise<Target> {
  const { atlas, store, clock } = options;
  const { name, snapshotId } = wanted;
  const { project, cluster } = await findCluster(wanted, options, limits);
  const found = { groupId: project.id, ...(project.name ? { projectName: project.name } : {}) };
  if (snapshotId !== undefined) return { ...found, snapshotId, notes: [] };
  const path = { groupId: project.id, name };
  const [snapshots, parts] = await Promise.all([snapshotsOf(atlas, path, limits), store.parts(path, limits.signal)]);
  const now = clock.now();
  const complete = new Set(snapshots.filter(isCompleted).map(({ id }) => id));
  const isMeant = ({ byName, startedAt, identity }: PartSummary) =>
    byName && now - startedAt < PART_LIFE_MS && complete.has(identity.snapshotId);
  const part = parts.find(isMeant);
  const chosen = part?.identity.snapshotId ?? newestComplete(snapshots)?.id;
  if (chosen === undefined) throw noBackup(snapshots, now);
  const others = parts.filter(({ identity }) => identity.snapshotId !== chosen);
  const careful = attention(snapshots, { now, createDate: cluster?.createDate });
  const isNewer = part !== undefined && newestComplete(snapshots)?.id !== chosen;
  return {
    ...found,
    snapshotId: chosen,
    notes: [
      ...(isNewer ? ["Atlas has a newer backup by now; this save goes on with the one that was begun."] : []),
      ...others.slice(0, MAX_NAMED).map((other) => olderPart(other, now)),
      ...(careful === undefined ? [] : [careful]),
    ],
  };
}

function olderPart({ identity, facts, bytes }: PartSummary, now: number): string {
  const when = whenOf(facts.finishTime, now);
  return `An unfinished part of another backup${when === undefined ? "" : ` (${when})`} is kept: ${sizeInWords(bytes)}, snapshotId ${identity.snapshotId}.`;
}

interface Found {
  project: ReadableProject;
  cluster?: FlexCluster | undefined;
}

/** The one cluster of the name. Without a project's id, every project that may be read has to be read. */
async function findCluster(
  { name, groupId }: Pick<SaveOrder, "name" | "groupId">,
  { atlas, ...settings }: SavesOptions,
  limits: CallLimits,
): Promise<Found> {
  if (groupId !== undefined) return { project: await named(atlas, { id: groupId }, limits) };
  const { projects, limitedBy } = await projectsToRead(atlas, undefined, settings, limits);
  const looks = await lookForClusters(atlas, projects, limits);
  const unread = looks.flatMap((look) => ("failure" in look ? [look] : []));
  const read = looks.flatMap((look) => ("clusters" in look ? [look] : []));
  const found = read.flatMap(({ project, clusters }) =>
    clusters.flatMap((cluster) => (cluster.name === name ? [{ project, cluster }] : [])),
  );
  const [first] = unread;
  if (first && read.length === 0) throw first.failure;
  if (found.length > 1) throw severalFound(name, found);
  if (first) throw notProven(name, unread, found[0]);
  const [only] = found;
  if (!only) throw noneFound(name, read, limitedBy);
  return { ...only, project: await named(atlas, only.project, limits) };
}

/** The project with its name, which is not known yet where the project was given by its id. */
async function named(atlas: Atlas, project: ReadableProject, limits: CallLimits): Promise<ReadableProject> {
  if (project.name) return project;
  try {
    return { ...project, name: (await atlas.getProject(project.id, limits)).name };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return project; // The name is only shown.
  }
}

const title = ({ id, name }: ReadableProject) => (name ? `${quoted(name)} (groupId ${id})` : `groupId ${id}`);

function listed(titles: readonly string[]): string {
  const rest = titles.length - MAX_NAMED;
  return `${titles.slice(0, MAX_NAMED).join("; ")}${rest > 0 ? `; and ${rest} more` : ""}`;
}

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
  return ownFailure("PROJECTS_UNREADABLE", { detail: `${known}, but these projects could not be read: ${which}.` });
}

function noneFound(
  name: string,
  read: readonly { clusters: readonly FlexCluster[] }[],
  limitedBy: string | undefined,
): Failure {
  const names = read.flatMap(({ clusters }) => clusters.flatMap((cluster) => cluster.name ?? [])).filter(isClusterName);
  const meant = nearest(name, names.slice(0, MAX_COMPARED_NAMES));
  const others = [...new Set(names)].slice(0, MAX_NAMED).join(", ");
  const known = meant ? ` Did you mean ${meant}?` : others ? ` There are: ${others}.` : "";
  const scope = limitedBy ? ` Only the projects that ${limitedBy} names were searched.` : "";
  return ownFailure("CLUSTER_UNKNOWN", { detail: `No Flex cluster is named ${name}.${known}${scope}` });
}

function noBackup(snapshots: readonly Snapshot[], now: number): Failure {
  const [newest] = snapshots;
  if (!newest)
    return ownFailure("NO_COMPLETE_SNAPSHOT", {
      detail:
        "The cluster has no backup yet. Atlas takes the first one about 24 hours after a Flex cluster is created.",
    });
  if (snapshots.every(isFailed))
    return ownFailure("NO_COMPLETE_SNAPSHOT", {
      detail: "Every backup of the cluster failed in Atlas. Atlas takes the next one within 24 hours.",
    });
  const age = ageHoursOf(newest, now);
  return ownFailure("NO_COMPLETE_SNAPSHOT", {
    detail: `No backup of the cluster is complete yet${age === undefined ? "; Atlas is taking one" : ""}.`,
  });
}
