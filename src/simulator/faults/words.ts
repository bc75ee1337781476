// The vocabulary of orders: operations and their possible faults. The documentation is generated from it.
/** The operations under `/api/atlas/v2`. */
const API_OPERATIONS = [
  "listProjects",
  "getProject",
  "listFlexClusters",
  "getFlexCluster",
  "listSnapshots",
  "getSnapshot",
  "requestDownload",
  "listRestoreJobs",
  "getRestoreJob",
] as const;
export type ApiOperation = (typeof API_OPERATIONS)[number];

export const OPERATIONS = ["token", "revoke", ...API_OPERATIONS, "file"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What an order can name: one operation, or `api` for all of them except `token`, `revoke` and `file`. */
export const ORDER_TARGETS = [...OPERATIONS, "api"] as const;
export type OrderTarget = (typeof ORDER_TARGETS)[number];

interface Word {
  /** For the documentation. */
  does: string;
  /** The unit of the number after `@`. Negative `bytes` count from the end of the body. */
  takes?: "ms" | "bytes" | "bytesPerSecond" | "status";
  /** The default number; without a default, an order must give one. */
  byDefault?: number;
  /** The operations that the fault can happen to; by default all. */
  only?: readonly OrderTarget[];
}

/** The operations that need credentials. */
const SIGNED = [...API_OPERATIONS, "api"] as const;

const LISTS = ["listProjects", "listFlexClusters", "listSnapshots", "listRestoreJobs", "api"] as const;

/** Faults of the API and of the token endpoints. */
export const API_WORDS = {
  hang: { does: "No answer and no effect." },
  "hang-after": { does: "The request takes effect but gets no answer." },
  "reset-before": { does: "The connection breaks before the request takes effect." },
  "reset-after": { does: "The connection breaks after the request has taken effect." },
  "slow-headers": { does: "The answer starts after this delay.", takes: "ms", byDefault: 2_000 },
  trickle: { does: "The body arrives byte by byte, with this pause between bytes.", takes: "ms", byDefault: 20 },
  cut: { does: "The connection breaks in the middle of the body." },
  garbage: { does: "The body is not JSON." },
  html: { does: "A gateway's page with status 502." },
  empty: { does: "The body is empty." },
  "no-content": { does: "Status 204 without a body." },
  redirect: { does: "A redirect to another host.", takes: "status", byDefault: 302 },
  huge: { does: "The body is 9 MiB longer than usual." },
  deep: { does: "The body is nested 100,000 levels deep." },
  "wrong-type": { does: "`Content-Type` is `text/plain`." },
  sunset: { does: "Headers announce the end of this API version." },
  hostile: { does: "Every text ends with instructions, escape sequences and invisible characters." },
  "echo-secret": { does: "Status 401 whose text repeats the credentials of the request." },
  "old-401": {
    does: "A 401 of the gateway has no error code, as until July 2026. To refuse every request this way, write `401+old-401`.",
    only: SIGNED,
  },
  nulls: { does: "Optional fields are null." },
  "unknown-status": { does: "Statuses have an undocumented value." },
  "small-pages": { does: "A page has at most 100 entries, whatever was asked for.", only: LISTS },
  "hide-downloads": { does: "Download jobs are missing.", only: ["listRestoreJobs", "getRestoreJob", "api"] },
  "stale-nonce": { does: "The Digest nonce has expired.", only: SIGNED },
  "revoke-tokens": { does: "The access token has been revoked.", only: SIGNED },
  "job-fails": { does: "The new job ends in FAILED.", only: ["requestDownload", "api"] },
  "job-stays-pending": { does: "The new job never ends.", only: ["requestDownload", "api"] },
  "job-has-no-link": { does: "The new job completes without a link.", only: ["requestDownload", "api"] },
} as const satisfies Record<string, Word>;

/** Faults of the file host. Offsets count bytes of the response body, but `flip` counts bytes of the file. */
export const FILE_WORDS = {
  hang: { does: "No answer." },
  "reset-before": { does: "The connection breaks before the answer." },
  "slow-headers": { does: "The answer starts after this delay.", takes: "ms", byDefault: 2_000 },
  cut: { does: "The body ends after this many bytes and the connection closes.", takes: "bytes" },
  reset: { does: "Like `cut`, but the connection is reset.", takes: "bytes" },
  stall: { does: "Like `cut`, but the connection stays open.", takes: "bytes" },
  trickle: { does: "The body arrives byte by byte, with this pause between bytes.", takes: "ms", byDefault: 20 },
  slow: { does: "The body arrives at this speed.", takes: "bytesPerSecond" },
  chunked: { does: "The body arrives in chunks, without a length." },
  "chunked-cut": { does: "Like `chunked`, but the body ends after this many bytes.", takes: "bytes", byDefault: -1 },
  "close-delimited": { does: "The end of the connection marks the end of the body." },
  "no-etag": { does: "Neither ETag nor Last-Modified." },
  "weak-etag": { does: "A weak ETag." },
  "last-modified-only": { does: "Last-Modified, but no ETag." },
  "ignore-range": { does: "The whole file instead of the range." },
  "wrong-range-start": { does: "The range starts one byte late, and says so." },
  "wrong-range-end": { does: "The range ends one byte early, and says so." },
  "short-range": { does: "The range ends after this many bytes, and says so.", takes: "bytes" },
  "unnamed-total": { does: "The range does not say how long the file is." },
  "wrong-range-total": { does: "The range says that the file is one byte longer." },
  "wrong-range-etag": { does: "The range has another ETag." },
  "no-content-range": { does: "The range has no Content-Range." },
  "multipart-range": { does: "The range is sent as multipart/byteranges." },
  "206-fresh": { does: "Status 206 although no range was requested." },
  "416-equal": { does: "Status 416 that says the file ends where the range starts." },
  "416-other": { does: "Status 416 with the true length of the file." },
  longer: { does: "1000 bytes more than announced." },
  shorter: { does: "1000 bytes less, with a matching length." },
  "content-encoding": { does: "`Content-Encoding: gzip`." },
  xml: { does: "Status 200 with an error document of S3." },
  html: { does: "Status 200 with a login page." },
  empty: { does: "Status 200 with an empty body and no length." },
  "zero-length": { does: "Status 200 with length 0." },
  redirect: { does: "A redirect to another host.", takes: "status", byDefault: 302 },
  moved: {
    does: "A redirect to another link, whose path grants access to the same file.",
    takes: "status",
    byDefault: 307,
  },
  "early-hints": { does: "Status 103 comes first." },
  flip: { does: "One bit of the byte at this offset of the file is wrong.", takes: "bytes" },
  "object-changes": { does: "The file is replaced by another before the answer." },
  expired: { does: "The link has expired." },
} as const satisfies Record<string, Word>;

export const RETRY_AFTER_FORMS = ["none", "date", "past", "garbage", "huge"] as const;

export function wordsOf(target: OrderTarget): Record<string, Word> {
  return target === "file" ? FILE_WORDS : API_WORDS;
}

/** Whether a known fault of the API or of the file host can happen to this operation. */
export function happensTo(word: string, target: OrderTarget): boolean {
  return wordsOf(target)[word]?.only?.includes(target) ?? true;
}
