import { Failure } from "../errors.ts";

/** Records that no byte of the failed request left this computer. */
export function markNeverSent<Reason>(reason: Reason): Reason {
  if (reason instanceof Failure) reason.neverSent = true;
  return reason;
}

/** True only when it is certain that no byte of the failed request left this computer, so it cannot have had an effect. */
export function neverSent(reason: unknown): boolean {
  return reason instanceof Failure && reason.neverSent;
}
