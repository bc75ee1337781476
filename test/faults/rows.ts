import type { ToolResult } from "./station.ts";

/** The fields of an error envelope that a program can act on; an absent field must be absent. */
export interface EnvelopeFacts {
  error?: number | undefined;
  errorCode?: string | undefined;
  source: string;
  retryable: boolean;
  retryAfterSeconds?: number | undefined;
}

/** How a call ended: it succeeded (a save is complete), a save continues or pauses, or the call failed. */
export type Verdict = "ok" | "goes on" | { paused: string | undefined } | EnvelopeFacts;

export const network = (errorCode: string, retryable = true, error?: number): EnvelopeFacts => ({
  ...(error === undefined ? {} : { error }),
  errorCode,
  source: "network",
  retryable,
});

/** An answer that is not one of the API's. */
export const unreadable = (error?: number): EnvelopeFacts => ({
  ...(error === undefined ? {} : { error }),
  errorCode: "UNREADABLE_RESPONSE",
  source: "atlas",
  retryable: true,
});

export const fromAtlas = (error: number, errorCode?: string, rest: Partial<EnvelopeFacts> = {}): EnvelopeFacts => ({
  error,
  ...(errorCode === undefined ? {} : { errorCode }),
  source: "atlas",
  retryable: false,
  ...rest,
});

export const fromCredentials = (error: number, errorCode?: string): EnvelopeFacts =>
  fromAtlas(error, errorCode, { source: "credentials" });

export const OUTCOME_UNKNOWN: EnvelopeFacts = { errorCode: "OUTCOME_UNKNOWN", source: "atlas", retryable: false };

const FACTS = ["error", "errorCode", "source", "retryable", "retryAfterSeconds"];

/** The verdict of a result, ready to be compared. */
export function verdictOf({ isError, structuredContent }: ToolResult): unknown {
  const { error, state, lastError } = structuredContent;
  if (isError) return pick(error, FACTS);
  if (state === "paused") return { paused: pick(lastError, ["errorCode"]).errorCode };
  return state === undefined || state === "complete" ? "ok" : "goes on";
}

function pick(value: unknown, names: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
  return Object.fromEntries(entries.filter(([name]) => names.includes(name)));
}

/** A verdict in words, for titles and tables. */
export function worded(verdict: unknown): string {
  if (typeof verdict !== "object" || verdict === null) return String(verdict);
  const facts = Object.entries(verdict).map(([name, value]) => (name === "paused" ? `paused by ${value}` : `${value}`));
  return facts.join(" ");
}

/** A fault of Atlas, and how calls end under it. */
export interface Row {
  /** In the simulator's words. */
  fault: string;
  /** The verdict of every tool that reads. */
  read: Verdict;
  /** The verdict of a download request. */
  post: Verdict;
  /** Jobs that one download request creates. */
  jobs: number;
  /** Requests that one download request may send; 1 by default. */
  posts?: number;
  /** Where a save ends differently from the request that it makes, by operation. */
  saves?: Partial<Record<string, Verdict>>;
}

const lost = network("CONNECTION_LOST");
const redirected = (status: number): Row => {
  const refused = network("REDIRECT_REFUSED", false, status);
  const paused = { paused: "REDIRECT_REFUSED" };
  const saves = { listRestoreJobs: paused, requestDownload: paused, getRestoreJob: paused };
  return { fault: `redirect@${status}`, read: refused, post: refused, jobs: 0, saves };
};
const understood = (fault: string, saves: Row["saves"] = {}): Row => ({
  fault,
  read: "ok",
  post: "ok",
  jobs: 1,
  saves,
});
/** The job exists although its answer is unusable; the server finds it in the list. */
const found = (fault: string, read: Verdict): Row => ({ fault, read, post: "ok", jobs: 1 });
const refused = (fault: string, facts: Verdict, more: Partial<Row> = {}): Row => ({
  fault,
  read: facts,
  post: facts,
  jobs: 0,
  ...more,
});
const notComplete: Verdict = { errorCode: "SNAPSHOT_NOT_COMPLETE", source: "input", retryable: true };

