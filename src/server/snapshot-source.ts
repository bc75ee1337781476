// Finds a snapshot's download link in the order that creates the fewest download jobs in Atlas.
import type { Atlas } from "../atlas/client.ts";
import {
  isAbout,
  isCompleted,
  isDownload,
  isFailed,
  isFinished,
  type JobAnswer,
  type JobPage,
  LINK_LIFE_MS,
  linkExpiry,
  type RestoreJob,
} from "../atlas/model.ts";
import { isAtlasId } from "../core/atlas-id.ts";
import { Failure, ownFailure } from "../core/errors.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import type { KnownJobs, SnapshotIdentity, SnapshotLink, SnapshotSource } from "../download/contract.ts";

/** Limit of one request to Atlas, retries included. Saves run in the background, where no call's deadline applies. */
const STEP_LIMIT_MS = 45_000;
/** Pause between two reads of a job or of the list. */
const POLL_MS = 3_000;
/** How long to wait for a job's link before the person is told to call again later. Atlas takes seconds to minutes. */
const JOB_LIMIT_MS = 5 * 60_000;
/** If Atlas does not show a requested job within this time, the job counts as lost and another may be requested. */
const UNSEEN_LIMIT_MS = 15 * 60_000;
/** If the outcome of a request is unknown, its job may still appear for this long, and no other job is requested. */
const OUTCOME_LIMIT_MS = 3 * 60_000;
/** After this many failed jobs of a snapshot within this time, no other is requested. */
const MAX_FAILED_JOBS = 2;
const FAILED_WITHIN_MS = 3_600_000;
/** A listed link that expires within this time is not used. */
const EXPIRY_MARGIN_MS = 60_000;

/** Replaces the usual hint of OUTCOME_UNKNOWN, which says to look at the list: the next save does so by itself. */
const LOOKED_UP_FIRST =
  "Call again in a few minutes. Whether a job was created is not known yet: the next call looks for it first, and requests another only when none has appeared.";

/** A job that may have a usable link. `requestedAt` is set only if this server requested the job. */
interface Candidate {
  restoreJobId: string | undefined;
  requestedAt?: number | undefined;
}

/**
 * Gives `download/` the links that it saves from. A download job stays active for four hours, and Atlas limits the active jobs
 * of a project (TOO_MANY_SNAPSHOT_DOWNLOADS). So `link` requests a job only as the last step:
 *
 * 1. It uses a job that this process requested, or that an earlier process requested and recorded.
 * 2. It uses an unexpired job of this snapshot in Atlas's list, whoever requested it.
 * 3. While the outcome of the last request is unknown, it repeats 1 and 2: that request's job may still appear.
 * 4. It requests a new job, unless Atlas's list shows that jobs of this snapshot keep failing, whichever process requested them.
 *
 * Whether a known job's link still works is decided by the file host, not by this computer's clock, which may be hours off.
 * `known.refused` contains the links that the file host refused, and the ids of their jobs.
 */
