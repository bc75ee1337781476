import { isoSeconds, type JsonObject } from "./problems.ts";
import { SIMULATED } from "./simulated.ts";

const DAY_MS = 86_400_000;

export interface Cluster {
  id: string;
  groupId: string;
  name: string;
  flex: boolean;
  stateName: "IDLE" | "CREATING";
  createdAt: number;
  /** Oldest first. */
  snapshots: Snapshot[];
}

export interface Project {
  id: string;
  name: string;
  createdAt: number;
  /** No credentials of this world reach it. */
  foreign: boolean;
  clusters: Cluster[];
}

/** Every project of the simulated organization; times hang on `now`. */
export function createWorld(now: number, generatedProjects: number): Project[] {
  const { groupId, emptyGroupId, foreignGroupId } = SIMULATED;
  return [
    project(groupId, "Simulated shop", now - 400 * DAY_MS, publishedClusters(now)),
    project(emptyGroupId, "Simulated sandbox", now - 90 * DAY_MS, []),
    { ...project(foreignGroupId, "Someone else's", now - 500 * DAY_MS, []), foreign: true },
    ...Array.from({ length: generatedProjects }, (_, index) => generatedProject(index + 1, now)),
  ];
}

function publishedClusters(now: number): Cluster[] {
  const groupId = SIMULATED.groupId;
  const night = lastNight(now);
  const cluster = (digit: string, name: string, snapshots: Snapshot[]): Cluster => ({
    id: `5fa1000000000000000000d${digit}`,
    groupId,
    name,
    flex: true,
    stateName: "IDLE",
    createdAt: now - 300 * DAY_MS,
    snapshots,
  });
  const customers = dailySnapshots({ idPrefix: "5fa1000000000000000001c", count: 4, newestAt: now - 40_000 });
  const [dump, archive] = dailySnapshots({ idPrefix: "5fa1000000000000000002c", count: 2, newestAt: night });
  const reports = dump && archive ? [contains(dump, "dump-directory"), contains(archive, "mongodump-archive")] : [];
  return [
    cluster("1", SIMULATED.name, dailySnapshots({ idPrefix: "5fa1000000000000000000c", count: 8, newestAt: night })),
    cluster(
      "2",
      SIMULATED.runningSnapshot.name,
      customers.map((snapshot, index) => ({ ...snapshot, running: index === customers.length - 1 })),
    ),
    { ...cluster("3", SIMULATED.freshName, []), stateName: "CREATING", createdAt: now - 60_000 },
    { ...cluster("4", SIMULATED.dedicatedName, []), flex: false },
    cluster("5", SIMULATED.reports.name, reports),
  ];
}

function contains(snapshot: Snapshot, contents: Snapshot["contents"]): Snapshot {
  return { ...snapshot, contents };
}

function generatedProject(number: number, now: number): Project {
  const serial = number.toString(16).padStart(12, "0");
  const groupId = `5fa2${serial}000000b1`;
  const cluster: Cluster = {
    id: `5fa2${serial}000000d1`,
    groupId,
    name: `service-${number}`,
    flex: true,
    stateName: "IDLE",
    createdAt: now - 200 * DAY_MS,
    snapshots: dailySnapshots({ idPrefix: `5fa2${serial}000000c`, count: 8, newestAt: lastNight(now) }),
  };
  return project(groupId, `Generated ${number}`, now - 200 * DAY_MS, [cluster]);
}

function project(id: string, name: string, createdAt: number, clusters: Cluster[]): Project {
  return { id, name, createdAt, foreign: false, clusters };
}

export function describeProject({ id, name, createdAt, clusters }: Project): JsonObject {
  return {
    clusterCount: clusters.length,
    created: isoSeconds(createdAt),
    id,
    name,
    orgId: "5fa1000000000000000000a0",
    tags: [],
    withDefaultAlertsSettings: true,
  };
}

export function describeCluster({ id, groupId, name, stateName, createdAt }: Cluster): JsonObject {
  const host = `${name}.5fa1b.mongodb.net`;
  return {
    backupSettings: { enabled: true },
    clusterType: "REPLICASET",
    connectionStrings:
      stateName === "CREATING"
        ? {}
        : { standard: `mongodb://${host}:27017/?ssl=true`, standardSrv: `mongodb+srv://${host}` },
    createDate: isoSeconds(createdAt),
    groupId,
    id,
    mongoDBVersion: "8.0.16",
    name,
    providerSettings: {
      backingProviderName: "AWS",
      diskSizeGB: 5,
      providerName: "FLEX",
      regionName: "EU_WEST_1",
    },
    stateName,
    tags: [],
    terminationProtectionEnabled: false,
    // What Atlas really sends, although its own description of the API knows only LTS.
    versionReleaseSystem: "CONTINUOUS",
  };
}

/** Snapshots are kept for eight days, one a day. */
const RETENTION_MS = 8 * DAY_MS;
/** Taking one lasts a little over a minute. */
const LEAD_MS = 5_000;
const DURATION_MS = 75_000;

type ContentsKind = "data-directory" | "dump-directory" | "mongodump-archive";

export interface Snapshot {
  id: string;
  scheduledAt: number;
  running: boolean;
  mongoDBVersion: string;
  contents: ContentsKind;
}

interface Series {
  /** The last digit counts up from 1. */
  idPrefix: string;
  count: number;
  newestAt: number;
}

/** Daily snapshots at the same time of day, oldest first as Atlas lists them. */
function dailySnapshots({ idPrefix, count, newestAt }: Series): Snapshot[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `${idPrefix}${index + 1}`,
    scheduledAt: newestAt - (count - 1 - index) * DAY_MS,
    running: false,
    mongoDBVersion: "8.0.16",
    contents: "data-directory",
  }));
}

/** The last 03:00 UTC by which a snapshot was complete: restarts on the same day show the same times. */
function lastNight(now: number): number {
  const threeOClock = 3 * 3_600_000;
  return Math.floor((now - threeOClock - 2 * DURATION_MS) / DAY_MS) * DAY_MS + threeOClock;
}

export function finishedAt({ scheduledAt }: Snapshot): number {
  return scheduledAt + LEAD_MS + DURATION_MS;
}

export function describeSnapshot(snapshot: Snapshot): JsonObject {
  const { id, scheduledAt, running, mongoDBVersion } = snapshot;
  return {
    expiration: isoSeconds(scheduledAt + RETENTION_MS),
    ...(running ? {} : { finishTime: isoSeconds(finishedAt(snapshot)) }),
    id,
    mongoDBVersion,
    scheduledTime: isoSeconds(scheduledAt),
    startTime: isoSeconds(scheduledAt + LEAD_MS),
    status: running ? "RUNNING" : "COMPLETED",
  };
}
