// What a step of `check` is: an attempt within a time limit, its outcome, and the outcome in words.
import type { AccessEdges } from "../../atlas/access.ts";
import type { Environment } from "../../config/setting-text.ts";
import type { Config, Options } from "../../config/types.ts";
import { detailOf, Failure, ownFailure } from "../../core/errors.ts";
import type { Log } from "../../core/logger.ts";
import { bounded, type CallLimits } from "../../core/time.ts";

/** The configuration, and the options and variables it was read from. */
export interface Configured {
  config: Config;
  options: Options;
  env: Environment;
}

/** Everything that a step may use. */
export interface CheckInput extends Configured, AccessEdges {
  log: Log;
  signal: AbortSignal;
}

/** Only `failed` makes the whole check fail. */
export type StepState = "ok" | "warning" | "failed" | "skipped";

export interface StepResult {
  state: StepState;
  /** What was found, on one line. */
  found: string;
  /** One line per thing to do. */
  whatToDo?: string;
  errorCode?: string;
}

export interface Step extends StepResult {
  id: string;
  title: string;
}

/** The outcome of an attempt; `blocked` says in a few words why nothing was attempted. */
export type Finding<T> = { value: T } | { failure: Failure } | { blocked: string };

/** Work must end this long before its limit, because its own error says more than a time-out. */
const MARGIN_MS = 250;

/**
 * Returns a function that runs work within a time limit and before `deadline`. It rejects only if the check is interrupted;
 * unexpected errors are logged and become failures.
 */
export function createAttempt(
  { clock, signal, log }: Pick<CheckInput, "clock" | "signal" | "log">,
  deadline = Number.POSITIVE_INFINITY,
) {
  return async <T>(limitMs: number, work: (limits: CallLimits) => Promise<T>): Promise<Finding<T>> => {
    const end = Math.min(clock.now() + limitMs, deadline);
    const run = (ended: AbortSignal) => work({ deadline: end - MARGIN_MS, signal: ended });
    try {
      return { value: await bounded(clock, { deadline: end, signal }, run) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) return { failure: error };
      log.error({ error }, "A step of the check failed unexpectedly");
      return { failure: ownFailure("INTERNAL_ERROR", {}, { cause: error }) };
    }
  };
}

/** Continues with the value of an earlier attempt. If that attempt failed, `next` is blocked for `reason`. */
export async function after<T, U>(
  earlier: Finding<T>,
  reason: string,
  next: (value: T) => Finding<U> | Promise<Finding<U>>,
): Promise<Finding<U>> {
  if ("value" in earlier) return next(earlier.value);
  return "blocked" in earlier ? earlier : { blocked: reason };
}

/** The result of an attempt: what it found, its failure, or why it was blocked. */
export function resultOf(finding: Finding<StepResult>): StepResult {
  if ("blocked" in finding) return skipped(finding.blocked);
  return "failure" in finding ? failedWith(finding.failure) : finding.value;
}

export const ok = (found: string): StepResult => ({ state: "ok", found });
export const warning = (found: string, whatToDo: string): StepResult => ({ state: "warning", found, whatToDo });
export const failed = (found: string, whatToDo: string): StepResult => ({ state: "failed", found, whatToDo });
export const skipped = (why: string): StepResult => ({ state: "skipped", found: `not tried: ${why}` });

/** A failed step with the advice for the failure, and its code. */
export function failedWith(failure: Failure, found = describeFailure(failure)): StepResult {
  const { errorCode } = failure.envelope;
  return { ...failed(found, adviceOn(failure)), ...(errorCode ? { errorCode } : {}) };
}

const HOW_TO_SET = [
  "Make a service account in Atlas; docs/setup.md has the steps. Then set its id and the file of its secret, here as in the MCP client:",
  // Three lines that a shell reads as one command: a terminal's width would break a longer one where no shell may.
  "MONGODB_ATLAS_CLIENT_ID=mdb_sa_id_… \\",
  "MONGODB_ATLAS_CLIENT_SECRET_FILE=/path/to/secret \\",
  "node dist/atlas-flex-snapshots-mcp.js check",
  "An API key works too: MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY_FILE.",
].join("\n");

/** In place of hints that name arguments of tools. */
const ADVICE: Readonly<Record<string, string>> = {
  CREDENTIALS_MISSING: HOW_TO_SET,
  SEVERAL_CLUSTERS: "Add --project and the id of the project that is meant.",
  CLUSTER_UNKNOWN:
    "Names are case-sensitive. The command status lists every Flex cluster; clusters of other tiers (M0, M10 and above) are not covered.",
  PROJECTS_UNREADABLE:
    "Try again, or add --project and the id of the cluster's project. Projects that stay unreadable need an invitation of the credentials, or ATLAS_FLEX_ALLOWED_PROJECTS without them.",
  NO_COMPLETE_SNAPSHOT:
    "Try again once Atlas has taken one; none can be taken on demand. For the data of this moment, use mongodump.",
  SAVED_ELSEWHERE: "Let the other process finish, then try again to see the file.",
  FILE_EXISTS: "Move that file, with its .json file, out of the download folder, then try again.",
};

const LISTED = "the command status --cluster NAME --json lists the ids of its backups";

/** Advice that names tools or a server, in the words of a command. */
const IN_OTHER_WORDS: readonly [RegExp, string][] = [
  [/List the cluster's snapshots and use an id from there/, `Use another id: ${LISTED}`],
  [/Choose another snapshot of the cluster whose status is COMPLETED[^.]*\./, `Choose another backup: ${LISTED}.`],
  [/\bSave another snapshot of the cluster\b/g, `Save another backup with --snapshot (${LISTED})`],
  [/List the Flex clusters without a groupId to see the projects/, "The command check lists the projects"],
  [/List the Flex clusters of the project and use a name from there/, "The command status lists the Flex clusters"],
  [/set ATLAS_FLEX_DOWNLOAD_DIR and restart this server/, "add --download-dir"],
  [/, restart this server and call again/, " and try again"],
  [/\bCall again\b/g, "Try again"],
  [/\bcall again\b/g, "try again"],
];

/** What a person at a terminal can do, a line each. The hints of failures are written for callers of tools. */
export function adviceOn({ envelope: { errorCode = "", hint } }: Pick<Failure, "envelope">): string {
  const own = ADVICE[errorCode];
  return own ?? IN_OTHER_WORDS.reduce((text, [pattern, words]) => text.replace(pattern, words), hint);
}

/** The HTTP status, code and detail of a failure, as far as it has them. */
export function describeFailure({ envelope }: Pick<Failure, "envelope">): string {
  const { error, errorCode } = envelope;
  const facts = [error === undefined ? "" : `HTTP ${error}`, errorCode ?? ""].filter(Boolean).join(" ");
  return [facts, detailOf(envelope)].filter(Boolean).join(": ");
}

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

const UNITS = [
  { name: "days", ms: 86_400_000 },
  { name: "hours", ms: 3_600_000 },
  { name: "minutes", ms: 60_000 },
];

/** A time span in the largest unit of which it has at least two. */
export function duration(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= 2 * candidate.ms) ?? { name: "seconds", ms: 1_000 };
  return `${Math.round(ms / unit.ms)} ${unit.name}`;
}