/** Faults of the connection and of the bodies. */
const ANSWERS: readonly Row[] = [
  { fault: "reset-before", read: lost, post: OUTCOME_UNKNOWN, jobs: 0 },
  { fault: "reset-before*1", read: "ok", post: OUTCOME_UNKNOWN, jobs: 0 },
  found("reset-after", lost),
  found("reset-after*1", "ok"),
  understood("slow-headers@300"),
  understood("trickle@1"),
  found("cut", lost),
  found("cut*1", "ok"),
  found("garbage", unreadable(200)),
  found("empty", unreadable(200)),
  found("deep", unreadable(200)),
  found("no-content", unreadable(204)),
  found("huge", { errorCode: "RESPONSE_TOO_LARGE", source: "atlas", retryable: false }),
  found("html", fromAtlas(502, undefined, { retryable: true })),
  found("html*1", "ok"),
  ...[301, 302, 303, 307, 308].map(redirected),
  understood("wrong-type"),
  understood("nulls", { getRestoreJob: "goes on" }),
  understood("unknown-status", { getSnapshot: notComplete }),
  understood("hostile", { getSnapshot: notComplete, getRestoreJob: "goes on" }),
  understood("stale-nonce"),
  refused("echo-secret", fromCredentials(401, "UNEXPECTED_ERROR"), { posts: 2 }),
  found("201", unreadable(201)),
  found("202", unreadable(202)),
];

/** Statuses for which Atlas documents a code or that gateways send; `EVERY_STATUS` has all. */
const STATUSES: readonly Row[] = [
  refused("400", fromAtlas(400, "VALIDATION_ERROR")),
  refused("401", fromCredentials(401, "UNEXPECTED_ERROR"), { posts: 2 }),
  refused("401+old-401", fromCredentials(401), { posts: 2 }),
  refused("404:UNEXPECTED_ERROR", fromAtlas(404, "UNEXPECTED_ERROR"), { saves: { getRestoreJob: "goes on" } }),
  refused("402", fromAtlas(402, "ACCOUNT_SUSPENDED")),
  refused("403", fromCredentials(403, "ACCESS_FORBIDDEN")),
  refused("404", fromAtlas(404, "RESOURCE_NOT_FOUND"), { saves: { getRestoreJob: "goes on" } }),
  refused("405", fromAtlas(405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", { retryable: true })),
  refused("406", fromAtlas(406, "INVALID_VERSION_DATE")),
  refused("409", fromAtlas(409, "ATLAS_CLUSTER_RESTORE_IN_PROGRESS", { retryable: true })),
  refused("410", fromAtlas(410)),
  refused("418", fromAtlas(418)),
  ...[500, 501, 502, 503, 504, 599].map((status) => {
    const errorCode = status === 500 ? "UNEXPECTED_ERROR" : undefined;
    const read = fromAtlas(status, errorCode, { retryable: true });
    return { fault: String(status), read, post: { ...read, retryable: false }, jobs: 0 };
  }),
  found("500:after", fromAtlas(500, "UNEXPECTED_ERROR", { retryable: true })),
  found("503:after*1", "ok"),
];

const DAY_SECONDS = 86_400;
const limited = (retryAfterSeconds: number) =>
  fromAtlas(429, "RATE_LIMITED_TOKEN_BUCKET", { retryable: true, retryAfterSeconds });
const down = (retryAfterSeconds: number) => fromAtlas(503, undefined, { retryable: true, retryAfterSeconds });

/** Retry-After in every form. If the header is unreadable, the seconds come from the body of a 429. */
const WAITS: readonly Row[] = [
  refused("429", limited(1), { posts: 4 }),
  ...["1", "date", "past", "garbage", "none"].map((form) => ({
    ...understood(`429:retry-after=${form}*1`),
    posts: 2,
  })),
  refused("429:retry-after=huge", limited(DAY_SECONDS)),
  refused("429:retry-after=3600", limited(3_600)),
  ...["1", "date", "past", "garbage", "none"].map((form) => ({
    fault: `503:retry-after=${form}*1`,
    read: "ok" as const,
    // A request that must not simply be repeated names no time.
    post: fromAtlas(503, undefined),
    jobs: 0,
  })),
  { fault: "503:retry-after=huge", read: down(DAY_SECONDS), post: fromAtlas(503, undefined), jobs: 0 },
];

export const ROWS: readonly Row[] = [...ANSWERS, ...STATUSES, ...WAITS];

/** A gateway sends these when the request may have reached Atlas: a read may be repeated, a download request must not. */
export const FROM_GATEWAYS: readonly number[] = [408, 425, 499];

/** Every status from 400 to 599. An unknown status counts like the x00 status of its class (RFC 9110 section 15). */
export const EVERY_STATUS: readonly Row[] = Array.from({ length: 200 }, (_, index) => 400 + index).map((status) => {
  const known = ROWS.find(({ fault }) => fault === String(status));
  if (known) return known;
  const read = fromAtlas(status, undefined, { retryable: status >= 500 || FROM_GATEWAYS.includes(status) });
  return { fault: String(status), read, post: { ...read, retryable: false }, jobs: 0 };
});
