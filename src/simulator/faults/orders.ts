// Orders of misbehaviour: reads their text form and keeps those that are still to be carried out.
import { OAUTH_CODES } from "../api/oauth.ts";
import { PROBLEM_CODES } from "../problems.ts";
import { happensTo, type Operation, ORDER_TARGETS, type OrderTarget, RETRY_AFTER_FORMS, wordsOf } from "./words.ts";

/** Seconds, or another form of the header. */
type RetryAfter = number | (typeof RETRY_AFTER_FORMS)[number];

export type Fault =
  | { kind: "status"; status?: number; errorCode?: string; retryAfter?: RetryAfter; after: boolean }
  | { kind: "word"; word: string; value: number };

interface Order {
  target: OrderTarget;
  /** All faults apply to the same answer. */
  faults: Fault[];
  /** How many answers it still applies to; Infinity means until it is cleared. */
  times: number;
}

export interface OrderBook {
  add: (text: string) => void;
  clear: () => void;
  /**
   * The faults of the first order for this operation that applies to the request; uses up one of its times.
   * An order that does not apply waits: an order about ranges waits for a request for a range.
   */
  take: (operation: Operation, applies: (faults: Fault[]) => boolean) => Fault[];
}

export function createOrderBook(text: string): OrderBook {
  let orders = parseOrders(text);

  return {
    add: (more) => {
      orders.push(...parseOrders(more));
    },
    clear: () => {
      orders = [];
    },
    take: (operation, applies) => {
      const order = orders.find(({ target, faults }) => covers(target, operation) && applies(faults));
      if (!order) return [];
      order.times -= 1;
      if (order.times <= 0) orders = orders.filter((other) => other !== order);
      return order.faults;
    },
  };
}

function covers(target: OrderTarget, operation: Operation): boolean {
  if (target === operation) return true;
  return target === "api" && operation !== "token" && operation !== "revoke" && operation !== "file";
}

export function has(faults: Fault[], word: string): boolean {
  return faults.some((fault) => fault.kind === "word" && fault.word === word);
}

/** The list of words is too long for an error message. */
const SEE_PAGE = "See docs/simulator.md.";

const UNITS: Record<string, number> = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * Reads orders such as `requestDownload=503*2,file=no-etag+cut@1MiB*1`: `operation=fault[+fault][*times]`, separated by
 * commas. A fault is a word, a word with a number (`cut@65536`, `slow@16KiB`), a status (`503`,
 * `403:ORG_REQUIRES_ACCESS_LIST`, `429:retry-after=5`, `502:after` for a failure after the effect) or a documented error
 * code alone. A code that looks like a misspelt documented one needs `code=` before it (`403:code=NOT_IN_GROUPS`).
 * Throws a RangeError that names what is unknown and suggests what may have been meant.
 */
export function parseOrders(text: string): Order[] {
  return text
    .split(",")
    .filter((order) => order.trim() !== "")
    .map(parseOrder);
}

function parseOrder(text: string): Order {
  const [, name = "", rest = "", times] = /^\s*([^=]*?)\s*=\s*(.*?)\s*(?:\*\s*([1-9]\d*))?\s*$/.exec(text) ?? [];
  if (name === "" || rest === "")
    throw new RangeError(`Cannot read the order "${text.trim()}": it must be operation=fault[*times]. ${SEE_PAGE}`);
  const target = ORDER_TARGETS.find((known) => known === name);
  if (target === undefined)
    throw new RangeError(`Unknown operation "${name}" in the order "${text.trim()}"${suggest(name, ORDER_TARGETS)}`);
  return {
    target,
    faults: rest.split("+").map((fault) => parseFault(fault.trim(), target)),
    times: times === undefined ? Number.POSITIVE_INFINITY : Number(times),
  };
}

function parseFault(text: string, target: OrderTarget): Fault {
  const [, status, parts = ""] = /^([2-5]\d\d)((?::[^:]+)*)$/.exec(text) ?? [];
  if (status === undefined) {
    const isCode = codesOf(target).includes(text);
    return isCode ? { kind: "status", errorCode: text, after: false } : parseWord(text, target);
  }
  const fault: Fault = { kind: "status", status: Number(status), after: false };
  for (const part of parts.split(":").slice(1)) {
    if (part === "after") fault.after = true;
    else if (part.startsWith("retry-after=")) fault.retryAfter = parseRetryAfter(part.slice("retry-after=".length));
    else if (/^(code=)?[A-Za-z][A-Za-z0-9_]*$/.test(part)) fault.errorCode = parseErrorCode(part, target);
    else throw unknownFault(text, target);
  }
  return fault;
}

