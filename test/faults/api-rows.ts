import { fromAtlas, fromCredentials, network, OUTCOME_UNKNOWN, unreadable, type Verdict } from "./verdicts.ts";

/** One misbehaviour of Atlas and how calls end under it. */
export interface Row {
  /** In the simulator's words. */
  fault: string;
  /** Of every tool that reads. */
  read: Verdict;
  /** Of a download request. */
  post: Verdict;
  /** Jobs that one download request creates. */
  jobs: number;
  /** Requests that one download request may send, when it is more than one. */
  posts?: number;
  /** Where a save ends otherwise than the request it makes, by operation. */
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
/** The job exists although its answer cannot be used: it is found in the list. */
const found = (fault: string, read: Verdict): Row => ({ fault, read, post: "ok", jobs: 1 });
const refused = (fault: string, facts: Verdict, more: Partial<Row> = {}): Row => ({
  fault,
  read: facts,
  post: facts,
  jobs: 0,
  ...more,
});
const notComplete: Verdict = { errorCode: "SNAPSHOT_NOT_COMPLETE", source: "input", retryable: true };

/** What the line and the bodies can do. */
export const ANSWERS: readonly Row[] = [
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
  refused("echo-secret", fromCredentials(401), { posts: 2 }),
  found("201", unreadable(201)),
  found("202", unreadable(202)),
];

/** Statuses for which Atlas documents a code or that gateways send; every other one is in `EVERY_STATUS`. */
export const STATUSES: readonly Row[] = [
  refused("400", fromAtlas(400, "VALIDATION_ERROR")),
  refused("401", fromCredentials(401), { posts: 2 }),
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

/** Retry-After in every form; without a readable one the body of a 429 names the seconds. */
export const WAITS: readonly Row[] = [
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
    post: fromAtlas(503, undefined, seconds(form)),
    jobs: 0,
  })),
  { fault: "503:retry-after=huge", read: down(DAY_SECONDS), post: { ...down(DAY_SECONDS), retryable: false }, jobs: 0 },
];

function seconds(form: string): { retryAfterSeconds?: number } {
  const named = { "1": 1, date: 5, past: 0 }[form];
  return named === undefined ? {} : { retryAfterSeconds: named };
}
