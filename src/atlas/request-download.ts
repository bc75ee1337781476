import { Failure, ownFailure } from "../errors.ts";
import { neverSent } from "../http/never-sent.ts";
import type { Clock, HttpResponse } from "../http/send.ts";
import { OWN_ERRORS } from "../own-errors.ts";
import type { CallLimits, ClusterPath, JobAnswer, JobPage, WireOptions } from "./contract.ts";
import { RestoreJob } from "./schemas.ts";

type SnapshotPath = ClusterPath & { snapshotId: string };

/** How long the request itself may take; what is left of a 50-second call then suffices for the look-up. */
const POST_LIMIT_MS = 25_000;
/** How long the look-up after an unclear answer may take. */
const LOOK_UP_LIMIT_MS = 15_000;
/** Pauses between look-ups: a job created by a slow request may appear late. */
const LOOK_UP_PAUSES_MS = [0, 1_000, 2_000, 4_000];
/** Atlas gives times in whole seconds, and so does its `Date` header: each may be up to a second early. */
const ROUNDING_MS = 1_000;

const OBJECT_ID = /^[a-f0-9]{24}$/;

interface Dependencies {
  clock: Clock;
  post: (cluster: ClusterPath, snapshotId: string, wire: WireOptions, limits: CallLimits) => Promise<HttpResponse>;
  latestJobs: (cluster: ClusterPath, limits: CallLimits) => Promise<JobPage>;
  refusal: (response: HttpResponse) => Failure;
}

/**
 * The request that creates a download job, made so that it never creates a second one by accident. Atlas knows no
 * idempotency key, so an unclear outcome (broken connection, time-out, 5xx, an unreadable success) is resolved by
 * looking for the job that the request must have created: a DOWNLOAD job of this snapshot, scheduled since the
 * request by Atlas's own clock, which this process has not seen before.
 */
export function createDownloadRequest({ clock, post, latestJobs, refusal }: Dependencies) {
  const known = new Set<string>();

  /** The answer, or the failure that leaves open whether a job exists; throws what certainly created none. */
  async function attempt(
    { snapshotId, ...cluster }: SnapshotPath,
    wire: WireOptions,
    limits: CallLimits,
  ): Promise<JobAnswer | Failure> {
    const limitMs = Math.min(limits.deadline - LOOK_UP_LIMIT_MS - clock.now(), POST_LIMIT_MS);
    if (limitMs <= 0)
      throw ownFailure("TIMEOUT", { detail: "Too little time was left to request a download; nothing was sent." });
    // A deadline rather than a signal: when it passes, the failure says whether the request was sent.
    const bounded = { ...limits, deadline: clock.now() + limitMs };
    const response = await post(cluster, snapshotId, wire, bounded).catch((error: unknown) => {
      if (error instanceof Failure && !neverSent(error)) return error;
      throw error;
    });
    if (response instanceof Failure) {
      if (response.envelope.source === "network" || response.envelope.source === "atlas") return response;
      throw response;
    }
    if (response.status >= 500) return refusal(response);
    if (response.status >= 300) throw refusal(response);
    const job = RestoreJob.safeParse(response.json).data;
    // An id that is none could neither be followed nor told apart from other jobs later.
    return job && (job.id === undefined ? job.snapshotUrl : OBJECT_ID.test(job.id))
      ? { httpStatus: response.status, restoreJob: job }
      : ownFailure("UNREADABLE_RESPONSE");
  }

  async function lookUp(
    { snapshotId, ...cluster }: SnapshotPath,
    startedAt: number,
    limits: CallLimits,
  ): Promise<RestoreJob | undefined> {
    const bounded = within(Math.min(limits.deadline - clock.now(), LOOK_UP_LIMIT_MS), limits);
    try {
      for (const pauseMs of LOOK_UP_PAUSES_MS) {
        await clock.sleep(pauseMs, bounded.signal);
        const { jobs, serverTime } = await latestJobs(cluster, bounded);
        const since = (serverTime ?? Number.NaN) - (clock.now() - startedAt) - ROUNDING_MS;
        const found = jobs.find((job) => isResult(job, snapshotId, since) && !known.has(job.id ?? ""));
        if (found) return found;
      }
    } catch (error) {
      // A look-up that fails or runs out of time leaves the outcome as unknown as it was: the caller says so.
      if (limits.signal.aborted || !(error instanceof Failure || bounded.signal.aborted)) throw error;
    }
    return undefined;
  }

  return async (snapshot: SnapshotPath, wire: WireOptions, limits: CallLimits): Promise<JobAnswer> => {
    const startedAt = clock.now();
    const outcome = await attempt(snapshot, wire, limits);
    if (!(outcome instanceof Failure)) return remember(outcome);
    const restoreJob = await lookUp(snapshot, startedAt, limits);
    if (restoreJob) return remember({ httpStatus: 200, restoreJob });
    throw outcomeUnknown(outcome);
  };

  function remember(answer: JobAnswer): JobAnswer {
    if (answer.restoreJob.id) known.add(answer.restoreJob.id);
    return answer;
  }

  function within(ms: number, { signal }: CallLimits): CallLimits {
    return { deadline: clock.now() + ms, signal: AbortSignal.any([signal, AbortSignal.timeout(Math.max(ms, 0))]) };
  }
}

function isResult(
  { deliveryType, snapshotId, restoreScheduledDate }: RestoreJob,
  wanted: string,
  since: number,
): boolean {
  return (
    deliveryType?.toUpperCase() === "DOWNLOAD" &&
    snapshotId === wanted &&
    Date.parse(restoreScheduledDate ?? "") >= since
  );
}

/** Keeps what Atlas said of a fault of its own; everything else becomes OUTCOME_UNKNOWN with its reason. */
function outcomeUnknown(cause: Failure): Failure {
  const { hint, retryable } = OWN_ERRORS.OUTCOME_UNKNOWN;
  if (cause.envelope.error !== undefined)
    return new Failure(
      { ...cause.envelope, retryable, hint: `Whether a job was created is unknown. ${hint}` },
      { cause },
    );
  return ownFailure(
    "OUTCOME_UNKNOWN",
    { detail: `${OWN_ERRORS.OUTCOME_UNKNOWN.meaning} The request ended with ${cause.code}: ${cause.envelope.detail}` },
    { cause },
  );
}
