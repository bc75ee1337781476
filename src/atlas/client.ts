import type * as z from "zod";
import { isAtlasId } from "../core/atlas-id.ts";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import { clean } from "../core/text.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import { type HttpResponse, headerOf, type Send } from "../http/send.ts";
import { adviceFor } from "./hints.ts";
import {
  ApiError,
  type ClusterPath,
  FlexCluster,
  type JobAnswer,
  type JobPage,
  MAX_ITEMS_PER_PAGE,
  Page,
  Project,
  RestoreJob,
  Snapshot,
  type WireOptions,
} from "./model.ts";
import { createDownloadRequests, serverTimeOf } from "./request-download.ts";

/** The only version in which Atlas offers the Flex resources. */
const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
/** The only version of the project resources. */
const PROJECT_MEDIA_TYPE = "application/vnd.atlas.2023-01-01+json";

/** Enough projects at a time to hide the latency, few enough to leave the rate limit to others. */
export const PROJECTS_AT_ONCE = 8;

/** A list longer than this is not read to its end: 10,000 entries, above every documented quota of these resources. */
const MAX_PAGES = 20;

export type Atlas = ReturnType<typeof createAtlas>;

/**
 * The operations of the Atlas Admin API that this server uses, one method each. Every one rejects with a `Failure`
 * (Atlas's own error, or a network failure), or with the signal's reason.
 */
export function createAtlas(options: { baseUrl: URL; send: Send; clock: Clock; scrub: (text: string) => string }) {
  const { baseUrl, send, clock, scrub } = options;

  async function get(path: string, mediaType: string, limits: CallLimits): Promise<HttpResponse> {
    const response = await send({
      method: "GET",
      url: new URL(path, baseUrl),
      headers: { accept: mediaType },
      ...limits,
    });
    return accepted(response);
  }

  function accepted(response: HttpResponse): HttpResponse {
    if (response.status === 200) return response;
    throw response.status < 300 ? unreadable(response) : atlasFailure(response, scrub, clock.now());
  }

  async function one<T>(schema: z.ZodType<T>, path: string, mediaType: string, limits: CallLimits): Promise<T> {
    return parsed(schema, await get(path, mediaType, limits));
  }

  /** A list, page after page; entries that are no objects are left out. */
  async function* pages<T>(
    schema: z.ZodType<T>,
    path: string,
    mediaType: string,
    limits: CallLimits,
  ): AsyncGenerator<T[]> {
    for (let pageNum = 1; pageNum <= MAX_PAGES; pageNum++) {
      // The page's own `next` link is not followed: it could lead to another host.
      const { results } = await one(
        Page,
        `${path}?itemsPerPage=${MAX_ITEMS_PER_PAGE}&pageNum=${pageNum}`,
        mediaType,
        limits,
      );
      yield readable(schema, results);
      if (results.length < MAX_ITEMS_PER_PAGE) return;
    }
  }

  async function* entries<T>(...list: Parameters<typeof pages<T>>): AsyncGenerator<T> {
    for await (const page of pages(...list)) yield* page;
  }

  /**
   * One page of jobs, on which the latest ones are. Atlas documents no order and offers none to choose; all its recorded
   * answers begin with the newest job, also where a cluster has thousands. Within the page no order is relied upon.
   */
  async function latestJobs(cluster: ClusterPath, limits: CallLimits): Promise<JobPage> {
    const response = await get(
      `${backup(cluster)}/restoreJobs?itemsPerPage=${MAX_ITEMS_PER_PAGE}&pageNum=1`,
      FLEX_MEDIA_TYPE,
      limits,
    );
    return { jobs: readable(RestoreJob, parsed(Page, response).results), serverTime: serverTimeOf(response) };
  }

  const downloads = createDownloadRequests({
    clock,
    latestJobs,
    refusal: (response) => atlasFailure(response, scrub, clock.now()),
    post: (cluster, snapshotId, wire, limits) =>
      send({
        method: "POST",
        url: new URL(`${backup(cluster)}/download${query(wire)}`, baseUrl),
        headers: { accept: FLEX_MEDIA_TYPE, "content-type": FLEX_MEDIA_TYPE },
        body: JSON.stringify({ snapshotId }),
        freshConnection: true,
        ...limits,
      }),
  });

  return {
    projects: (limits: CallLimits) => entries(Project, "/api/atlas/v2/groups", PROJECT_MEDIA_TYPE, limits),
    getProject: (groupId: string, limits: CallLimits) => one(Project, project(groupId), PROJECT_MEDIA_TYPE, limits),
    flexClusters: (groupId: string, limits: CallLimits) =>
      entries(FlexCluster, `${project(groupId)}/flexClusters`, FLEX_MEDIA_TYPE, limits),
    snapshots: (cluster: ClusterPath, limits: CallLimits) =>
      entries(Snapshot, `${backup(cluster)}/snapshots`, FLEX_MEDIA_TYPE, limits),
    getSnapshot: ({ snapshotId, ...cluster }: ClusterPath & { snapshotId: string }, limits: CallLimits) =>
      one(Snapshot, `${backup(cluster)}/snapshots/${id(snapshotId)}`, FLEX_MEDIA_TYPE, limits),
    /** Newest page first, as far as is known: see `latestJobs`. */
    restoreJobPages: (cluster: ClusterPath, limits: CallLimits) =>
      pages(RestoreJob, `${backup(cluster)}/restoreJobs`, FLEX_MEDIA_TYPE, limits),
    async getRestoreJob(
      { restoreJobId, ...cluster }: ClusterPath & { restoreJobId: string },
      wire: WireOptions,
      limits: CallLimits,
    ): Promise<JobAnswer> {
      const response = await get(
        `${backup(cluster)}/restoreJobs/${id(restoreJobId)}${query(wire)}`,
        FLEX_MEDIA_TYPE,
        limits,
      );
      return {
        httpStatus: response.status,
        restoreJob: parsed(RestoreJob, response),
        serverTime: serverTimeOf(response),
      };
    },
    latestJobs,
    requestDownload: downloads.request,
    newestRequest: downloads.newest,
  };
}

