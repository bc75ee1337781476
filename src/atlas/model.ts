import * as z from "zod";
import { clean } from "../core/text.ts";

/** Longer links are dropped rather than cut: half a signed link is of no use. */
const MAX_LINK_CHARACTERS = 8 * 1024;

/** Atlas's maximum of entries on a page of any list. */
export const MAX_ITEMS_PER_PAGE = 500;

/** The longest documented value is the name of a project, 64 characters. */
const MAX_TEXT_CHARACTERS = 128;

/** Atlas promises no field: a missing one, null and a value of another type all count as absent. */
const text = z
  .string()
  .transform((value) => clean(value, MAX_TEXT_CHARACTERS) || undefined)
  .optional()
  .catch(undefined);
const number = z.number().optional().catch(undefined);

/** A link comes out exactly as it came in or not at all; printable ASCII is what a URI consists of (RFC 3986 section 2). */
const link = z
  .string()
  .max(MAX_LINK_CHARACTERS)
  .regex(/^[!-~]+$/)
  .optional()
  .catch(undefined);

/** A list cut to what is read of it before it is looked at: each wrong entry of millions would be an issue of its own. */
const atMost = <T extends z.ZodType>(count: number, entry: T) =>
  z.preprocess((list) => (Array.isArray(list) ? list.slice(0, count) : list), z.array(entry));

const links = atMost(10, z.object({ rel: text, href: link }))
  .transform((list) => list.filter(({ href }) => href !== undefined))
  .optional()
  .catch(undefined);

/** FlexBackupRestoreJob20241113 of the Atlas Admin API; undocumented fields are dropped. */
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
  .transform(({ snapshotUrl, ...job }) => {
    const url = link.parse(snapshotUrl);
    // There was a link, but none that could be passed on.
    const linkDropped = typeof snapshotUrl === "string" && snapshotUrl !== "" && url === undefined;
    return { ...job, snapshotUrl: url, linkDropped };
  });
export type RestoreJob = z.infer<typeof RestoreJob>;

/** FlexBackupSnapshot20241113; `expiration` is when Atlas deletes the snapshot. */
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

/** Group: Atlas's word for a project. */
export const Project = z.object({ id: text, name: text });
export type Project = z.infer<typeof Project>;

/** One page of any list. Entries that are no objects are dropped by the reader of the list. */
export const Page = z.object({
  // Looked at no further: a page of millions would take minutes.
  results: z.custom<unknown[]>((value) => Array.isArray(value) && value.length <= MAX_ITEMS_PER_PAGE),
});

/** As it came: texts of failures are scrubbed of secrets before they are cut, see `atlasFailure`. */
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

/** How long a download link lives after its request, whatever `expirationDate` says. */
export const LINK_LIFE_MS = 4 * 3_600_000;
/** The last moment that a Date can hold (ECMA-262 section 21.4.1.1). */
const MAX_MOMENT = 8.64e15;

/** Atlas ends a job in either state; the words are compared in any case, as Atlas's own tools do. */
export function isFinished(job: RestoreJob): boolean {
  return isCompleted(job) || isFailed(job) || (isDownload(job) && job.snapshotUrl !== undefined);
}

export const isFailed = ({ status }: RestoreJob) => status?.toUpperCase() === "FAILED";
const isCompleted = ({ status }: RestoreJob) => status?.toUpperCase() === "COMPLETED";

/** Only download jobs have links, so a job that has one is one, even when Atlas leaves its type out. */
export function isDownload({ deliveryType, snapshotUrl }: RestoreJob): boolean {
  return deliveryType === undefined ? snapshotUrl !== undefined : deliveryType.toUpperCase() === "DOWNLOAD";
}

/** A job that names no snapshot may be this one's, one that names another is not. */
export function isAbout({ snapshotId }: RestoreJob, wanted: string): boolean {
  return snapshotId === undefined || snapshotId === wanted;
}

/** The moment a link stops working, milliseconds since the epoch: the earlier of both that Atlas gives. */
export function linkExpiry(job: RestoreJob): number | undefined {
  if (!isDownload(job)) return undefined;
  const moments = [Date.parse(job.expirationDate ?? ""), Date.parse(job.restoreScheduledDate ?? "") + LINK_LIFE_MS];
  const known = moments.filter((moment) => Math.abs(moment) <= MAX_MOMENT);
  return known.length > 0 ? Math.min(...known) : undefined;
}

/** Atlas's own query options; they change the wire format, never what a caller gets. */
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

/** The newest download request of a snapshot in this process. */
export interface DownloadRequest {
  /** By this computer's clock, milliseconds since the epoch. */
  requestedAt: number;
  /** Absent while the request runs, and where it is unknown whether it created a job. */
  answer?: JobAnswer;
}

/** A list with the clock of the server that sent it. */
export interface JobPage {
  jobs: RestoreJob[];
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}
