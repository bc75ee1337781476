// What `status` looks at, in Atlas and in the download folder, and what is wrong with it.
import { ageAbove, type BackupLook, type ClusterInProject, lookForBackups } from "../../atlas/backups.ts";
import { AT_ONCE, type ReadableProject } from "../../atlas/look.ts";
import type { Config } from "../../config/types.ts";
import { isClusterName } from "../../core/atlas-id.ts";
import { concurrently } from "../../core/concurrency.ts";
import { Failure } from "../../core/errors.ts";
import { nearest, quoted } from "../../core/text.ts";
import { type CallLimits, systemClock } from "../../core/time.ts";
import { type SavedFile, SIMULATED_PREFIX } from "../../download/contract.ts";
import { type Clusters, named, readClusters } from "../../server/find-target.ts";
import type { Runtime } from "../../server/runtime.ts";
import { describeFailure } from "../advice.ts";
import type { StatusOrder } from "./order.ts";

/** Hundreds of projects with a request for each cluster take minutes. */
const LIMIT_MS = 600_000;
const HOUR_MS = 3_600_000;
/** A clock may differ this much from that of Atlas. */
const CLOCK_TOLERANCE_MS = HOUR_MS;

/** What was found of one cluster. */
export interface Row {
  name: string;
  project: ReadableProject;
  newestBackup?: { snapshotId: string; finishTime?: string | undefined };
  /** All that can be saved, newest first. */
  backups?: readonly { snapshotId: string; finishTime?: string | undefined }[];
  /** Whether Atlas could be asked for its backups. */
  isRead: boolean;
  /** Only sound ones that are as they were saved. */
  newestFile?: SavedFile;
  /** Sentences in which "its" is the cluster's; empty if all is well. */
  wrong: string[];
}

export interface Overview {
  /** Those with something wrong first. */
  rows: Row[];
  /** What is wrong besides, in sentences. */
  wrong: string[];
  /** What does not make it fail. */
  warnings: string[];
  folder: string;
  isFolderRead: boolean;
}

/** Rejects with a `Failure` if nothing at all can be read. */
export async function lookAround(
  order: StatusOrder,
  config: Config,
  { atlas, store }: Runtime,
  signal: AbortSignal,
): Promise<Overview> {
  const limits = { deadline: systemClock.now() + LIMIT_MS, signal };
  const clusters = await readClusters(undefined, { ...config, atlas }, limits);
  const common = clusters.read.length === 0 ? commonFailure(clusters.unread) : undefined;
  if (common) throw common;
  const all = await clustersIn(clusters, atlas, limits);
  const wanted = all.filter(({ cluster: { name = "" } }) =>
    order.only ? order.only.includes(name) : !order.ignored.includes(name),
  );
  const [looks, saved] = await Promise.all([
    lookForBackups(atlas, wanted, { ...limits, clock: systemClock, maxAgeHours: order.maxAgeHours }),
    savedFiles(config, store, signal),
  ]);
  const files = "files" in saved ? saved.files : undefined;
  const rows = looks.map((look) => rowOf(look, files, order));
  return {
    rows: rows.sort((one, other) => Math.sign(other.wrong.length) - Math.sign(one.wrong.length)),
    wrong: [...missing(order, all, clusters), ...("failure" in saved ? [saved.failure] : [])],
    warnings: order.ignored
      .flatMap((name) => unknownName(name, all, clusters) ?? [])
      .map((text) => `--ignore: ${text}`),
    folder: config.downloadDir,
    isFolderRead: files !== undefined,
  };
}

/** Said once and with advice, such as that the credentials are rejected; undefined where the projects differ. */
function commonFailure(unread: Clusters["unread"]): Failure | undefined {
  const [first] = unread.map(({ failure }) => failure);
  const isCommon = unread.every(({ failure }) => failure.code === first?.code && failure.envelope.source !== "atlas");
  return isCommon ? first : undefined;
}

type Entry = ClusterInProject & { project: ReadableProject };

/** Settings name projects by id only, so their names are asked for. */
async function clustersIn({ read }: Clusters, atlas: Runtime["atlas"], limits: CallLimits): Promise<Entry[]> {
  const entries = await concurrently(read, AT_ONCE, async ({ project: known, clusters }) => {
    if (clusters.length === 0) return [];
    const project = await named(atlas, known, limits, systemClock);
    return clusters.map((cluster) => ({ project, groupId: project.id, cluster }));
  });
  return entries.flat();
}