/** Atlas may send undocumented codes, so any code is accepted; one that looks misspelt needs `code=`. */
function parseErrorCode(text: string, target: OrderTarget): string {
  if (text.startsWith("code=")) return text.slice("code=".length);
  const known = codesOf(target);
  const meant = known.includes(text) ? undefined : likeliest(text, known);
  if (meant === undefined) return text;
  throw new RangeError(`Unknown code "${text}"; did you mean ${meant}? To use it unchanged, write code=${text}.`);
}

function parseRetryAfter(text: string): RetryAfter {
  if (/^\d+$/.test(text)) return Number(text);
  const form = RETRY_AFTER_FORMS.find((known) => known === text);
  if (form === undefined) {
    throw new RangeError(`Cannot read "retry-after=${text}": give seconds, or one of ${RETRY_AFTER_FORMS.join(", ")}.`);
  }
  return form;
}

function parseWord(text: string, target: OrderTarget): Fault {
  const [, name = "", number] = /^([^@]*)(?:@(.*))?$/.exec(text) ?? [];
  const words = wordsOf(target);
  const word = Object.hasOwn(words, name) ? words[name] : undefined;
  if (!word) throw unknownFault(text, target);
  if (!happensTo(name, target)) {
    throw new RangeError(`The fault "${name}" never happens to ${target}, only to ${word.only?.join(", ")}.`);
  }
  if (number === undefined && word.byDefault === undefined && word.takes !== undefined) {
    throw new RangeError(`The fault "${name}" needs a number: ${name}@${word.takes}.`);
  }
  if (number !== undefined && word.takes === undefined) {
    throw new RangeError(`The fault "${name}" takes no number, but got "${text}".`);
  }
  return { kind: "word", word: name, value: number === undefined ? (word.byDefault ?? 0) : parseNumber(number, text) };
}

function parseNumber(number: string, text: string): number {
  const [, digits, unit = ""] = /^(-?\d+)(KiB|MiB|GiB)?$/.exec(number) ?? [];
  if (digits === undefined) {
    throw new RangeError(`Cannot read the number in "${text}": give a whole number, optionally with KiB, MiB or GiB.`);
  }
  return Number(digits) * (UNITS[unit] ?? 1);
}

function codesOf(target: OrderTarget): readonly string[] {
  if (target === "file") return [];
  return target === "token" || target === "revoke" ? OAUTH_CODES : PROBLEM_CODES;
}

function unknownFault(text: string, target: OrderTarget): RangeError {
  const word = text.replace(/@.*/, "");
  const elsewhere = target === "file" ? "api" : "file";
  if (Object.hasOwn(wordsOf(elsewhere), word))
    return new RangeError(
      `The fault "${word}" never happens to ${target}, only to ${elsewhere === "file" ? "file" : "operations of the API"}. ${SEE_PAGE}`,
    );
  const known = [...Object.keys(wordsOf(target)), ...codesOf(target)];
  return new RangeError(`Unknown fault "${text}" for ${target}${suggest(word, known)}`);
}

/** The end of a sentence that names an unknown word. */
function suggest(word: string, known: readonly string[]): string {
  const meant = likeliest(word, known);
  return `${meant === undefined ? "." : `; did you mean ${meant}?`} ${SEE_PAGE}`;
}

/** A word that differs by more letters is a different word, not a misspelling. */
const MAX_SLIP_LETTERS = 3;

/** The known word that differs from `word` by the fewest letters; undefined when all differ by too many. */
function likeliest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.min(MAX_SLIP_LETTERS, Math.floor(word.length / 2));
  const [best] = known
    .map((candidate) => ({ candidate, letters: differingLetters(word, candidate, limit) }))
    .filter(({ letters }) => letters <= limit)
    .sort((a, b) => a.letters - b.letters);
  return best?.candidate;
}

/** How many letters to insert, drop or replace to turn one word into the other; any number above `limit` means too many. */
function differingLetters(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  if (a === "" || b === "") return Math.max(a.length, b.length);
  if (a[0] === b[0]) return differingLetters(a.slice(1), b.slice(1), limit);
  if (limit === 0) return 1;
  const rest = [
    differingLetters(a.slice(1), b, limit - 1),
    differingLetters(a, b.slice(1), limit - 1),
    differingLetters(a.slice(1), b.slice(1), limit - 1),
  ];
  return 1 + Math.min(...rest);
}

/** Longer than anyone would wait; in milliseconds it exceeds 32 bits. */
const HUGE_SECONDS = 4_000_000_000;

export function retryAfterHeader(form: RetryAfter, now: number): Record<string, string> {
  switch (form) {
    case "none":
      return {};
    case "date":
      return { "Retry-After": new Date(now + 5_000).toUTCString() };
    case "past":
      return { "Retry-After": new Date(now - 3_600_000).toUTCString() };
    case "garbage":
      return { "Retry-After": "soon, 3e1 minutes" };
    case "huge":
      return { "Retry-After": String(HUGE_SECONDS) };
    default:
      return { "Retry-After": String(form) };
  }
}
