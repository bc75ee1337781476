// The parts of Atlas's answers that this server reads, and what a restore job says about itself.
import * as z from "zod";
import { clean } from "../core/text.ts";

/** Longer links are dropped: half of a signed link would be useless. */
const MAX_LINK_CHARACTERS = 8 * 1024;
/** Of all links in a list together, so that an answer, which holds each link twice, stays below 64 KiB. */
const MAX_LINKS_CHARACTERS = 16 * 1024;

/** Atlas's maximum page size of any list. */
export const MAX_ITEMS_PER_PAGE = 500;

/** The longest documented value, the name of a project, has 64 characters. */
export const MAX_TEXT_CHARACTERS = 64;

/** Atlas guarantees no field: missing, null and a value of another type all count as absent. */
const text = z
  .string()
  .transform((value) => clean(value, MAX_TEXT_CHARACTERS) || undefined)
  .optional()
  .catch(undefined);
const number = z.number().optional().catch(undefined);

/** A link is passed on unchanged or not at all. A URI consists of printable ASCII (RFC 3986 section 2) and names a host. */
const link = z
  .string()
  .max(MAX_LINK_CHARACTERS)
  .regex(/^[a-z][a-z0-9+.-]*:\/\/[!-~]+$/i)
  .refine((text) => URL.canParse(text))
  .optional()
  .catch(undefined);

/** Whether Atlas sent a text in place of a link that is passed on. */
const isDropped = (sent: unknown, link: string | undefined) =>
  typeof sent === "string" && sent !== "" && link === undefined;

/** Cuts a list before it is validated: a list of millions of wrong entries would yield an issue for each. */
const atMost = <T extends z.ZodType>(count: number, entry: T) =>
  z.preprocess((list) => (Array.isArray(list) ? list.slice(0, count) : list), z.array(entry));

const links = atMost(10, z.object({ rel: text, href: z.unknown().optional() }))
  .transform((list) => {
    let room = MAX_LINKS_CHARACTERS;
    const fitting = list.map(({ rel, href: sent }) => {
      const parsed = link.parse(sent);
      const href = parsed && parsed.length <= room ? parsed : undefined;
      room -= href?.length ?? 0;
      return { rel, href, dropped: isDropped(sent, href) };
    });
    return {
      links: fitting.flatMap(({ rel, href }) => (href === undefined ? [] : [{ rel, href }])),
      someDropped: fitting.some(({ dropped }) => dropped),
    };
  })
  .optional()
  .catch(undefined);

/**
 * FlexBackupRestoreJob20241113 of the Atlas Admin API, without undocumented fields. Tools copy these fields into answers with
 * strict schemas, so a new field needs a place there too (`tools/job-view.ts`).
 */
export const RestoreJob = z
  .object({
    id: text,
    deliveryType: text,
    status: text,
    snapshotId: text,
    snapshotUrl: z.unknown().optional(),
    expirationDate: text,
    instanceName: text,
    projectId: text,
    restoreScheduledDate: text,
    restoreFinishedDate: text,
    snapshotFinishedDate: text,
    targetDeploymentItemName: text,
    targetProjectId: text,
    links,
  })
  .transform(({ snapshotUrl, links, ...job }) => {
    const url = link.parse(snapshotUrl);
    return {
      ...job,
      snapshotUrl: url,
      links: links?.links,
      // Atlas sent a link that cannot be passed on.
      linkDropped: isDropped(snapshotUrl, url),
      otherLinkDropped: links?.someDropped ?? false,
    };
  });
export type RestoreJob = z.infer<typeof RestoreJob>;

/**
 * FlexBackupSnapshot20241113; `expiration` is when Atlas deletes the snapshot. Tools copy these fields into answers with strict
 * schemas, so a new field needs a place there too (`tools/list-flex-snapshots.ts`).
 */
export const Snapshot = z.object({
  id: text,
  status: text,
  mongoDBVersion: text,
  scheduledTime: text,
  startTime: text,
  finishTime: text,
  expiration: text,
});
export type Snapshot = z.infer<typeof Snapshot>;