/** Ids come from Atlas's answers too, and one that is none must not turn into another path. */
function id(text: string): string {
  if (isAtlasId(text)) return text;
  throw ownFailure("UNREADABLE_RESPONSE", { detail: "Atlas named an id that is not 24 hexadecimal characters." });
}

const project = (groupId: string) => `/api/atlas/v2/groups/${id(groupId)}`;
const backup = ({ groupId, name }: ClusterPath) => `${project(groupId)}/flexClusters/${name}/backup`;

function query({ envelope, pretty }: WireOptions): string {
  const parameters = [...(envelope ? ["envelope=true"] : []), ...(pretty ? ["pretty=true"] : [])];
  return parameters.length > 0 ? `?${parameters.join("&")}` : "";
}

function parsed<T>(schema: z.ZodType<T>, response: HttpResponse): T {
  const result = schema.safeParse(response.json);
  if (result.success) return result.data;
  throw unreadable(response);
}

function readable<T>(schema: z.ZodType<T>, entries: readonly unknown[]): T[] {
  return entries.flatMap((entry) => schema.safeParse(entry).data ?? []);
}

function unreadable({ status }: HttpResponse) {
  return ownFailure("UNREADABLE_RESPONSE", { error: status });
}

const MAX_DETAIL_CHARACTERS = 500;
const MAX_TEXT_CHARACTERS = 256;
const MAX_CODE_CHARACTERS = 100;

/**
 * Turns an answer that is no success into a failure: Atlas's own fields, cleaned, and what to do about it. Tolerates every
 * body: none, HTML, a gateway's without `errorCode`, an OAuth one whose `error` is a string, null parameters.
 */
export function atlasFailure(response: HttpResponse, scrub: (text: string) => string, now: number): Failure {
  const { status } = response;
  const body = ApiError.safeParse(response.json).data ?? {};
  // Cleaned before it is scrubbed, since an invisible character could hide a secret, and cut only afterwards, since a cut one would no longer be recognised.
  const cleanText = (text = "", limit = MAX_TEXT_CHARACTERS) =>
    clean(scrub(clean(text, MAX_DETAIL_CHARACTERS * 8)), limit);
  const code =
    body.errorCode || headerOf(response, "x-error-code") || (typeof body.error === "string" ? body.error : undefined);
  const errorCode = cleanText(code, MAX_CODE_CHARACTERS) || undefined;
  const advice = adviceFor(status, errorCode);
  const wait = retryAfterSeconds(response, now);
  const fields = body.badRequestDetail?.fields.map(({ field, description }) => ({
    field: cleanText(field),
    description: cleanText(description),
  }));
  const reason = cleanText(body.reason);
  const detail = cleanText(body.detail, MAX_DETAIL_CHARACTERS);
  const envelope: ErrorEnvelope = {
    error: status,
    ...(errorCode ? { errorCode } : {}),
    ...(reason ? { reason } : {}),
    ...(detail ? { detail } : {}),
    ...(body.parameters
      ? {
          parameters: body.parameters.map((value) =>
            cleanText(typeof value === "string" ? value : JSON.stringify(value), MAX_DETAIL_CHARACTERS),
          ),
        }
      : {}),
    ...(fields?.length ? { badRequestDetail: { fields } } : {}),
    source: advice.source,
    retryable: advice.retryable,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
    hint: advice.hint,
  };
  return new Failure(envelope);
}
