import { setMaxListeners } from "node:events";
import { ownFailure } from "../errors.ts";
import type { Clock, HttpRequest } from "./send.ts";

/** Made once: to make one for each call, with its stack, took a thirtieth of the call. */
const OVER = new DOMException("The work has ended.", "AbortError");

/**
 * Waits for work until its caller gives up: rejects with the signal's reason when it aborts and with `TIMEOUT` at the
 * deadline, at once in both cases, however slowly the work itself lets go. The signal that the work receives ends then too.
 */
export async function bounded<T>(
  clock: Pick<Clock, "now" | "sleep">,
  { deadline, signal }: Pick<HttpRequest, "deadline" | "signal">,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  setMaxListeners(0, signal); // All requests of a call share its signal: no leak, which Node suspects from the eleventh on.
  const ending = new AbortController();
  const giveUp = () => ending.abort(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  clock.sleep(deadline - clock.now(), ending.signal).then(
    () => ending.abort(ownFailure("TIMEOUT")),
    () => {
      // The work ended before its deadline.
    },
  );
  try {
    return await Promise.race([work(ending.signal), abortOf(ending.signal)]);
  } finally {
    signal.removeEventListener("abort", giveUp);
    ending.abort(OVER);
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
