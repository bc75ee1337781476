import type { Atlas } from "../atlas/client.ts";
import type { CallLimits, ClusterPath } from "../atlas/contract.ts";
import type { RestoreJob } from "../atlas/schemas.ts";
import type { SnapshotIdentity, SnapshotLink, SnapshotSource } from "../download/contract.ts";
import { cleanFacts } from "../download/identity.ts";
import { Failure, ownFailure } from "../errors.ts";
import type { Clock } from "../http/send.ts";
import { isDownload, isFailed, isFinished, linkExpiry } from "./job-view.ts";

/** One conversation with Atlas in the background is bounded like a call of its own. */
const STEP_LIMIT_MS = 45_000;
const POLL_MS = 3_000;
/** Atlas takes seconds to minutes; beyond this the person is told rather than kept waiting. */
const JOB_LIMIT_MS = 5 * 60_000;
/** A link that is about to expire is not worth starting with. */
const EXPIRY_MARGIN_MS = 60_000;
/** As many of the newest jobs as one page of Atlas's list holds. */
const JOBS_TO_SEARCH = 500;

/** Where snapshots come from: Atlas, asked in the order that creates the fewest download jobs. */
export function createSnapshotSource({ atlas, clock }: { atlas: Atlas; clock: Clock }): SnapshotSource {
  const step = (signal: AbortSignal): CallLimits => ({ deadline: clock.now() + STEP_LIMIT_MS, signal });

  const usable = (job: RestoreJob, refused: ReadonlySet<string>) =>
    job.snapshotUrl !== undefined &&
    !isRefused(job, refused) &&
    (linkExpiry(job) ?? Number.POSITIVE_INFINITY) > clock.now() + EXPIRY_MARGIN_MS;

  /** The job's present state; nothing when Atlas does not show it, as it may with download jobs. */
  async function read(
    cluster: ClusterPath,
    restoreJobId: string,
    signal: AbortSignal,
  ): Promise<RestoreJob | undefined> {
    try {
      return (await atlas.getRestoreJob({ ...cluster, restoreJobId }, {}, step(signal))).restoreJob;
    } catch (error) {
      if (error instanceof Failure && error.envelope.error === 404) return undefined;
      throw error;
    }
  }

  /** Waits until the job has its link; nothing when it ends without one that can be used. */
  async function awaitLink(
    cluster: ClusterPath,
    first: RestoreJob,
    refused: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<SnapshotLink | undefined> {
    const until = clock.now() + JOB_LIMIT_MS;
    for (let job: RestoreJob | undefined = first; job; job = job.id ? await read(cluster, job.id, signal) : undefined) {
      if (usable(job, refused)) return linkOf(job);
      if (isFailed(job)) throw ownFailure("JOB_FAILED");
      if (isFinished(job) || isRefused(job, refused)) return undefined;
      if (clock.now() > until) throw ownFailure("LINK_NOT_READY");
      await clock.sleep(POLL_MS, signal);
    }
    return undefined;
  }

  /** A job of this snapshot that has a link or will get one. */
  async function find(
    { snapshotId, ...cluster }: SnapshotIdentity,
    refused: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<RestoreJob | undefined> {
    let seen = 0;
    for await (const listed of atlas.restoreJobs(cluster, step(signal))) {
      seen += 1;
      if (seen > JOBS_TO_SEARCH) return undefined;
      const expiry = linkExpiry(listed) ?? 0;
      if (
        !isDownload(listed) ||
        listed.snapshotId !== snapshotId ||
        isFailed(listed) ||
        expiry <= clock.now() + EXPIRY_MARGIN_MS
      )
        continue;
      // Whether lists carry links is not documented, so a job without one is read by itself.
      const job = listed.snapshotUrl === undefined && listed.id ? await read(cluster, listed.id, signal) : listed;
      if (job && (usable(job, refused) || !isFinished(job))) return job;
    }
    return undefined;
  }

  return {
    async describe({ snapshotId, ...cluster }, signal) {
      const { status, ...facts } = await atlas.getSnapshot({ ...cluster, snapshotId }, step(signal));
      if (status !== undefined && status.toUpperCase() !== "COMPLETED") throw ownFailure("SNAPSHOT_NOT_COMPLETE");
      return cleanFacts(facts);
    },

    async link(identity, { restoreJobId, refused, onJob }, signal) {
      const { snapshotId, ...cluster } = identity;
      const known = restoreJobId === undefined ? undefined : await read(cluster, restoreJobId, signal);
      const fromKnown = known && !isFailed(known) ? await awaitLink(cluster, known, refused, signal) : undefined;
      if (fromKnown) return fromKnown;
      const found = await find(identity, refused, signal);
      const fromList = found && (await awaitLink(cluster, found, refused, signal));
      if (fromList) return fromList;
      const { restoreJob } = await atlas.requestDownload({ ...cluster, snapshotId }, {}, step(signal));
      if (restoreJob.id) await onJob(restoreJob.id);
      const requested = await awaitLink(cluster, restoreJob, refused, signal);
      if (requested) return requested;
      throw ownFailure("LINK_NOT_READY", {
        detail: "The download job ended, or is not shown by Atlas, without a link that can be used.",
      });
    },
  };
}

/** The file host said no to the job's link before, whether the job shows the same link again or another. */
function isRefused({ id, snapshotUrl }: RestoreJob, refused: ReadonlySet<string>): boolean {
  return refused.has(id ?? "") || refused.has(snapshotUrl ?? "");
}

function linkOf(job: RestoreJob): SnapshotLink {
  const expiresAt = linkExpiry(job);
  return {
    url: job.snapshotUrl ?? "",
    ...(job.id ? { restoreJobId: job.id } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
