import { Failure } from "../errors.ts";

/** Beside the failures rather than in them, since it is about the request and no reader outside needs it. */
const unsent = new WeakSet<Failure>();

/** Records that no byte of the failed request left this computer. */
export function markNeverSent<Reason>(reason: Reason): Reason {
  if (reason instanceof Failure) unsent.add(reason);
  return reason;
}

/** True only when it is certain that no byte of the failed request left this computer, so it cannot have had an effect. */
export function neverSent(reason: unknown): boolean {
  return reason instanceof Failure && unsent.has(reason);
}
