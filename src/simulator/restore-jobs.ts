// Restore and download jobs: those that exist from the start, those that are requested, and how they progress.
import type { JsonObject } from "./problems.ts";
import { SIMULATED } from "./simulated.ts";
import { type Cluster, finishedAt, isoSeconds, type Project, type Snapshot } from "./world.ts";

const HOUR_MS = 3_600_000;
/** A download link works for four hours after its job was created. */
export const LINK_LIFE_MS = 4 * HOUR_MS;
/** Atlas reports an expiry after six hours for jobs that restore a cluster. */
const RESTORE_EXPIRY_MS = 6 * HOUR_MS;

/** How a job ends; an order can choose it. */
export type JobFate = "completes" | "fails" | "stays-pending" | "has-no-link";

export interface RestoreJob {
  id: string;
  deliveryType: "DOWNLOAD" | "RESTORE";
  cluster: Cluster;
  snapshot: Snapshot;
  createdAt: number;
  finishesAt: number;
  fate: JobFate;
}

export interface RestoreJobs {
  /** The requested jobs, oldest first, without those that exist from the start. */
  created: RestoreJob[];
  /** Newest first. */
  ofCluster: (cluster: Cluster) => RestoreJob[];
  /** Also finds a job that an earlier process of this simulator created. */
  find: (cluster: Cluster, id: string) => RestoreJob | undefined;
  /** How many download jobs of a project have neither failed nor expired. */
  activeDownloads: (groupId: string) => number;
  request: (cluster: Cluster, snapshot: Snapshot, fate: JobFate) => RestoreJob;
  describe: (job: RestoreJob) => JsonObject;
}

interface JobSettings {
  now: () => number;
  /** Duration of the jobs that take time. */
  jobMs: number;
  sign: (job: RestoreJob) => string;
}

export function createRestoreJobs(projects: Project[], { now, jobMs, sign }: JobSettings): RestoreJobs {
  const created: RestoreJob[] = [];
  const initial = initialJobs(projects, now());
  const all = () => [...initial, ...created];
  const ofCluster = (cluster: Cluster) =>
    all()
      .filter((job) => job.cluster === cluster)
      .reverse();

  function download(id: string, cluster: Cluster, snapshot: Snapshot, createdAt: number, fate: JobFate): RestoreJob {
    const finishesAt = createdAt + (takesTime(snapshot) ? jobMs : 0);
    return { id, deliveryType: "DOWNLOAD", cluster, snapshot, createdAt, finishesAt, fate };
  }

  /** Reconstructs the job from its id, so that a save can resume after a restart. */
  function ofEarlierProcess(cluster: Cluster, id: string): RestoreJob | undefined {
    const [, seconds, digits] = JOB_ID.exec(id) ?? [];
    if (seconds === undefined || digits === undefined) return undefined;
    const createdAt = Number.parseInt(seconds, 16) * 1_000;
    const snapshot = cluster.snapshots.find((candidate) => candidate.id.endsWith(digits));
    if (!snapshot || createdAt > now() || createdAt + LINK_LIFE_MS <= now()) return undefined;
    return download(id, cluster, snapshot, createdAt, "completes");
  }

  return {
    created,
    ofCluster,
    find: (cluster, id) => ofCluster(cluster).find((job) => job.id === id) ?? ofEarlierProcess(cluster, id),
    activeDownloads: (groupId) =>
      all().filter(
        (job) =>
          job.cluster.groupId === groupId &&
          job.deliveryType === "DOWNLOAD" &&
          statusOf(job, now()) !== "FAILED" &&
          job.createdAt + LINK_LIFE_MS > now(),
      ).length,
    request: (cluster, snapshot, fate) => {
      const job = download(jobId(snapshot, now(), created.length + 1), cluster, snapshot, now(), fate);
      created.push(job);
      return job;
    },
    describe: (job) => describeJob(job, sign, now()),
  };
}

const JOB_ID = /^5fa1([0-9a-f]{8})([0-9a-f]{4})[0-9a-f]{8}$/;

/** An id of the creation time, the last digits of the snapshot's id, and a serial number. */
function jobId({ id }: Snapshot, createdAt: number, serial: number): string {
  const seconds = Math.floor(createdAt / 1_000);
  return `5fa1${seconds.toString(16).padStart(8, "0")}${id.slice(-4)}${serial.toString(16).padStart(8, "0")}`;
}

/**
 * Atlas's documentation of Flex shows a job that is pending at first; that of its predecessor M2/M5 shows a job that is complete
 * at once. Here, jobs of snapshots whose id ends in an even digit take time, the others are complete at once.
 */
function takesTime({ id }: Snapshot): boolean {
  return Number.parseInt(id.slice(-1), 16) % 2 === 0;
}

function statusOf({ createdAt, finishesAt, fate }: RestoreJob, now: number): string {
  const quarterMs = (finishesAt - createdAt) / 4;
  if (fate === "stays-pending" || now < createdAt + quarterMs) return "PENDING";
  if (now < createdAt + 2 * quarterMs) return "QUEUED";
  if (now < finishesAt) return "RUNNING";
  return fate === "fails" ? "FAILED" : "COMPLETED";
}

function describeJob(job: RestoreJob, sign: JobSettings["sign"], now: number): JsonObject {
  const { id, deliveryType, cluster, snapshot, createdAt, finishesAt, fate } = job;
  const status = statusOf(job, now);
  const hasLink = deliveryType === "DOWNLOAD" && status === "COMPLETED" && fate !== "has-no-link";
  return {
    deliveryType,
    expirationDate: isoSeconds(createdAt + (deliveryType === "DOWNLOAD" ? LINK_LIFE_MS : RESTORE_EXPIRY_MS)),
    id,
    instanceName: cluster.name,
    projectId: cluster.groupId,
    ...(status === "COMPLETED" || status === "FAILED" ? { restoreFinishedDate: isoSeconds(finishesAt) } : {}),
    restoreScheduledDate: isoSeconds(createdAt),
    snapshotFinishedDate: isoSeconds(finishedAt(snapshot)),
    snapshotId: snapshot.id,
    ...(hasLink ? { snapshotUrl: sign(job) } : {}),
    status,
    targetDeploymentItemName: cluster.name,
    targetProjectId: cluster.groupId,
  };
}

/** Three restores of past days, of which one failed, and one download from twenty minutes ago whose link still works. */
function initialJobs(projects: Project[], now: number): RestoreJob[] {
  const cluster = projects.flatMap(({ clusters }) => clusters).find(({ name }) => name === SIMULATED.name);
  const [first, second, third] = cluster?.snapshots ?? [];
  const downloaded = cluster?.snapshots.find(({ id }) => id === SIMULATED.downloadedSnapshotId);
  if (!cluster || !first || !second || !third || !downloaded) return [];
  const restore = (digit: string, snapshot: Snapshot, hoursAgo: number, fate: JobFate): RestoreJob => {
    const createdAt = now - hoursAgo * HOUR_MS;
    const id = `5fa1000000000000000000e${digit}`;
    return { id, deliveryType: "RESTORE", cluster, snapshot, createdAt, finishesAt: createdAt + 63_000, fate };
  };
  const requestedAt = now - 20 * 60_000;
  return [
    restore("1", first, 120, "completes"),
    restore("2", second, 74, "fails"),
    restore("3", third, 50, "completes"),
    {
      id: SIMULATED.restoreJobId,
      deliveryType: "DOWNLOAD",
      cluster,
      snapshot: downloaded,
      createdAt: requestedAt,
      finishesAt: requestedAt,
      fate: "completes",
    },
  ];
}
