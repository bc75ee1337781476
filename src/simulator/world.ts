// The simulated projects, clusters and snapshots, and how Atlas describes them; all times are relative to now.
import type { JsonObject } from "./problems.ts";
import { SIMULATED } from "./simulated.ts";

const DAY_MS = 86_400_000;
/** Snapshots are kept for eight days, one a day. */
const RETENTION_MS = 8 * DAY_MS;
/** A snapshot starts shortly after its scheduled time and takes a little over a minute. */
const LEAD_MS = 5_000;
const DURATION_MS = 75_000;

const MONGODB_VERSION = "8.0.16";

export interface Project {
  id: string;
  name: string;
  createdAt: number;
  /** Whether no credentials may see the project. */
  foreign: boolean;
  clusters: Cluster[];
}

export interface Cluster {
  id: string;
  groupId: string;
  name: string;
  flex: boolean;
  stateName: "IDLE" | "CREATING";
  versionReleaseSystem: "LTS" | "CONTINUOUS";
  /** Fields that Atlas leaves out for some clusters. */
  without: readonly ("connectionStrings" | "tags")[];
  createdAt: number;
  /** Oldest first. */
  snapshots: Snapshot[];
}

export interface Snapshot {
  id: string;
  scheduledAt: number;
  state: "RUNNING" | "COMPLETED" | "FAILED";
  contents: "data-directory" | "dump-directory" | "mongodump-archive";
}

/** Every project of the simulated organization. */
export function createWorld(now: number, generatedProjects: number): Project[] {
  const { groupId, emptyGroupId, foreignGroupId, archive } = SIMULATED;
  return [
    project(groupId, "Simulated shop", now - 400 * DAY_MS, publishedClusters(now)),
    project(emptyGroupId, "Simulated sandbox", now - 90 * DAY_MS, []),
    project(archive.groupId, "Simulated archive", now - 350 * DAY_MS, [
      {
        ...idleCluster("5fa1000000000000000000d6", archive.groupId, archive.name),
        createdAt: now - 300 * DAY_MS,
        snapshots: dailySnapshots("5fa1000000000000000003c", 8, lastNight(now)),
      },
    ]),
    { ...project(foreignGroupId, "Someone else's", now - 500 * DAY_MS, []), foreign: true },
    ...Array.from({ length: generatedProjects }, (_, index) => generatedProject(index + 1, now)),
  ];
}

function project(id: string, name: string, createdAt: number, clusters: Cluster[]): Project {
  return { id, name, createdAt, foreign: false, clusters };
}

function idleCluster(id: string, groupId: string, name: string): Omit<Cluster, "createdAt" | "snapshots"> {
  return { id, groupId, name, flex: true, stateName: "IDLE", versionReleaseSystem: "LTS", without: [] };
}

function publishedClusters(now: number): Cluster[] {
  const cluster = (digit: string, name: string, snapshots: Snapshot[]): Cluster => ({
    ...idleCluster(`5fa1000000000000000000d${digit}`, SIMULATED.groupId, name),
    // A cluster that is older than eight days has eight snapshots.
    createdAt: now - (snapshots.length < 8 ? snapshots.length + 1 : 300) * DAY_MS,
    snapshots,
  });
  const orders = dailySnapshots("5fa1000000000000000000c", 8, lastNight(now)).map(
    (snapshot): Snapshot => (snapshot.id === SIMULATED.failedSnapshotId ? { ...snapshot, state: "FAILED" } : snapshot),
  );
  const customers = dailySnapshots("5fa1000000000000000001c", 4, now - 40_000);
  const reports = dailySnapshots("5fa1000000000000000002c", 2, lastNight(now));
  return [
    cluster("1", SIMULATED.name, orders),
    {
      ...cluster(
        "2",
        SIMULATED.runningSnapshot.name,
        customers.map((snapshot, index) =>
          index === customers.length - 1 ? { ...snapshot, state: "RUNNING" } : snapshot,
        ),
      ),
      versionReleaseSystem: "CONTINUOUS",
    },
    { ...cluster("3", SIMULATED.freshName, []), stateName: "CREATING", without: ["tags"], createdAt: now - 60_000 },
    { ...cluster("4", SIMULATED.dedicatedName, []), flex: false },
    {
      ...cluster(
        "5",
        SIMULATED.reports.name,
        reports.map((snapshot, index) => ({
          ...snapshot,
          contents: index === 0 ? "dump-directory" : "mongodump-archive",
        })),
      ),
      without: ["connectionStrings"],
    },
  ];
}