/** FlexClusterDescription20241113 without its connection strings. */
export const FlexCluster = z.object({
  id: text,
  name: text,
  stateName: text,
  mongoDBVersion: text,
  createDate: text,
  backupSettings: z
    .object({ enabled: z.boolean().optional().catch(undefined) })
    .optional()
    .catch(undefined),
  providerSettings: z
    .object({ backingProviderName: text, regionName: text, diskSizeGB: number })
    .optional()
    .catch(undefined),
});
export type FlexCluster = z.infer<typeof FlexCluster>;

/** The API calls a project a group. */
export const Project = z.object({ id: text, name: text });
export type Project = z.infer<typeof Project>;

/** One page of any list. Each entry is validated later, on its own. */
export const Page = z.object({
  // Only the length is checked here: reading a page of millions would take minutes.
  results: z.custom<unknown[]>((value) => Array.isArray(value) && value.length <= MAX_ITEMS_PER_PAGE),
  totalCount: number,
  links,
});

/** An entry of any list; its id only tells it apart from others. */
export const Identified = z.object({ id: z.string() });

/** Unchanged: `atlasFailure` removes secrets from texts before it cuts them. */
const raw = z.string().optional().catch(undefined);

/** ApiError; the OAuth endpoints send a string in `error` instead (RFC 6749 section 5.2). */
export const ApiError = z.object({
  error: z.union([z.number(), z.string()]).optional().catch(undefined),
  errorCode: raw,
  reason: raw,
  detail: raw,
  // The longest documented list of parameters has five.
  parameters: atMost(10, z.unknown()).optional().catch(undefined),
  badRequestDetail: z
    .object({ fields: atMost(20, z.object({ field: raw, description: raw })) })
    .optional()
    .catch(undefined),
});

/** A download link works this long after its request, whatever `expirationDate` says. */
export const LINK_LIFE_MS = 4 * 3_600_000;
/** The latest time that a Date can hold (ECMA-262 section 21.4.1.1). */
const MAX_TIME = 8.64e15;

/** A job ends as COMPLETED or FAILED; letter case is ignored, as in Atlas's own tools. A download has finished once it has a link. */
export function isFinished(job: RestoreJob): boolean {
  return isCompleted(job) || isFailed(job) || (isDownload(job) && job.snapshotUrl !== undefined);
}

/** Of a job or a snapshot. Both stay FAILED. */
export const isFailed = ({ status }: { status?: string | undefined }) => status?.toUpperCase() === "FAILED";
/** Of a job or a snapshot. */
export const isCompleted = ({ status }: { status?: string | undefined }) => status?.toUpperCase() === "COMPLETED";

/** Only download jobs have links, so a job with a link is a download even if Atlas omits its type. */
export function isDownload({ deliveryType, snapshotUrl }: RestoreJob): boolean {
  return deliveryType === undefined ? snapshotUrl !== undefined : deliveryType.toUpperCase() === "DOWNLOAD";
}

/** Whether a job names this snapshot, or no snapshot. */
export function isAbout({ snapshotId }: RestoreJob, wanted: string): boolean {
  return snapshotId === undefined || snapshotId === wanted;
}

/** When the link stops working, milliseconds since the epoch: its stated expiry, or four hours after the request if earlier. */
export function linkExpiry(job: RestoreJob): number | undefined {
  if (!isDownload(job)) return undefined;
  const times = [Date.parse(job.expirationDate ?? ""), Date.parse(job.restoreScheduledDate ?? "") + LINK_LIFE_MS];
  const known = times.filter((time) => Math.abs(time) <= MAX_TIME);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** Query options of Atlas that change the wire format, but not the result that a caller gets. */
export interface WireOptions {
  envelope?: boolean | undefined;
  pretty?: boolean | undefined;
}

export interface ClusterPath {
  groupId: string;
  /** The cluster's name. */
  name: string;
}

export interface JobAnswer {
  httpStatus: number;
  restoreJob: RestoreJob;
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}

/** The newest download request that this process made for a snapshot. */
export interface DownloadRequest {
  /** By this computer's clock, milliseconds since the epoch. */
  requestedAt: number;
  /** Absent while the request runs, and when it is unknown whether the request created a job. */
  answer?: JobAnswer;
}

export interface JobPage {
  jobs: RestoreJob[];
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}
