/** The operations under `/api/atlas/v2`, named as their descriptions name them. */
export const API_OPERATIONS = [
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

/** Whether a word takes a number after `@`, and what the number is without one. */
interface Word {
  /** `bytes` may be negative: counted from the end of the body. */
  takes: "nothing" | "ms" | "bytes" | "bytesPerSecond" | "status";
  byDefault?: number;
}

/** Faults of the API and of the token endpoints. */
export const API_WORDS = {
  hang: { takes: "nothing" },
  "hang-after": { takes: "nothing" },
  "reset-before": { takes: "nothing" },
  "reset-after": { takes: "nothing" },
  "slow-headers": { takes: "ms", byDefault: 2_000 },
  trickle: { takes: "ms", byDefault: 20 },
  cut: { takes: "nothing" },
  garbage: { takes: "nothing" },
  html: { takes: "nothing" },
  empty: { takes: "nothing" },
  "no-content": { takes: "nothing" },
  redirect: { takes: "status", byDefault: 302 },
  huge: { takes: "nothing" },
  deep: { takes: "nothing" },
  "wrong-type": { takes: "nothing" },
  sunset: { takes: "nothing" },
  hostile: { takes: "nothing" },
  "echo-secret": { takes: "nothing" },
  nulls: { takes: "nothing" },
  "unknown-status": { takes: "nothing" },
  "hide-downloads": { takes: "nothing" },
  "stale-nonce": { takes: "nothing" },
  "revoke-tokens": { takes: "nothing" },
  "job-fails": { takes: "nothing" },
  "job-stays-pending": { takes: "nothing" },
  "job-has-no-link": { takes: "nothing" },
} as const satisfies Record<string, Word>;
export type ApiWord = keyof typeof API_WORDS;

/** Faults of the file host. Offsets count the body bytes of one response, except `flip`, which counts those of the file. */
export const FILE_WORDS = {
  hang: { takes: "nothing" },
  "reset-before": { takes: "nothing" },
  "slow-headers": { takes: "ms", byDefault: 2_000 },
  cut: { takes: "bytes" },
  reset: { takes: "bytes" },
  stall: { takes: "bytes" },
  trickle: { takes: "ms", byDefault: 20 },
  slow: { takes: "bytesPerSecond" },
  chunked: { takes: "nothing" },
  "chunked-cut": { takes: "bytes", byDefault: -1 },
  "close-delimited": { takes: "nothing" },
  "no-etag": { takes: "nothing" },
  "weak-etag": { takes: "nothing" },
  "last-modified-only": { takes: "nothing" },
  "ignore-range": { takes: "nothing" },
  "wrong-range-start": { takes: "nothing" },
  "wrong-range-end": { takes: "nothing" },
  "wrong-range-total": { takes: "nothing" },
  "wrong-range-etag": { takes: "nothing" },
  "no-content-range": { takes: "nothing" },
  "multipart-range": { takes: "nothing" },
  "206-fresh": { takes: "nothing" },
  "416-equal": { takes: "nothing" },
  "416-other": { takes: "nothing" },
  longer: { takes: "nothing" },
  shorter: { takes: "nothing" },
  "content-encoding": { takes: "nothing" },
  xml: { takes: "nothing" },
  html: { takes: "nothing" },
  empty: { takes: "nothing" },
  "zero-length": { takes: "nothing" },
  redirect: { takes: "status", byDefault: 302 },
  "early-hints": { takes: "nothing" },
  flip: { takes: "bytes" },
  "object-changes": { takes: "nothing" },
  expired: { takes: "nothing" },
} as const satisfies Record<string, Word>;
export type FileWord = keyof typeof FILE_WORDS;

export const RETRY_AFTER_FORMS = ["none", "date", "past", "garbage", "huge"] as const;

export function wordsOf(target: OrderTarget): Record<string, Word> {
  return target === "file" ? FILE_WORDS : API_WORDS;
}