/** What a monitor must not pass over in silence. */
function missing({ only, ignored }: StatusOrder, all: readonly Entry[], clusters: Clusters): string[] {
  const isEmpty = !only && clusters.unread.length === 0 && all.length === 0;
  const isIgnored = !only && all.length > 0 && all.every(({ cluster: { name = "" } }) => ignored.includes(name));
  return [
    ...(only ?? []).flatMap((name) => unknownName(name, all, clusters) ?? []),
    ...clusters.unread.map(
      ({ project: { id, name }, failure }) =>
        `The project ${name ? quoted(name) : id} could not be read. ${describeFailure(failure)}`,
    ),
    ...(isEmpty ? [`There is no Flex cluster${scopeOf(clusters)}.`] : []),
    ...(isIgnored ? ["Every Flex cluster is ignored, so no backup was looked at."] : []),
  ];
}

const scopeOf = ({ limitedBy }: Clusters) => (limitedBy ? ` in the projects that ${limitedBy} names` : "");

function unknownName(name: string, all: readonly Entry[], clusters: Clusters): string | undefined {
  const names = all.flatMap(({ cluster }) => cluster.name ?? []);
  if (names.includes(name)) return undefined;
  const meant = nearest(name, names.filter(isClusterName));
  const doubt = clusters.unread.length > 0 ? " in what could be read" : "";
  return `There is no Flex cluster named ${name}${scopeOf(clusters)}${doubt}.${meant ? ` Did you mean ${meant}?` : ""}`;
}

async function savedFiles({ simulate }: Config, store: Runtime["store"], signal: AbortSignal) {
  try {
    const files = await store.saved(signal);
    return { files: files.filter(({ fileName }) => fileName.startsWith(SIMULATED_PREFIX) === simulate) };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { failure: `The download folder could not be read. ${describeFailure(error)}` };
  }
}

/** Without `files`, the folder could not be read. */
function rowOf(look: BackupLook & Entry, files: readonly SavedFile[] | undefined, order: StatusOrder): Row {
  const { project, cluster, newest, complete = [], attention, failure } = look;
  const { name = "", id } = cluster;
  // Of the same backup, a sound file comes first.
  const own = (files ?? [])
    .filter(({ identity, facts }) => {
      const isOther = id !== undefined && facts?.clusterId !== undefined && facts.clusterId !== id;
      // Of an earlier cluster of this name.
      if (Date.parse(facts?.finishTime ?? "") < Date.parse(cluster.createDate ?? "")) return false;
      return identity?.groupId === project.id && identity.name === name && !isOther;
    })
    .sort((one, other) => finishOf(other) - finishOf(one) || Number(other.sound) - Number(one.sound));
  const [latest] = own;
  const newestFile = own.find(({ sound }) => sound);
  const isAhead = (finishTime: string | undefined) =>
    Date.parse(finishTime ?? "") > systemClock.now() + CLOCK_TOLERANCE_MS;
  const isChanged = latest?.state === "changed" && latest.identity?.snapshotId !== newestFile?.identity?.snapshotId;
  return {
    name,
    project,
    ...(newest && { newestBackup: { snapshotId: newest.id, finishTime: newest.finishTime } }),
    backups: complete.map(({ id: snapshotId, finishTime }) => ({ snapshotId, finishTime })),
    isRead: failure === undefined && isClusterName(name),
    ...(newestFile && { newestFile }),
    wrong: [
      ...(attention === undefined ? [] : [attention]),
      ...(isAhead(newest?.finishTime) ? [IN_FUTURE] : []),
      ...(isAhead(newestFile?.facts?.finishTime) ? [FILE_IN_FUTURE] : []),
      ...(isChanged ? [changedSince(latest.fileName)] : []),
      ...(latest?.state === "complete" && !latest.sound
        ? [`The archive in ${latest.fileName} is incomplete: do not restore from it.`]
        : []),
      ...(files ? remarksOnFile(newestFile, newest !== undefined, order) : []),
    ],
  };
}

const IN_FUTURE =
  "Its newest backup lies in the future, so the clock of this computer is slow and no age here is right.";

const FILE_IN_FUTURE = "By its record, the backup in its newest file here lies in the future.";

const changedSince = (fileName: string) =>
  `${fileName} was written to since it was saved, so it does not count. The command save reads it again.`;

const finishOf = ({ facts, savedAt }: SavedFile) => Date.parse(facts?.finishTime ?? savedAt ?? "") || 0;

/** A cluster without a backup in Atlas owes no file. */
function remarksOnFile(file: SavedFile | undefined, hasBackup: boolean, { maxSavedAgeHours }: StatusOrder): string[] {
  if (maxSavedAgeHours === undefined || (!file && !hasBackup)) return [];
  if (!file) return ["No sound file of it is saved here."];
  const hours = (systemClock.now() - Date.parse(file.facts?.finishTime ?? "")) / HOUR_MS;
  if (Number.isNaN(hours)) return ["How old the backup in its newest file here is, is not recorded."];
  return hours <= maxSavedAgeHours
    ? []
    : [`The backup in its newest file here is ${ageAbove(maxSavedAgeHours, hours)} old.`];
}
