// The clock, deadlines, and HTTP dates.
import { setMaxListeners } from "node:events";
import { ownFailure } from "./errors.ts";

/** Time and randomness, passed in as a value so that tests control them. */
export interface Clock {
  /** Milliseconds since the epoch; jumps when the computer's clock is set. */
  now: () => number;
  /** Milliseconds since an arbitrary moment, for durations: unaffected when the clock is set. */
  ticks: () => number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Uniform in [0, 1). */
  random: () => number;
}

/** When a call or a request must end. */
export interface CallLimits {
  /** When the caller gives up, milliseconds since the epoch. */
  deadline: number;
  signal: AbortSignal;
}

/** The longest wait of a call: clients give up after 60 seconds, some sooner. A person whose client waits longer may raise it. */
export const USUAL_MAX_WAIT_SECONDS = 40;

/** Node.js fires a longer timer at once. No wait of this program comes near this limit. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The real time of this computer. */
export const systemClock: Clock = {
  now: () => Date.now(),
  ticks: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const wake = () => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      const timer = setTimeout(wake, Math.min(Math.max(ms, 0), MAX_TIMER_MS));
      const abort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort, { once: true });
    }),
  random: () => Math.random(),
};

/** Shared: creating it per call, with a stack trace, cost 3 % of a call. */
const ENDED = new DOMException("The work has ended.", "AbortError");

/**
 * Runs work until its caller gives up: rejects with the signal's reason when the signal aborts and with `TIMEOUT` at the
 * deadline. Both happen at once, even if the work reacts slowly. The signal that the work receives aborts at the same time.
 */
export async function bounded<T>(
  clock: Pick<Clock, "now" | "sleep">,
  { deadline, signal }: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  setMaxListeners(0, signal); // All requests of a call share its signal; Node.js would warn of a leak at the eleventh.
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
    ending.abort(ENDED);
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/**
 * An HTTP date in milliseconds since the epoch, in any of the three forms of RFC 9110 section 5.6.7; undefined for anything
 * else. The third form, of asctime, names no zone but means UTC.
 */
export function httpDate(text: string): number | undefined {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? [\w :-]{10,40}$/.test(text)) return undefined;
  const time = Date.parse(text.endsWith(" GMT") ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * A moment for people, in this computer's time zone: `Thu 26 Nov, 04:01, 9 hours ago`, with the year where it is not this one.
 * Undefined for a text that is no date.
 */
export function whenOf(date: string | undefined, now: number): string | undefined {
  const moment = Date.parse(date ?? "");
  if (Number.isNaN(moment)) return undefined;
  const local = new Date(moment);
  const two = (value: number) => String(value).padStart(2, "0");
  const year = local.getFullYear() === new Date(now).getFullYear() ? "" : ` ${local.getFullYear()}`;
  const day = `${DAYS[local.getDay()]} ${local.getDate()} ${MONTHS[local.getMonth()]}${year}`;
  return `${day}, ${two(local.getHours())}:${two(local.getMinutes())}, ${distance(moment, now)}`;
}

/** The last part of `whenOf`: `9 hours ago`. */
export function agoOf(date: string | undefined, now: number): string | undefined {
  const moment = Date.parse(date ?? "");
  return Number.isNaN(moment) ? undefined : distance(moment, now);
}

/** The start of the day in this computer's time zone, as a number of days; summer time does not matter. */
function dayOf(moment: number): number {
  const local = new Date(moment);
  return Date.UTC(local.getFullYear(), local.getMonth(), local.getDate()) / (24 * HOUR_MS);
}

function distance(moment: number, now: number): string {
  const ms = moment - now;
  const span = Math.abs(ms);
  const inUnit = (unitMs: number, unit: string) => {
    const count = Math.max(1, Math.round(span / unitMs));
    return `${count} ${unit}${count === 1 ? "" : "s"}`;
  };
  if (span < MINUTE_MS) return "just now";
  const words =
    span < HOUR_MS
      ? inUnit(MINUTE_MS, "minute")
      : span < 48 * HOUR_MS
        ? inUnit(HOUR_MS, "hour")
        : `${Math.abs(dayOf(moment) - dayOf(now))} days`;
  return ms < 0 ? `${words} ago` : `in ${words}`;
}
