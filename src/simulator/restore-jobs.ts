import { isoSeconds, type JsonObject } from "./problems.ts";
import { SIMULATED } from "./simulated.ts";
import { type Cluster, finishedAt, type Project, type Snapshot } from "./world.ts";

const HOUR_MS = 3_600_000;
export const LINK_LIFE_MS = 4 * HOUR_MS;
/** Jobs that restore say that they expire after six hours. */
const RESTORE_EXPIRY_MS = 6 * HOUR_MS;

/** How a job ends when it was ordered to end badly. */
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

type SignLink = (job: RestoreJob) => string;

export interface RestoreJobs {
  /** Oldest first, without those that exist from the start. */
  created: RestoreJob[];
  /** Newest first. */
  ofCluster: (cluster: Cluster) => RestoreJob[];
  /** One of those, or one that an earlier process of this simulator created. */
  find: (cluster: Cluster, id: string) => RestoreJob | undefined;
  /** Download jobs of a project whose link has not expired. */
  activeDownloads: (groupId: string) => number;
  request: (cluster: Cluster, snapshot: Snapshot, fate: JobFate) => RestoreJob;
  describe: (job: RestoreJob) => JsonObject;
}

export function createRestoreJobs(
  projects: Project[],
  sign: SignLink,
  { now, jobMs }: { now: () => number; jobMs: number },
): RestoreJobs {
  const created: RestoreJob[] = [];
  const seeded = seededJobs(projects, now());
  const all = () => [...seeded, ...created];
  const ofCluster = (cluster: Cluster) =>
    all()
      .filter((job) => job.cluster === cluster)
      .reverse();

  function download(id: string, cluster: Cluster, snapshot: Snapshot, createdAt: number, fate: JobFate): RestoreJob {
    const finishesAt = createdAt + (takesTime(snapshot) ? jobMs : 0);
    return { id, deliveryType: "DOWNLOAD", cluster, snapshot, createdAt, finishesAt, fate };
  }

  /** Told by its id alone, so that a save goes on after a restart. */
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
        ({ cluster, deliveryType, createdAt, fate }) =>
          cluster.groupId === groupId &&
          deliveryType === "DOWNLOAD" &&
          fate !== "fails" &&
          createdAt + LINK_LIFE_MS > now(),
      ).length,
    request: (cluster, snapshot, fate) => {
      const id = jobId(snapshot, now(), created.length + 1);
      const job = download(id, cluster, snapshot, now(), fate);
      created.push(job);
      return job;
    },
    describe: (job) => describeJob(job, sign, now()),
  };
}

const JOB_ID = /^5fa1([0-9a-f]{8})([0-9a-f]{4})[0-9a-f]{8}$/;

/** When the job was created, the last digits of its snapshot, and a number that tells it from others. */
function jobId({ id }: Snapshot, createdAt: number, count: number): string {
  const seconds = Math.floor(createdAt / 1_000);
  return `5fa1${seconds.toString(16).padStart(8, "0")}${id.slice(-4)}${count.toString(16).padStart(8, "0")}`;
}

/** Atlas's page shows a job that is pending at first, its predecessor for M2 and M5 one that is complete at once: both occur. */
function takesTime({ id }: Snapshot): boolean {
  return Number.parseInt(id.slice(-1), 16) % 2 === 0;
}

function statusOf({ createdAt, finishesAt, fate }: RestoreJob, now: number): string {
  if (fate === "stays-pending" || now < createdAt + (finishesAt - createdAt) / 4) return "PENDING";
  if (now < finishesAt) return "RUNNING";
  return fate === "fails" ? "FAILED" : "COMPLETED";
}

function describeJob(job: RestoreJob, sign: SignLink, now: number): JsonObject {
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

/** Three restores of past days, one of which failed, and one download of twenty minutes ago whose link is live. */
function seededJobs(projects: Project[], now: number): RestoreJob[] {
  const cluster = projects.flatMap(({ clusters }) => clusters).find(({ name }) => name === SIMULATED.name);
  const [first, second, third] = cluster?.snapshots ?? [];
  const downloaded = cluster?.snapshots.find(({ id }) => id === SIMULATED.downloadedSnapshotId);
  if (!cluster || !first || !second || !third || !downloaded) return [];
  const restore = (digit: string, snapshot: Snapshot, hoursAgo: number, fate: JobFate): RestoreJob => ({
    id: `5fa1000000000000000000e${digit}`,
    deliveryType: "RESTORE",
    cluster,
    snapshot,
    createdAt: now - hoursAgo * HOUR_MS,
    finishesAt: now - hoursAgo * HOUR_MS + 63_000,
    fate,
  });
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
