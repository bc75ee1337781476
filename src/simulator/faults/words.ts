/** The operations under `/api/atlas/v2`, named as their descriptions name them. */
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

/** What an order can name: one operation, or all of the API but the token endpoints. */
export const ORDER_TARGETS = [...OPERATIONS, "api"] as const;
export type OrderTarget = (typeof ORDER_TARGETS)[number];

interface Word {
  /** What it does, for people. */
  does: string;
  /** The number after `@`; `bytes` may be negative: counted from the end of the body. */
  takes?: "ms" | "bytes" | "bytesPerSecond" | "status";
  /** The number if none is given; without this, one must be. */
  byDefault?: number;
  /** The operations that it can happen to; all of them if absent. */
  only?: readonly OrderTarget[];
}

/** All that asks for credentials. */
const SIGNED = [...API_OPERATIONS, "api"] as const;

/** Faults of the API and of the token endpoints. */
export const API_WORDS = {
  hang: { does: "No answer, and no effect." },
  "hang-after": { does: "The effect, but no answer." },
  "reset-before": { does: "The connection breaks, without an effect." },
  "reset-after": { does: "The connection breaks after the effect." },
  "slow-headers": { does: "The answer begins so much later.", takes: "ms", byDefault: 2_000 },
  trickle: { does: "The body comes byte by byte, so far apart.", takes: "ms", byDefault: 20 },
  cut: { does: "The connection breaks in the middle of the body." },
  garbage: { does: "The body is not JSON." },
  html: { does: "A gateway's page with status 502." },
  empty: { does: "The body is empty." },
  "no-content": { does: "Status 204 without a body." },
  redirect: { does: "A redirect to another host.", takes: "status", byDefault: 302 },
  huge: { does: "The body is 9 MiB too long." },
  deep: { does: "The body nests 100,000 levels." },
  "wrong-type": { does: "`Content-Type` is `text/plain`." },
  sunset: { does: "Headers announce the end of this version." },
  hostile: { does: "Every text ends in instructions, escapes and invisible characters." },
  "echo-secret": { does: "Status 401 with the credentials that were sent in its text." },
  nulls: { does: "Optional fields are null." },
  "unknown-status": { does: "Statuses have a value that is not documented." },
  "hide-downloads": { does: "Download jobs are missing.", only: ["listRestoreJobs", "getRestoreJob", "api"] },
  "stale-nonce": { does: "The Digest nonce has expired.", only: SIGNED },
  "revoke-tokens": { does: "The access token has been revoked.", only: SIGNED },
  "job-fails": { does: "The new job ends in FAILED.", only: ["requestDownload", "api"] },
  "job-stays-pending": { does: "The new job never ends.", only: ["requestDownload", "api"] },
  "job-has-no-link": { does: "The new job completes without a link.", only: ["requestDownload", "api"] },
} as const satisfies Record<string, Word>;

/** Faults of the file host. Offsets count the body bytes of one response, except `flip`, which counts those of the file. */
export const FILE_WORDS = {
  hang: { does: "No answer." },
  "reset-before": { does: "The connection breaks before the answer." },
  "slow-headers": { does: "The answer begins so much later.", takes: "ms", byDefault: 2_000 },
  cut: { does: "The body ends after so many bytes; the connection closes.", takes: "bytes" },
  reset: { does: "The same, but the connection breaks.", takes: "bytes" },
  stall: { does: "The same, but the connection stays open.", takes: "bytes" },
  trickle: { does: "The body comes byte by byte, so far apart.", takes: "ms", byDefault: 20 },
  slow: { does: "The body comes at this speed.", takes: "bytesPerSecond" },
  chunked: { does: "The body comes in chunks, without a length." },
  "chunked-cut": { does: "The same, and ends after so many bytes.", takes: "bytes", byDefault: -1 },
  "close-delimited": { does: "The body ends where the connection does." },
  "no-etag": { does: "Neither ETag nor Last-Modified." },
  "weak-etag": { does: "A weak ETag." },
  "last-modified-only": { does: "Last-Modified, but no ETag." },
  "ignore-range": { does: "The whole file instead of the range." },
  "wrong-range-start": { does: "The range begins one byte late, and says so." },
  "wrong-range-end": { does: "The range ends one byte early, and says so." },
  "wrong-range-total": { does: "The range says that the file is one byte longer." },
  "wrong-range-etag": { does: "The range has another ETag." },
  "no-content-range": { does: "The range does not say which it is." },
  "multipart-range": { does: "The range comes as multipart/byteranges." },
  "206-fresh": { does: "Status 206 although no range was asked for." },
  "416-equal": { does: "Status 416 that says the file ends where the range begins." },
  "416-other": { does: "Status 416 with the true length of the file." },
  longer: { does: "1000 bytes more than announced." },
  shorter: { does: "1000 bytes less, with a length that fits." },
  "content-encoding": { does: "`Content-Encoding: gzip`." },
  xml: { does: "Status 200 with an error of the storage as XML." },
  html: { does: "Status 200 with a login page." },
  empty: { does: "Status 200 with nothing, and no length." },
  "zero-length": { does: "Status 200 with length 0." },
  redirect: { does: "A redirect to another host.", takes: "status", byDefault: 302 },
  "early-hints": { does: "Status 103 comes first." },
  flip: { does: "One bit of this byte of the file is wrong.", takes: "bytes" },
  "object-changes": { does: "The file is replaced by another before the answer." },
  expired: { does: "The link has expired." },
} as const satisfies Record<string, Word>;

export const RETRY_AFTER_FORMS = ["none", "date", "past", "garbage", "huge"] as const;

export function wordsOf(target: OrderTarget): Record<string, Word> {
  return target === "file" ? FILE_WORDS : API_WORDS;
}

/** Whether the word says something about this operation; it is one of those known for it. */
export function happensTo(word: string, target: OrderTarget): boolean {
  return wordsOf(target)[word]?.only?.includes(target) ?? true;
}
