// What the snapshots of a cluster say about its backups: the newest, its age, and what needs attention.
import { isAtlasId, isClusterName } from "../core/atlas-id.ts";
import { concurrently } from "../core/concurrency.ts";
import { Failure } from "../core/errors.ts";
import { spanInWords } from "../core/text.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { Atlas } from "./client.ts";
import { reasonInWords } from "./hints.ts";
import { AT_ONCE } from "./look.ts";
import { type ClusterPath, type FlexCluster, isCompleted, isFailed, type Snapshot } from "./model.ts";

const HOUR_MS = 3_600_000;
/** Atlas takes a snapshot every 24 hours; two hours are for taking it. */
export const STALE_HOURS = 26;
/** One cluster that hangs must not use up the whole call. */
const LOOK_LIMIT_MS = 15_000;
/** An older age is shown in days. */
const MAX_SHOWN_HOURS = 72;

/** The snapshots of a cluster, newest first. */
export async function snapshotsOf(atlas: Atlas, cluster: ClusterPath, limits: CallLimits): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const snapshot of atlas.snapshots(cluster, limits)) found.push(snapshot);
  return found.sort((a, b) => momentOf(b) - momentOf(a));
}

/** When the snapshot finished, or when it started if it is still running; 0 when unknown. */
function momentOf({ finishTime, startTime, scheduledTime }: Snapshot): number {
  return Date.parse(finishTime ?? startTime ?? scheduledTime ?? "") || 0;
}

/** Hours since the snapshot finished, with one decimal; undefined when that is unknown. */
export function ageHoursOf({ finishTime }: Snapshot, now: number): number | undefined {
  const finished = Date.parse(finishTime ?? "");
  return Number.isNaN(finished) ? undefined : Math.round((now - finished) / (HOUR_MS / 10)) / 10;
}

/** A snapshot that can be saved. */
export type CompleteSnapshot = Snapshot & { id: string };

/** An id of another form would be useless: no other operation takes it. */
const isComplete = (snapshot: Snapshot): snapshot is CompleteSnapshot =>
  isCompleted(snapshot) && isAtlasId(snapshot.id ?? "");

/** The newest complete snapshot; `snapshots` are newest first. */
export const newestComplete = (snapshots: readonly Snapshot[]): CompleteSnapshot | undefined =>
  snapshots.find(isComplete);

/** Atlas is still taking the snapshot, or its status is not documented. */
export const isOpen = (snapshot: Snapshot) => !isCompleted(snapshot) && !isFailed(snapshot);

/** What the age of the backups is judged by; facts that are absent count as unknown. */
type Circumstances = {
  now: number;
  /** The age from which a backup is too old; `STALE_HOURS` if absent. */
  maxAgeHours?: number | undefined;
} & Partial<Pick<FlexCluster, "createDate" | "stateName" | "backupSettings">>;

/**
 * What somebody who asks for the backups of a cluster should know, as sentences in which "its" is the cluster's; undefined when
 * all is well. A cluster younger than 26 hours owes no backup yet. That the backups of a terminated cluster are deleted says
 * MongoDB's support page "Stop an Atlas Cluster".
 */
export function attention(snapshots: readonly Snapshot[], circumstances: Circumstances): string | undefined {
  const [newest] = snapshots;
  const { stateName } = circumstances;
  const remarks = [
    stateName === "DELETING" && "It is being deleted, and Atlas deletes its backups with it.",
    !isBackedUp(circumstances) && "Its backups are turned off in Atlas.",
    newest &&
      isFailed(newest) &&
      `Its newest backup failed${isNextDue(newest, circumstances) ? "; the next is due within a day" : ""}.`,
    remarkOnAge(snapshots, circumstances),
  ];
  return remarks.filter(Boolean).join(" ") || undefined;
}

