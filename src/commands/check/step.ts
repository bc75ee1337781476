import type { AccessEdges } from "../../atlas/access.ts";
import type { Config, Options } from "../../config/config.ts";
import type { Environment } from "../../config/readers.ts";
import { Failure, ownFailure } from "../../core/errors.ts";
import type { Log } from "../../core/logger.ts";
import { bounded, type CallLimits, type Clock } from "../../core/time.ts";

/** What every step may look at. */
export interface CheckInput extends AccessEdges {
  config: Config;
  env: Environment;
  options: Options;
  log: Log;
  signal: AbortSignal;
}

/** `warning` and `skipped` are no reason to fail: `ok` of the whole check means that no step is `failed`. */
export type StepState = "ok" | "warning" | "failed" | "skipped";

export interface StepResult {
  state: StepState;
  /** What was found, as one line. */
  found: string;
  /** One line for each thing to do. */
  whatToDo?: string;
  errorCode?: string;
}

export interface Step extends StepResult {
  id: string;
  title: string;
}

export const ok = (found: string): StepResult => ({ state: "ok", found });
export const warning = (found: string, whatToDo: string): StepResult => ({ state: "warning", found, whatToDo });
export const failed = (found: string, whatToDo: string): StepResult => ({ state: "failed", found, whatToDo });
export const skipped = (why: string): StepResult => ({ state: "skipped", found: `not tried: ${why}` });

/** What a failure says, with its own advice. */
export function failedWith(failure: Failure, found = describeFailure(failure)): StepResult {
  const { errorCode, hint } = failure.envelope;
  return { ...failed(found, hint), ...(errorCode ? { errorCode } : {}) };
}

/** Status, code and detail of a failure, as far as there are any. */
export function describeFailure({ envelope: { error, errorCode, detail } }: Failure): string {
  const facts = [error === undefined ? "" : `HTTP ${error}`, errorCode ?? ""].filter(Boolean).join(" ");
  return [facts, detail].filter(Boolean).join(": ");
}

/** The first few of a list, and how many more there are. */
export function firstFew(items: readonly string[], limit = 10, separator = ", "): string {
  const rest = items.length - limit;
  return items.slice(0, limit).join(separator) + (rest > 0 ? ` and ${rest} more` : "");
}

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What an attempt came to; `blocked` says in a few words why it was not made. */
export type Finding<T> = { value: T } | { failure: Failure } | { blocked: string };

/** Only an interruption from outside is thrown. */
export type Attempt = <T>(limitMs: number, work: (limits: CallLimits) => Promise<T>) => Promise<Finding<T>>;

/** Work is told to end this much earlier, so that what it says itself comes before the bare time-out. */
const MARGIN_MS = 250;

/** Runs work with a time limit of its own, never beyond `deadline`; unexpected errors are logged and count as failures. */
export function createAttempt(options: { clock: Clock; deadline: number; signal: AbortSignal; log: Log }): Attempt {
  const { clock, signal, log } = options;
  return async (limitMs, work) => {
    const deadline = Math.min(clock.now() + limitMs, options.deadline);
    try {
      const inner = deadline - MARGIN_MS;
      return { value: await bounded(clock, { deadline, signal }, (ended) => work({ deadline: inner, signal: ended })) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof Failure) return { failure: error };
      log.error({ error }, "A step of the check failed unexpectedly");
      return { failure: ownFailure("INTERNAL_ERROR", {}, { cause: error }) };
    }
  };
}

/** Goes on from what an earlier attempt found; when that found nothing, `otherwise` says so in a few words. */
export async function after<T, U>(
  earlier: Finding<T>,
  otherwise: string,
  next: (value: T) => Finding<U> | Promise<Finding<U>>,
): Promise<Finding<U>> {
  if ("value" in earlier) return next(earlier.value);
  return "blocked" in earlier ? earlier : { blocked: otherwise };
}

/** The result of a step that shows what was found, or why nothing was. */
export function shown<T>(finding: Finding<T>, show: (value: T) => StepResult): StepResult {
  if ("blocked" in finding) return skipped(finding.blocked);
  return "failure" in finding ? failedWith(finding.failure) : show(finding.value);
}

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
