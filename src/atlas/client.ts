// The Atlas Admin API: one method per operation that this server uses, and Atlas's error answers as failures.
import type * as z from "zod";
import { isAtlasId } from "../core/atlas-id.ts";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import type { Redactor } from "../core/redact.ts";
import type { CallLimits, Clock } from "../core/time.ts";
import { type HttpResponse, headerOf, type Send, serverTimeOf } from "../http/messages.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import { adviceFor, isAtlasCode } from "./hints.ts";
import {
  ApiError,
  type ClusterPath,
  FlexCluster,
  Identified,
  type JobAnswer,
  type JobPage,
  MAX_ITEMS_PER_PAGE,
  Page,
  Project,
  RestoreJob,
  Snapshot,
  type WireOptions,
} from "./model.ts";
import { createDownloadRequests } from "./request-download.ts";

/** The only version in which Atlas offers the Flex resources. */
const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
/** The only version of the project resources. */
const PROJECT_MEDIA_TYPE = "application/vnd.atlas.2023-01-01+json";

/** Reading a list stops here: above every documented quota of these resources. */
const MAX_ENTRIES = 10_000;
/** Enough for that many entries from a server that gives 100 per page, Atlas's default, whatever is asked for. */
const MAX_PAGES = 100;

const MAX_DETAIL_CHARACTERS = 500;
const MAX_TEXT_CHARACTERS = 256;

export type Atlas = ReturnType<typeof createAtlas>;

/** Every method rejects with a `Failure` (an error of Atlas or of the network), or with the signal's reason. */
export function createAtlas(options: { baseUrl: URL; send: Send; clock: Clock; shown: Redactor["shown"] }) {
  const { baseUrl, send, clock, shown } = options;

  const refusal = (response: HttpResponse) => atlasFailure(response, shown, clock.now());

  async function get(path: string, limits: CallLimits, accept = FLEX_MEDIA_TYPE): Promise<HttpResponse> {
    const response = await send({ method: "GET", url: new URL(path, baseUrl), headers: { accept }, ...limits });
    if (response.status === 200) return response;
    throw response.status < 300 ? unreadable(response) : refusal(response);
  }

  /** Entries that do not have the form of the schema are left out. */
  async function getPage<T>(schema: z.ZodType<T>, path: string, pageNum: number, limits: CallLimits, accept?: string) {
    const response = await get(`${path}?itemsPerPage=${MAX_ITEMS_PER_PAGE}&pageNum=${pageNum}`, limits, accept);
    const { results, totalCount = 0, links } = parsed(Page, response);
    // The link itself is not followed, since it could lead to another host.
    const saysMore = results.length >= MAX_ITEMS_PER_PAGE || links?.links.some(({ rel }) => rel === "next") === true;
    const entriesOf = (some: unknown[]) => some.flatMap((entry) => schema.safeParse(entry).data ?? []);
    return { response, results, totalCount, saysMore, entriesOf };
  }

  /**
   * `hasMore` of the last page means that the list goes on beyond what is read. Each entry comes once: a list that grows while
   * it is read repeats entries, and some servers give the same page whatever page is asked for.
   */
  async function* pages<T>(
    schema: z.ZodType<T>,
    path: string,
    limits: CallLimits,
    accept?: string,
  ): AsyncGenerator<{ entries: T[]; hasMore: boolean }> {
    const read = new Set<string>();
    for (let pageNum = 1; pageNum <= MAX_PAGES && read.size < MAX_ENTRIES; pageNum++) {
      const { results, totalCount, saysMore, entriesOf } = await getPage(schema, path, pageNum, limits, accept);
      const before = read.size;
      const fresh = results.filter((entry) => read.size < read.add(keyOf(entry)).size);
      // The count is an estimate, so a page without a new entry ends the list whatever else it says.
      const hasMore = read.size > before && (saysMore || read.size < totalCount);
      yield { entries: entriesOf(fresh), hasMore };
      if (!hasMore) return;
    }
  }

  async function* list<T>(...args: Parameters<typeof pages<T>>): AsyncGenerator<T> {
    for await (const { entries } of pages(...args)) yield* entries;
  }

  /**
   * The page with the latest jobs. Atlas documents no order and has no parameter for it; all its recorded answers begin with
   * the newest job, even for clusters with thousands. Do not rely on the order within the page.
   */
  async function latestJobs(cluster: ClusterPath, limits: CallLimits): Promise<JobPage> {
    const { response, results, entriesOf } = await getPage(RestoreJob, `${backupPath(cluster)}/restoreJobs`, 1, limits);
    return { jobs: entriesOf(results), serverTime: serverTimeOf(response) };
  }

  const downloads = createDownloadRequests({
    clock,
    latestJobs,
    refusal,
    post: (cluster, snapshotId, wire, limits) =>
      send({
        method: "POST",
        url: new URL(`${backupPath(cluster)}/download${query(wire)}`, baseUrl),
        headers: { accept: FLEX_MEDIA_TYPE, "content-type": FLEX_MEDIA_TYPE },
        body: JSON.stringify({ snapshotId }),
        freshConnection: true,
        ...limits,
      }),
  });

  return {
    projects: (limits: CallLimits) => list(Project, "/api/atlas/v2/groups", limits, PROJECT_MEDIA_TYPE),
    getProject: async (groupId: string, limits: CallLimits) =>
      parsed(Project, await get(projectPath(groupId), limits, PROJECT_MEDIA_TYPE)),
    flexClusters: (groupId: string, limits: CallLimits) =>
      list(FlexCluster, `${projectPath(groupId)}/flexClusters`, limits),
    snapshots: (cluster: ClusterPath, limits: CallLimits) => list(Snapshot, `${backupPath(cluster)}/snapshots`, limits),
    getSnapshot: async ({ snapshotId, ...cluster }: ClusterPath & { snapshotId: string }, limits: CallLimits) =>
      parsed(Snapshot, await get(`${backupPath(cluster)}/snapshots/${checkedId(snapshotId)}`, limits)),
    /** The newest page comes first, as far as is known: see `latestJobs`. */
    restoreJobPages: (cluster: ClusterPath, limits: CallLimits) =>
      pages(RestoreJob, `${backupPath(cluster)}/restoreJobs`, limits),
    async getRestoreJob(
      { restoreJobId, ...cluster }: ClusterPath & { restoreJobId: string },
      wire: WireOptions,
      limits: CallLimits,
    ): Promise<JobAnswer> {
      const response = await get(`${backupPath(cluster)}/restoreJobs/${checkedId(restoreJobId)}${query(wire)}`, limits);
      const restoreJob = parsed(RestoreJob, response);
      return { httpStatus: response.status, restoreJob, serverTime: serverTimeOf(response) };
    },
    latestJobs,
    requestDownload: downloads.request,
    newestRequest: downloads.newest,
  };
}

