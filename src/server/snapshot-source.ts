import type { Atlas } from "../atlas/client.ts";
import {
  isAbout,
  isDownload,
  isFailed,
  isFinished,
  type JobAnswer,
  LINK_LIFE_MS,
  linkExpiry,
  type RestoreJob,
} from "../atlas/model.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { KnownJobs, SnapshotIdentity, SnapshotLink, SnapshotSource } from "../download/contract.ts";

/** One conversation with Atlas in the background is bounded like a call of its own. */
const STEP_LIMIT_MS = 45_000;
const POLL_MS = 3_000;
/** Atlas takes seconds to minutes; beyond this the person is told rather than kept waiting. */
const JOB_LIMIT_MS = 5 * 60_000;
/** A job that Atlas does not show for so long after its request will not be shown at all. */
const UNSEEN_LIMIT_MS = 15 * 60_000;
/** So long after a request whose outcome is unknown, the job it may have created is looked for instead of another request. */
const OPEN_LIMIT_MS = 3 * 60_000;
/** A link that is about to expire is not worth starting with. */
const EXPIRY_MARGIN_MS = 60_000;

/** A save that is called again looks before it requests, so its caller is told to wait rather than to look. */
const LOOKED_UP_FIRST =
  "Whether a job was created is not known yet: wait a few minutes. The next call looks for it first, and requests another only when none has appeared.";

/** A job and, where this server requested it, when. */
interface JobTrace {
  restoreJobId: string | undefined;
  requestedAt?: number | undefined;
}