function generatedProject(number: number, now: number): Project {
  const serial = number.toString(16).padStart(12, "0");
  const groupId = `5fa2${serial}000000b1`;
  const createdAt = now - 200 * DAY_MS;
  const cluster: Cluster = {
    ...idleCluster(`5fa2${serial}000000d1`, groupId, `service-${number}`),
    createdAt,
    snapshots: dailySnapshots(`5fa2${serial}000000c`, 8, lastNight(now)),
  };
  return project(groupId, `Generated ${number}`, createdAt, [cluster]);
}

/** Daily snapshots at the same time of day, oldest first as Atlas lists them. The last digit of the id counts up from 1. */
function dailySnapshots(idPrefix: string, count: number, newestAt: number): Snapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${idPrefix}${index + 1}`,
    scheduledAt: newestAt - (count - 1 - index) * DAY_MS,
    state: "COMPLETED",
    contents: "data-directory",
  }));
}

/** The last 03:00 UTC whose snapshot is already complete, so that a restart on the same day shows the same times. */
function lastNight(now: number): number {
  const threeOClock = 3 * 3_600_000;
  return Math.floor((now - threeOClock - 2 * DURATION_MS) / DAY_MS) * DAY_MS + threeOClock;
}

export function finishedAt({ scheduledAt }: Snapshot): number {
  return scheduledAt + LEAD_MS + DURATION_MS;
}

/** `url` is any URL of this API, to which the link leads. */
export function describeProject({ id, name, createdAt, clusters }: Project, url: URL): JsonObject {
  return {
    clusterCount: clusters.length,
    created: isoSeconds(createdAt),
    id,
    links: [{ href: new URL(`/api/atlas/v2/groups/${id}`, url).href, rel: "self" }],
    name,
    orgId: "5fa1000000000000000000a0",
    tags: [],
    withDefaultAlertsSettings: true,
  };
}

export function describeCluster(cluster: Cluster, now: number): JsonObject {
  const { id, groupId, name, stateName, versionReleaseSystem, without, createdAt } = cluster;
  return {
    backupSettings: { enabled: true },
    clusterType: "REPLICASET",
    connectionStrings: without.includes("connectionStrings") ? {} : connectionStrings(cluster, now),
    createDate: isoSeconds(createdAt),
    groupId,
    id,
    mongoDBVersion: MONGODB_VERSION,
    name,
    providerSettings: {
      backingProviderName: "AWS",
      diskSizeGB: 5,
      providerName: "FLEX",
      regionName: "EU_WEST_1",
    },
    stateName,
    ...(without.includes("tags") ? {} : { tags: [] }),
    terminationProtectionEnabled: false,
    // Atlas also sends CONTINUOUS, although its API description lists only LTS.
    versionReleaseSystem,
  };
}

/** A cluster that is being created first has no connection strings, then the one with `srv`, then both. */
function connectionStrings({ name, stateName, createdAt }: Cluster, now: number): JsonObject {
  const host = `${name}.5fa1b.mongodb.net`;
  const ageMs = stateName === "CREATING" ? now - createdAt : Number.POSITIVE_INFINITY;
  if (ageMs < 120_000) return {};
  const standardSrv = `mongodb+srv://${host}`;
  return ageMs < 180_000 ? { standardSrv } : { standard: `mongodb://${host}:27017/?ssl=true`, standardSrv };
}

export function describeSnapshot(snapshot: Snapshot): JsonObject {
  const { id, scheduledAt, state } = snapshot;
  return {
    expiration: isoSeconds(scheduledAt + RETENTION_MS),
    ...(state === "RUNNING" ? {} : { finishTime: isoSeconds(finishedAt(snapshot)) }),
    id,
    mongoDBVersion: MONGODB_VERSION,
    scheduledTime: isoSeconds(scheduledAt),
    startTime: isoSeconds(scheduledAt + LEAD_MS),
    status: state,
  };
}

/** Atlas writes times without milliseconds. */
export function isoSeconds(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
