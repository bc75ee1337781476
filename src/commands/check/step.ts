// What a step of `check` is: an attempt within a time limit, its outcome, and the outcome in words.
import type { AccessEdges } from "../../atlas/access.ts";
import { Failure, ownFailure } from "../../core/errors.ts";
import type { Log } from "../../core/logger.ts";
import { bounded, type CallLimits } from "../../core/time.ts";
import { adviceOn, describeFailure } from "../advice.ts";
import type { Configured } from "../terminal.ts";

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