const projectPath = (groupId: string) => `/api/atlas/v2/groups/${checkedId(groupId)}`;
const backupPath = ({ groupId, name }: ClusterPath) => `${projectPath(groupId)}/flexClusters/${name}/backup`;

/** Needed because ids also come from Atlas's answers, and any other text could change the path. */
function checkedId(text: string): string {
  if (isAtlasId(text)) return text;
  throw ownFailure("UNREADABLE_RESPONSE", { detail: "Atlas named an id that is not 24 hexadecimal characters." });
}

/** What tells entries of a list apart: the id, which each has in Atlas. */
const keyOf = (entry: unknown) => Identified.safeParse(entry).data?.id || JSON.stringify(entry);

function query({ envelope, pretty }: WireOptions): string {
  const parameters = [...(envelope ? ["envelope=true"] : []), ...(pretty ? ["pretty=true"] : [])];
  return parameters.length > 0 ? `?${parameters.join("&")}` : "";
}

function parsed<T>(schema: z.ZodType<T>, response: HttpResponse): T {
  const result = schema.safeParse(response.json);
  if (result.success) return result.data;
  throw unreadable(response);
}

function unreadable({ status }: HttpResponse): Failure {
  return ownFailure("UNREADABLE_RESPONSE", { error: status });
}

/**
 * Turns an error answer into a failure with Atlas's own fields, cleaned, and advice. Accepts every body: none, HTML, a gateway's
 * without `errorCode`, an OAuth one whose `error` is a string, null parameters. A code without the form of a code is left out.
 */
export function atlasFailure(response: HttpResponse, shown: Redactor["shown"], now: number): Failure {
  const { status } = response;
  const body = ApiError.safeParse(response.json).data ?? {};
  const cleanText = (text = "", limit = MAX_TEXT_CHARACTERS) => shown(text, limit);
  const code = [body.errorCode, headerOf(response, "x-error-code")].find(isAtlasCode);
  // A secret can have the form of a code.
  const errorCode = code !== undefined && shown(code) === code ? code : undefined;
  const advice = adviceFor(status, errorCode);
  const wait = retryAfterSeconds(response, now);
  const fields = body.badRequestDetail?.fields.map(({ field, description }) => ({
    field: cleanText(field),
    description: cleanText(description),
  }));
  const parameters = body.parameters?.map((value) =>
    cleanText(typeof value === "string" ? value : JSON.stringify(value), MAX_DETAIL_CHARACTERS),
  );
  const reason = cleanText(body.reason);
  const detail = cleanText(body.detail, MAX_DETAIL_CHARACTERS);
  const envelope: ErrorEnvelope = {
    error: status,
    ...(errorCode ? { errorCode } : {}),
    ...(reason ? { reason } : {}),
    ...(detail ? { detail } : {}),
    ...(parameters?.length ? { parameters } : {}),
    ...(fields?.length ? { badRequestDetail: { fields } } : {}),
    source: advice.source,
    retryable: advice.retryable,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
    hint: advice.hint,
  };
  return new Failure(envelope);
}