/** Where snapshots come from: Atlas, asked in the order that creates the fewest download jobs. */
export function createSnapshotSource({ atlas, clock }: { atlas: Atlas; clock: Clock }): SnapshotSource {
  const step = (signal: AbortSignal): CallLimits => ({ deadline: clock.now() + STEP_LIMIT_MS, signal });

  /** The clock may have been set meanwhile, so a moment in the future is as far away as one in the past. */
  const isWithin = (moment: number | undefined, ms: number) =>
    moment !== undefined && Math.abs(clock.now() - moment) < ms;

  /** The job's present state; nothing when Atlas does not show it, as it may with download jobs, or shows another's. */
  async function read(
    { snapshotId, ...cluster }: SnapshotIdentity,
    restoreJobId: string,
    signal: AbortSignal,
  ): Promise<JobAnswer | undefined> {
    try {
      const answer = await atlas.getRestoreJob({ ...cluster, restoreJobId }, {}, step(signal));
      return isAbout(answer.restoreJob, snapshotId) ? answer : undefined;
    } catch (error) {
      if (error instanceof Failure && error.envelope.error === 404) return undefined;
      throw error;
    }
  }

  /**
   * Waits until the job has its link; nothing when it has none that can be used and another job may be requested. The
   * file host judges whether a link still works: this computer's clock may be hours off.
   */
  async function awaitLink(
    identity: SnapshotIdentity,
    { restoreJobId, requestedAt }: JobTrace,
    first: JobAnswer | undefined,
    refused: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<SnapshotLink | undefined> {
    const until = clock.now() + JOB_LIMIT_MS;
    for (let answer = first; ; answer = restoreJobId ? await read(identity, restoreJobId, signal) : undefined) {
      const job = answer?.restoreJob;
      if (job ? isRefused(job, refused) : !isWithin(requestedAt, UNSEEN_LIMIT_MS)) return undefined;
      if (answer && job?.snapshotUrl !== undefined) return linkOf(answer, requestedAt);
      if (job && isFailed(job)) throw ownFailure("JOB_FAILED");
      if (job && isFinished(job)) {
        if (isWithin(requestedAt, LINK_LIFE_MS)) throw ownFailure("JOB_WITHOUT_LINK");
        return undefined;
      }
      if (clock.now() > until) throw ownFailure("LINK_NOT_READY");
      await clock.sleep(POLL_MS, signal);
    }
  }

  function linkOf({ restoreJob, serverTime }: JobAnswer, requestedAt: number | undefined): SnapshotLink {
    const expiry = linkExpiry(restoreJob);
    const now = clock.now();
    const byRequest = requestedAt === undefined ? undefined : requestedAt + LINK_LIFE_MS;
    const expiresAt = expiry === undefined ? byRequest : expiry + now - (serverTime ?? now);
    return {
      url: restoreJob.snapshotUrl ?? "",
      ...(restoreJob.id ? { restoreJobId: restoreJob.id } : {}),
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
  }

  /** The link of the job that was requested last, in this process or by what is written down of an earlier one. */
  async function fromKnown(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal) {
    const newest = atlas.newestRequest(identity);
    const jobs: (JobTrace & { answer?: JobAnswer | undefined })[] = [
      { restoreJobId: newest?.answer?.restoreJob.id, ...newest },
      { restoreJobId: known.restoreJobId, requestedAt: known.requestedAt },
    ];
    jobs.sort((one, other) => (other.requestedAt ?? 0) - (one.requestedAt ?? 0));
    for (const { answer, ...job } of jobs) {
      if (job.restoreJobId === undefined || known.refused.has(job.restoreJobId)) continue;
      const isAnswered = answer?.restoreJob.snapshotUrl && isWithin(job.requestedAt, LINK_LIFE_MS);
      const first = isAnswered ? answer : await read(identity, job.restoreJobId, signal);
      if (first && isFailed(first.restoreJob)) continue;
      const link = await awaitLink(identity, job, first, known.refused, signal);
      if (link) return link;
    }
    return undefined;
  }

  /** The link of a job of this snapshot in Atlas's list. */
  async function fromList(identity: SnapshotIdentity, { refused }: KnownJobs, signal: AbortSignal) {
    const { snapshotId, ...cluster } = identity;
    const { jobs, serverTime } = await atlas.latestJobs(cluster, step(signal));
    const soon = (serverTime ?? clock.now()) + EXPIRY_MARGIN_MS;
    for (const restoreJob of jobs) {
      const { id: restoreJobId, snapshotUrl } = restoreJob;
      if (!isDownload(restoreJob) || restoreJob.snapshotId !== snapshotId || isFailed(restoreJob)) continue;
      if (refused.has(restoreJobId ?? "") || (linkExpiry(restoreJob) ?? 0) <= soon) continue;
      // Whether lists carry links is not documented, so a job without one is read by itself.
      const listed = { httpStatus: 200, restoreJob, serverTime };
      const first = snapshotUrl === undefined && restoreJobId ? await read(identity, restoreJobId, signal) : listed;
      if (!first || isFailed(first.restoreJob)) continue;
      const link = await awaitLink(identity, { restoreJobId }, first, refused, signal);
      if (link) return link;
    }
    return undefined;
  }

  /** Whether the request that was sent last may have created a job that nobody has seen yet. */
  function isOpen(identity: SnapshotIdentity, { restoreJobId, requestedAt }: KnownJobs): boolean {
    const newest = atlas.newestRequest(identity);
    if (newest && !newest.answer && isWithin(newest.requestedAt, OPEN_LIMIT_MS)) return true;
    return restoreJobId === undefined && isWithin(requestedAt, OPEN_LIMIT_MS);
  }

  async function request(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal): Promise<SnapshotLink> {
    await known.onRequest();
    const requestedAt = clock.now();
    const answer = await atlas.requestDownload(identity, {}, step(signal)).catch(async (error: unknown) => {
      if (error instanceof Failure && error.outcomeUnknown)
        throw new Failure({ ...error.envelope, hint: LOOKED_UP_FIRST }, { cause: error });
      if (!signal.aborted) await known.onJob(undefined);
      throw error;
    });
    const restoreJobId = answer.restoreJob.id;
    if (restoreJobId) await known.onJob(restoreJobId);
    const link = await awaitLink(identity, { restoreJobId, requestedAt }, answer, known.refused, signal);
    if (!link) throw ownFailure("JOB_WITHOUT_LINK");
    return { ...link, isNew: true };
  }

  return {
    async describe({ snapshotId, ...cluster }, signal) {
      const { status, ...facts } = await atlas.getSnapshot({ ...cluster, snapshotId }, step(signal));
      if (status !== undefined && status.toUpperCase() !== "COMPLETED") throw ownFailure("SNAPSHOT_NOT_COMPLETE");
      return facts;
    },

    async link(identity, known, signal) {
      for (;;) {
        const link = (await fromKnown(identity, known, signal)) ?? (await fromList(identity, known, signal));
        if (link) return link;
        if (!isOpen(identity, known)) return request(identity, known, signal);
        await clock.sleep(POLL_MS, signal);
      }
    },
  };
}

/** The file host said no to the job's link before, whether the job shows the same link again or another. */
function isRefused({ id, snapshotUrl }: RestoreJob, refused: ReadonlySet<string>): boolean {
  return refused.has(id ?? "") || refused.has(snapshotUrl ?? "");
}
