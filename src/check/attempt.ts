import { Failure, ownFailure } from "../core/errors.ts";
import type { Log } from "../core/logger.ts";
import { bounded, type CallLimits, type Clock } from "../core/time.ts";
import { failedWith, type StepResult, skipped } from "./step.ts";

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