function remarkOnAge(snapshots: readonly Snapshot[], circumstances: Circumstances): string | undefined {
  const { now, maxAgeHours = STALE_HOURS } = circumstances;
  const [newest] = snapshots;
  const complete = newestComplete(snapshots);
  const isOn = isBackedUp(circumstances);
  const next = newest && isOpen(newest) ? " The next one is not complete yet." : "";
  if (complete) {
    const age = (now - Date.parse(complete.finishTime ?? "")) / HOUR_MS;
    if (Number.isNaN(age)) return "How old its newest complete backup is, Atlas does not say.";
    if (age <= maxAgeHours) return undefined;
    const isLate = isOn && age > STALE_HOURS && !isNextDue(newest, circumstances);
    return `Its newest complete backup is ${ageAbove(maxAgeHours, age)} old${isLate ? ", and Atlas takes one a day" : ""}.${next}`;
  }
  if (!isOn || (newest && !isOpen(newest))) return `There is no complete backup.${next}`;
  if (isYoung(circumstances)) return undefined;
  if (newest) return "There is no complete backup; the newest one is not complete yet.";
  return "There is no backup yet. Atlas takes the first one about 24 hours after a cluster is created.";
}

/** Unless Atlas says otherwise. */
const isBackedUp = ({ backupSettings }: Circumstances) => backupSettings?.enabled !== false;

/** A backup failed within the last day, so the next one is due within a day. */
function isNextDue(newest: Snapshot | undefined, circumstances: Circumstances): boolean {
  if (!newest || !isFailed(newest) || !isBackedUp(circumstances)) return false;
  return circumstances.now - momentOf(newest) < STALE_HOURS * HOUR_MS;
}

function isYoung({ createDate, stateName, now }: Circumstances): boolean {
  return stateName === "CREATING" || now - Date.parse(createDate ?? "") < STALE_HOURS * HOUR_MS;
}

const ageInWords = (hours: number) =>
  hours < MAX_SHOWN_HOURS ? spanInWords(hours * 3_600) : `${Math.round(hours / 24)} days`;

/** An age above a limit, for a sentence. Where both are the same in words: `more than 26 hours`, with the exact limit. */
export function ageAbove(limitHours: number, hours: number): string {
  const words = ageInWords(hours);
  if (words !== ageInWords(limitHours)) return words;
  const [count, unit] = Number.isInteger(limitHours) ? [limitHours, "hour"] : [Math.round(limitHours * 60), "minute"];
  return `more than ${count} ${unit}${count === 1 ? "" : "s"}`;
}

export interface ClusterInProject {
  groupId: string;
  cluster: FlexCluster;
}

/** What a look at the backups of one cluster found; a cluster without both fields is too young for a backup. */
export interface BackupLook {
  newest?: CompleteSnapshot;
  /** What needs attention: see `attention`, or that the backups could not be read. */
  attention?: string;
  /** Why the backups could not be read. */
  failure?: Failure;
}

/** Reads the backups of several clusters; a cluster whose backups cannot be read does not affect the others. */
export async function lookForBackups<Cluster extends ClusterInProject>(
  atlas: Atlas,
  clusters: readonly Cluster[],
  { clock, deadline, signal, maxAgeHours }: CallLimits & { clock: Pick<Clock, "now">; maxAgeHours?: number },
  onLook: (count: number) => void = () => {},
): Promise<(Cluster & BackupLook)[]> {
  const now = clock.now();
  let count = 0;
  return concurrently(clusters, AT_ONCE, async (entry) => {
    const limits = { deadline: Math.min(deadline, clock.now() + LOOK_LIMIT_MS), signal };
    const look = await lookAt(atlas, entry, limits, { now, maxAgeHours });
    count += 1;
    onLook(count);
    return { ...entry, ...look };
  });
}

async function lookAt(
  atlas: Atlas,
  { groupId, cluster }: ClusterInProject,
  limits: CallLimits,
  circumstances: Pick<Circumstances, "now" | "maxAgeHours">,
): Promise<BackupLook> {
  const { name = "" } = cluster;
  // The name becomes part of the path of a request.
  if (!isClusterName(name))
    return { attention: "Its backups were not read, since its name has not the form of Atlas." };
  try {
    const snapshots = await snapshotsOf(atlas, { groupId, name }, limits);
    const newest = newestComplete(snapshots);
    const remarks = attention(snapshots, { ...cluster, ...circumstances });
    return { ...(newest && { newest }), ...(remarks !== undefined && { attention: remarks }) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { attention: `Its backups could not be read${reasonInWords(error, ": ")}.`, failure: error };
  }
}
