// The one failure type, and the code of any error.
import { type FailureSource, isOwnCode, OWN_ERRORS } from "./own-errors.ts";
import { says } from "./text.ts";

/** The error object of every failed tool call: Atlas's own fields first, then what this server adds. */
export interface ErrorEnvelope {
  /** HTTP status; absent when no response arrived. */
  error?: number;
  /** Atlas's code, or one of `OWN_ERRORS`; absent only if Atlas sent none in the form of its codes. */
  errorCode?: string;
  reason?: string;
  detail?: string;
  parameters?: string[];
  badRequestDetail?: { fields: { field: string; description: string }[] };
  source: FailureSource;
  /** Whether to make the same call again, unchanged, at the time that the hint names. */
  retryable: boolean;
  /** Seconds to wait before the next try, as Atlas named them. Only where the hint tells the same time. */
  retryAfterSeconds?: number;
  hint: string;
}

export type OwnErrorCode = keyof typeof OWN_ERRORS;

/** Facts about one failure; the table of own errors fills in the rest. */
export type FailureFacts = Partial<ErrorEnvelope>;

/**
 * The one failure type of this program. Under one of our own codes, `detail` consists of our own words and validated values;
 * otherwise it is Atlas's text. A foreign error's message may hold secrets, so that error becomes the `cause`, which only the log
 * prints, scrubbed.
 */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly envelope: ErrorEnvelope;
  // The next two are for this program alone, so they are not in the envelope that callers see.
  /** Certainly no byte of the failed request left this computer. Set by the code that sends requests. */
  neverSent = false;
  /** The failed request may have had its effect, and looking for that effect did not settle it. */
  outcomeUnknown = false;

  constructor(envelope: ErrorEnvelope, options?: ErrorOptions) {
    super([envelope.errorCode, detailOf(envelope) ?? envelope.hint].filter(Boolean).join(": "), options);
    this.envelope = timed(envelope);
  }

  get code(): string | undefined {
    return this.envelope.errorCode;
  }
}

/** The usual time to wait, in the words of the hints. */
const USUAL_WAIT = /\bin (?:a|a few|some) (?:moment|minutes?)\b|\blater\b/;

/**
 * One failure names one time. The time that Atlas named takes the place of the hint's usual one. It is left out where time alone
 * does not help, and where the hint names something else to wait for, such as the end of another job.
 */
function timed({ retryAfterSeconds, ...envelope }: ErrorEnvelope): ErrorEnvelope {
  if (retryAfterSeconds === undefined || !envelope.retryable || !USUAL_WAIT.test(envelope.hint)) return envelope;
  const wait = `in ${retryAfterSeconds} ${retryAfterSeconds === 1 ? "second" : "seconds"}`;
  return { ...envelope, retryAfterSeconds, hint: envelope.hint.replace(USUAL_WAIT, wait) };
}

/** The detail in a sentence: our own words as they are, Atlas's quoted. */
export function detailOf({ errorCode, detail }: Pick<ErrorEnvelope, "errorCode" | "detail">): string | undefined {
  return detail === undefined || isOwnCode(errorCode) ? detail : says("Atlas", detail);
}

/** A failure that this server names itself: source, retryability and hint come from the table unless `facts` say otherwise. */
export function ownFailure(code: OwnErrorCode, facts: FailureFacts = {}, options?: ErrorOptions): Failure {
  const { source, retryable, meaning, hint } = OWN_ERRORS[code];
  return new Failure({ errorCode: code, detail: meaning, source, retryable, hint, ...facts }, options);
}

export function markNeverSent<Reason>(reason: Reason): Reason {
  if (reason instanceof Failure) reason.neverSent = true;
  return reason;
}

/** Whether the failed request certainly had no effect, since no byte of it left this computer. */
export function neverSent(reason: unknown): boolean {
  return reason instanceof Failure && reason.neverSent;
}

/** The code of any error: one of ours, or the system's or undici's, such as ENOSPC or UND_ERR_SOCKET. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether an error has one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error) ?? "");
}
