import type { AccessEdges } from "../atlas-access.ts";
import type { Environment } from "../config/config.ts";
import type { Config, Options } from "../config/parse.ts";
import type { Failure } from "../core/errors.ts";
import type { Log } from "../core/logger.ts";

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
