// Requests a download job, and never creates a second one by accident after an unclear outcome.
import { isAtlasId } from "../core/atlas-id.ts";
import { detailOf, Failure, neverSent, ownFailure } from "../core/errors.ts";
import { OWN_ERRORS } from "../core/own-errors.ts";
import { bounded, type CallLimits, type Clock } from "../core/time.ts";
import { type HttpResponse, serverTimeOf } from "../http/messages.ts";
import { isByGateway } from "./hints.ts";
import {
  type ClusterPath,
  type DownloadRequest,
  isAbout,
  type JobAnswer,
  type JobPage,
  RestoreJob,
  type WireOptions,
} from "./model.ts";

type SnapshotPath = ClusterPath & { snapshotId: string };

/** Limit of the request itself, which leaves enough of a 50-second call for the look-up. */
const POST_LIMIT_MS = 25_000;
/** Limit of the look-up after an unclear answer. */
const LOOK_UP_LIMIT_MS = 15_000;
/** Pauses before each look-up: the job of a slow request may appear late. */
const LOOK_UP_PAUSES_MS = [0, 1_000, 2_000, 4_000];
/** Atlas rounds the times in its answers and its `Date` header down to whole seconds. */
const ROUNDING_MS = 1_000;

interface Dependencies {
  clock: Clock;
  post: (cluster: ClusterPath, snapshotId: string, wire: WireOptions, limits: CallLimits) => Promise<HttpResponse>;
  latestJobs: (cluster: ClusterPath, limits: CallLimits) => Promise<JobPage>;
  refusal: (response: HttpResponse) => Failure;
}

/**
 * Atlas has no idempotency key. After an unclear outcome (broken connection, time-out, 3xx, 5xx, a gateway's 408, 425 or 499, an unreadable success),
 * `request` therefore looks for the job that it may have created: a DOWNLOAD job of this snapshot that this process has not
 * seen before, scheduled after the request by Atlas's own clock. `newest` returns the latest request of a snapshot, so that
 * callers can use its job instead of requesting another.
 */
export function createDownloadRequests({ clock, post, latestJobs, refusal }: Dependencies) {
  const knownJobs = new Set<string>();
  const requests = new Map<string, DownloadRequest>();

  async function request(snapshot: SnapshotPath, wire: WireOptions, limits: CallLimits): Promise<JobAnswer> {
    const requestedAt = clock.now();
    const startedAt = clock.ticks();
    const key = keyOf(snapshot);
    const before = requests.get(key);
    requests.set(key, { requestedAt });
    const outcome = await attempt(snapshot, wire, limits).catch((error: unknown) => {
      // It is unknown whether a cancelled request created a job.
      if (!limits.signal.aborted) forget(key, before);
      throw error;
    });
    if (!(outcome instanceof Failure)) return remember(key, requestedAt, outcome);
    const found = await lookUp(snapshot, startedAt, limits);
    if (!found) throw outcomeUnknown(outcome);
    return remember(key, requestedAt, found);
  }

  /** Returns the answer, or a failure after which a job may exist. Throws if certainly no job was created. */
  async function attempt(
    { snapshotId, ...cluster }: SnapshotPath,
    wire: WireOptions,
    limits: CallLimits,
  ): Promise<JobAnswer | Failure> {
    const limitMs = Math.min(limits.deadline - LOOK_UP_LIMIT_MS - clock.now(), POST_LIMIT_MS);
    if (limitMs <= 0)
      throw ownFailure("TIMEOUT", { detail: "Too little time was left to request a download; nothing was sent." });
    // A deadline instead of an abort: its failure says whether the request was sent.
    const within = { ...limits, deadline: clock.now() + limitMs };
    const response = await post(cluster, snapshotId, wire, within).catch((error: unknown) => {
      if (error instanceof Failure && !neverSent(error)) return error;
      throw error;
    });
    if (response instanceof Failure) {
      const { source, error } = response.envelope;
      if ((source === "network" || source === "atlas") && !isRefusal(error)) return response;
      throw response;
    }
    if (isRefusal(response.status)) throw refusal(response);
    if (response.status < 200 || response.status >= 300) return refusal(response);
    const job = RestoreJob.safeParse(response.json).data;
    // A job with a malformed id cannot be read or recognised later.
    const canFollow = job && (job.id === undefined ? job.snapshotUrl : isAtlasId(job.id));
    // An answer about another snapshot says nothing about this request.
    return canFollow && isAbout(job, snapshotId)
      ? { httpStatus: response.status, restoreJob: job, serverTime: serverTimeOf(response) }
      : ownFailure("UNREADABLE_RESPONSE");
  }

  async function lookUp(
    { snapshotId, ...cluster }: SnapshotPath,
    startedAt: number,
    limits: CallLimits,
  ): Promise<JobAnswer | undefined> {
    const deadline = Math.min(limits.deadline, clock.now() + LOOK_UP_LIMIT_MS);
    return bounded(clock, { deadline, signal: limits.signal }, async (signal) => {
      for (const pauseMs of LOOK_UP_PAUSES_MS) {
        await clock.sleep(pauseMs, signal);
        const { jobs, serverTime } = await latestJobs(cluster, { deadline, signal });
        const since = (serverTime ?? Number.NaN) - (clock.ticks() - startedAt) - ROUNDING_MS;
        const found = jobs.find((job) => isResult(job, snapshotId, since) && !knownJobs.has(job.id ?? ""));
        if (found) return { httpStatus: 200, restoreJob: found, serverTime };
      }
      return undefined;
    }).catch((error: unknown) => {
      // The caller reports that the outcome is unknown.
      if (limits.signal.aborted || !(error instanceof Failure)) throw error;
      return undefined;
    });
  }

  function remember(key: string, requestedAt: number, answer: JobAnswer): JobAnswer {
    if (answer.restoreJob.id) knownJobs.add(answer.restoreJob.id);
    requests.set(key, { requestedAt, answer });
    return answer;
  }

  /** The request created no job, so the previous request is the newest again if it led to a job. */
  function forget(key: string, before: DownloadRequest | undefined): void {
    if (before?.answer) requests.set(key, before);
    else requests.delete(key);
  }

  return { request, newest: (snapshot: SnapshotPath) => requests.get(keyOf(snapshot)) };
}

const keyOf = ({ groupId, snapshotId }: SnapshotPath) => `${groupId} ${snapshotId}`;

/** Only a 4xx of Atlas itself proves that no job was created. A redirect does not: something on the way may have sent it. */
const isRefusal = (status = 0) => status >= 400 && status < 500 && !isByGateway(status);

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

/** Keeps the fields of an error that Atlas answered; any other failure becomes OUTCOME_UNKNOWN with its reason. */
function outcomeUnknown(cause: Failure): Failure {
  const { hint, retryable } = OWN_ERRORS.OUTCOME_UNKNOWN;
  const detail = `${OWN_ERRORS.OUTCOME_UNKNOWN.meaning} The request ended with ${cause.code}: ${detailOf(cause.envelope)}`;
  const unclear = `Whether a job was created is unknown. ${hint}`;
  const failure =
    cause.envelope.error === undefined
      ? ownFailure("OUTCOME_UNKNOWN", { detail }, { cause })
      : new Failure({ ...cause.envelope, retryable, hint: unclear }, { cause });
  failure.outcomeUnknown = true;
  return failure;
}