export function createSnapshotSource({ atlas, clock }: { atlas: Atlas; clock: Clock }): SnapshotSource {
  async function link(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal): Promise<SnapshotLink> {
    for (;;) {
      const requested = await fromRequested(identity, known, signal);
      if (requested) return requested;
      const page = await atlas.latestJobs(clusterOf(identity), step(signal));
      const listed = await fromList(page, identity, known, signal);
      if (listed) return listed;
      if (!isOutcomeOpen(identity, known)) {
        if (keepFailing(page, identity)) throw ownFailure("JOBS_KEEP_FAILING");
        return fromNewJob(identity, known, signal);
      }
      await clock.sleep(POLL_MS, signal);
    }
  }

  /** Step 1, with the later request first. */
  async function fromRequested(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal) {
    const newest = atlas.newestRequest(identity);
    const jobs: (Candidate & { answer?: JobAnswer | undefined })[] = [
      { restoreJobId: newest?.answer?.restoreJob.id, ...newest },
      { restoreJobId: known.restoreJobId, requestedAt: known.requestedAt },
    ];
    jobs.sort((one, other) => (other.requestedAt ?? 0) - (one.requestedAt ?? 0));
    for (const { answer, ...job } of jobs) {
      if (job.restoreJobId === undefined || known.refused.has(job.restoreJobId)) continue;
      // If the answer to the request had a link, it is used while the link lives, since Atlas may never show the job.
      const hasLiveLink = answer?.restoreJob.snapshotUrl && isWithin(job.requestedAt, LINK_LIFE_MS);
      const first = hasLiveLink ? answer : await read(identity, job.restoreJobId, signal);
      // A job that has already failed may be replaced; a job that fails while it is awaited is reported by `awaitLink`.
      if (first && isFailed(first.restoreJob)) continue;
      const link = await awaitLink(identity, job, first, known, signal);
      if (link) return link;
    }
    return undefined;
  }

  /** Step 2. A job that names no snapshot is skipped, since it may belong to another snapshot. */
  async function fromList(
    { jobs, serverTime }: JobPage,
    identity: SnapshotIdentity,
    known: KnownJobs,
    signal: AbortSignal,
  ) {
    const soon = (serverTime ?? clock.now()) + EXPIRY_MARGIN_MS;
    for (const restoreJob of jobs) {
      const { id: restoreJobId, snapshotUrl } = restoreJob;
      if (!isDownload(restoreJob) || restoreJob.snapshotId !== identity.snapshotId || isFailed(restoreJob)) continue;
      if (known.refused.has(restoreJobId ?? "") || (linkExpiry(restoreJob) ?? 0) <= soon) continue;
      // Atlas does not document whether lists contain links, so a job without a link is read by itself.
      const listed = { httpStatus: 200, restoreJob, serverTime };
      const first = snapshotUrl === undefined && restoreJobId ? await read(identity, restoreJobId, signal) : listed;
      if (!first || isFailed(first.restoreJob)) continue;
      const link = await awaitLink(identity, { restoreJobId }, first, known, signal);
      if (link) return link;
    }
    return undefined;
  }

  /** Step 3: whether the last request may have created a job that has not been seen yet. */
  function isOutcomeOpen(identity: SnapshotIdentity, { restoreJobId, requestedAt }: KnownJobs): boolean {
    const newest = atlas.newestRequest(identity);
    if (newest && !newest.answer && isWithin(newest.requestedAt, OUTCOME_LIMIT_MS)) return true;
    // A request is recorded without the job that it created.
    return restoreJobId === undefined && isWithin(requestedAt, OUTCOME_LIMIT_MS);
  }

  /** Step 4. The request is recorded before it is sent, in case the process dies in between. */
  async function fromNewJob(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal): Promise<SnapshotLink> {
    await known.onRequest();
    const requestedAt = clock.now();
    const answer = await atlas.requestDownload(identity, {}, step(signal)).catch(async (error: unknown) => {
      // The record stays, so that the next call looks for the job before it requests another.
      if (error instanceof Failure && error.outcomeUnknown)
        throw new Failure({ ...error.envelope, retryable: true, hint: LOOKED_UP_FIRST }, { cause: error });
      // No job was created, so the record is removed. A cancelled request may have created a job, so its record stays.
      if (!signal.aborted) await known.onJob(undefined);
      throw error;
    });
    const restoreJobId = answer.restoreJob.id;
    if (restoreJobId) await known.onJob(restoreJobId);
    const link = await awaitLink(identity, { restoreJobId, requestedAt }, answer, known, signal);
    if (!link) throw ownFailure("JOB_WITHOUT_LINK");
    return { ...link, isNew: true };
  }

  /**
   * Waits until the job has its link; `first` is the job's state if it was just read.
   * Resolves with undefined if another job may replace this one: the file host refused its link, Atlas does not show the job and
   * is not expected to, or it ended without a link and this server did not request it within the last four hours.
   * Rejects if no other job may be requested now: the job fails, ended without a link, or has no link after five minutes.
   */
  async function awaitLink(
    identity: SnapshotIdentity,
    { restoreJobId, requestedAt }: Candidate,
    first: JobAnswer | undefined,
    { refused }: KnownJobs,
    signal: AbortSignal,
  ): Promise<SnapshotLink | undefined> {
    const until = clock.now() + JOB_LIMIT_MS;
    for (let answer = first; ; answer = restoreJobId ? await read(identity, restoreJobId, signal) : undefined) {
      const job = answer?.restoreJob;
      if (job ? isRefused(job, refused) : !isWithin(requestedAt, UNSEEN_LIMIT_MS)) return undefined;
      if (answer && job?.snapshotUrl !== undefined) return linkOf(answer, requestedAt);
      if (job && isFailed(job)) throw await jobFailure(identity, signal);
      if (job && isFinished(job)) {
        if (isWithin(requestedAt, LINK_LIFE_MS)) throw ownFailure("JOB_WITHOUT_LINK");
        return undefined;
      }
      if (clock.now() > until) throw ownFailure("LINK_NOT_READY");
      await clock.sleep(POLL_MS, signal);
    }
  }

  /** The failure of a job that has just ended as FAILED. */
  async function jobFailure(identity: SnapshotIdentity, signal: AbortSignal): Promise<Failure> {
    try {
      const page = await atlas.latestJobs(clusterOf(identity), step(signal));
      return ownFailure(keepFailing(page, identity) ? "JOBS_KEEP_FAILING" : "JOB_FAILED");
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // Without the list, it is still known that this job failed.
      return ownFailure("JOB_FAILED", {}, { cause: error });
    }
  }

  /**
   * Whether jobs of this snapshot failed so often within the last hour, by Atlas's own list and clock, that another is no use.
   * A job counts unless its dates say that it failed earlier: without dates it may have failed just now.
   */
  function keepFailing({ jobs, serverTime }: JobPage, { snapshotId }: SnapshotIdentity): boolean {
    const since = (serverTime ?? clock.now()) - FAILED_WITHIN_MS;
    const isEarlier = ({ restoreFinishedDate, restoreScheduledDate }: RestoreJob) => {
      const times = [restoreFinishedDate, restoreScheduledDate].map((date) => Date.parse(date ?? ""));
      return (times.find(Number.isFinite) ?? since) < since;
    };
    const failed = jobs.filter((job) => isDownload(job) && job.snapshotId === snapshotId && isFailed(job));
    return failed.filter((job) => !isEarlier(job)).length >= MAX_FAILED_JOBS;
  }

  /** The job's current state; undefined if Atlas answers 404, as it may for download jobs, or with another snapshot's job. */
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

  /** Converts the expiry from Atlas's clock to this computer's clock. */
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

  /** The clock may have been set back since, so a moment in the future counts like one equally far in the past. */
  function isWithin(moment: number | undefined, ms: number): boolean {
    return moment !== undefined && Math.abs(clock.now() - moment) < ms;
  }

  function step(signal: AbortSignal): CallLimits {
    return { deadline: clock.now() + STEP_LIMIT_MS, signal };
  }

  return {
    async describe({ snapshotId, ...cluster }, signal) {
      const { status, id = snapshotId, ...facts } = await atlas.getSnapshot({ ...cluster, snapshotId }, step(signal));
      if (id !== snapshotId && isAtlasId(id))
        throw ownFailure("UNREADABLE_RESPONSE", { detail: "Atlas answered with another snapshot than was asked for." });
      if (isFailed({ status })) throw ownFailure("SNAPSHOT_FAILED");
      if (status !== undefined && !isCompleted({ status })) throw ownFailure("SNAPSHOT_NOT_COMPLETE");
      return facts;
    },
    link,
  };
}

const clusterOf = ({ groupId, name }: SnapshotIdentity) => ({ groupId, name });

/** Whether the file host refused a link of this job. The job stays refused even if it now has another link. */
function isRefused({ id, snapshotUrl }: RestoreJob, refused: ReadonlySet<string>): boolean {
  return refused.has(id ?? "") || refused.has(snapshotUrl ?? "");
}
