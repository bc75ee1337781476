// Transfers a snapshot's file: sends requests, follows redirects and retries until every byte is in the local copy.
import { errors } from "undici";
import { codeOf, Failure, ownFailure } from "../../core/errors.ts";
import { hostOf } from "../../core/text.ts";
import type { Clock } from "../../core/time.ts";
import { isUntrusted } from "../../http/dispatchers.ts";
import type { FileExchange, SnapshotLink, StoreEvent } from "../contract.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { Limits } from "../limits.ts";
import type { ObjectVersion } from "../snapshot.ts";
import type { FileRange, FileRequester } from "./file-request.ts";
import { readErrorXmlCode } from "./foreign-body.ts";
import { asRedirect, checkLink, checkRedirect, type HostPolicy } from "./host-policy.ts";
import { type Received, receiveBody, watchSpeed } from "./receive.ts";
import { isRefusal, judgeResponse, type Refusal, type Verdict } from "./response-judge.ts";

export interface Transfer {
  copy: LocalCopy;
  links: TransferLinks;
  requester: FileRequester;
  policy: HostPolicy;
  clock: Clock;
  limits: Limits;
  status: {
    received: (bytes: number) => void;
    /** The connection broke after bytes had been saved. */
    interrupted: () => void;
    warn: (warning: string) => void;
  };
  log: (event: Omit<StoreEvent, "snapshotId" | "fileName">) => void;
  /** Called with each link and each target of a redirect before it is used: they grant access to the file. */
  onLink: (url: URL) => void;
  /** Called with each request when it has ended. */
  onExchange: ((exchange: FileExchange) => void) | undefined;
}

export interface TransferLinks {
  /** The link for the next request. */
  next: (signal: AbortSignal) => Promise<SnapshotLink>;
  /** The file host refused the link; rejects with `LINK_REFUSED` or `LINK_EXPIRED` where a new link is not to be asked for. */
  refuse: (refusal: Refusal) => Promise<void>;
  /** The transfer has reached this byte. */
  reached: (bytes: number) => void;
}

/** Brings every byte of the file into the local copy. Rejects with a `Failure`, or with the signal's reason when aborted. */
export async function transferFile(transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { copy, links, clock, limits, status, log } = transfer;
  const budget = createRetryBudget(limits, clock.random, copy.bytes);
  let run: Run = { doubts: 0 };
  let brokenAt = 0;
  while (!copy.isComplete) {
    const link = await links.next(signal);
    const { outcome, host } = await request(transfer, checkLink(link.url, transfer.policy), run, signal);
    budget.reached(copy.bytes);
    links.reached(copy.bytes);
    run = runAfter(run, outcome);
    switch (outcome.kind) {
      case "complete":
        if (outcome.total !== undefined) await copy.expect(outcome.total);
        await copy.complete();
        break;
      case "refresh-link":
        log({ event: "link-refused", host, status: outcome.refusal.status, code: outcome.refusal.reason });
        await links.refuse(outcome.refusal);
        break;
      case "more":
        // A host that sends a few bytes at a time costs attempts, but no pause.
        if (budget.next() === undefined) throw interrupted(host, { code: "SHORT_RANGES" });
        break;
      case "doubt":
      case "retry": {
        const again = outcome.kind === "doubt" ? { code: "DOUBTFUL_ANSWER", why: outcome.why } : outcome;
        const delayMs = budget.next(outcome.kind === "retry" ? outcome.afterMs : undefined);
        if (delayMs === undefined) throw interrupted(host, again);
        log({ event: "transfer-retried", host, bytes: copy.bytes, code: again.code, delayMs });
        // An attempt that brought nothing is no resumption.
        if (copy.bytes > brokenAt && again.why === undefined) status.interrupted();
        brokenAt = copy.bytes;
        await clock.sleep(delayMs, signal);
        break;
      }
      default:
        outcome satisfies never;
    }
  }
}

/** What the last answers say together: each alone may be a passing oddity. */
interface Run {
  /** How many answers in a row did not fit the part. */
  doubts: number;
  /** Why the whole file is asked for instead of the rest. */
  whyWhole?: string;
  /** The size that the last answer named against the known one. */
  otherTotal?: number;
}

function runAfter(run: Run, outcome: Outcome): Run {
  if (outcome.kind !== "doubt" && outcome.kind !== "retry") return { doubts: 0 };
  const { otherTotal } = outcome;
  const doubts = outcome.kind === "doubt" ? run.doubts + 1 : 0;
  return {
    doubts,
    ...(outcome.kind === "doubt" && doubts > 1 && { whyWhole: outcome.why }),
    ...(otherTotal !== undefined && { otherTotal }),
  };
}

type Outcome = Exclude<Verdict, { kind: "begin" | "continue" | "reject" }> | Received;

/** Where a request goes, and how many redirects led there. */
interface Hop {
  url: URL;
  redirects: number;
  /** Whose redirect led there. */
  from?: URL;
}

/**
 * Requests the link and follows its redirects. `host` gave the answer from which the outcome follows. With
 * `run.whyWhole`, asks for the whole file instead of the rest.
 */
async function request(
  transfer: Transfer,
  link: URL,
  run: Run,
  signal: AbortSignal,
): Promise<{ outcome: Exclude<Outcome, { kind: "follow" }>; host: string }> {
  let hop: Hop = { url: link, redirects: 0 };
  let isRepeated = false;
  for (;;) {
    const { url, redirects } = hop;
    const outcome = await attempt(transfer, hop, run, signal);
    if (outcome.kind === "follow") {
      hop = { url: checkRedirect(url, outcome.to, transfer.policy), redirects: redirects + 1, from: url };
    } else if (outcome.kind === "refresh-link" && redirects > 0 && !isRepeated) {
      // The target of a redirect may live for seconds only; the link names a new one.
      hop = { url: link, redirects: 0 };
      isRepeated = true;
    } else {
      return { outcome, host: nameOf(url) };
    }
  }
}

/** Sends one request and receives its body; the outcome says what to do next. */
async function attempt(
  transfer: Transfer,
  { url, redirects, from }: Hop,
  { whyWhole, otherTotal }: Run,
  signal: AbortSignal,
): Promise<Outcome> {
  const { copy, requester, limits, clock, status, log, onLink, onExchange } = transfer;
  const start = clock.ticks();
  const seen: Omit<FileExchange, "ms"> = { url, redirects, offset: 0, bytes: 0 };
  const watch = watchSpeed(limits, clock);
  try {
    const range = whyWhole === undefined ? rangeOf(copy) : undefined;
    onLink(url);
    seen.offset = range?.offset ?? 0;
    const response = await requester.get(url, range, AbortSignal.any([signal, watch.signal]));
    const headersMs = clock.ticks() - start;
    const errorXmlCode = isRefusal(response.status) ? await readErrorXmlCode(response.body) : undefined;
    seen.answer = { status: response.status, headers: response.headers, ms: headersMs };
    if (errorXmlCode !== undefined) seen.errorXmlCode = errorXmlCode;
    signal.throwIfAborted();
    const offset = range?.offset ?? 0;
    const asked = { ...copy.version, url, redirects, offset, ...(otherTotal !== undefined && { otherTotal }) };
    const context = { now: clock.now(), maxFileBytes: limits.maxFileBytes };
    const verdict = judgeResponse(asked, { ...response, errorXmlCode }, context);
    log({ event: "file-host-answered", host: nameOf(url), status: response.status, bytes: asked.offset });
    if (verdict.kind === "begin" || verdict.kind === "continue") {
      const before = copy.version;
      const onStartOver = () => {
        if (copy.bytes === 0) return;
        const why = whyWhole ?? whyFromTheStart(range, before, verdict);
        log({ event: "transfer-started-over", host: nameOf(url), bytes: copy.bytes, why });
        status.warn(`${why} The transfer started over.`);
      };
      const onBytes = (bytes: number) => {
        seen.bytes += bytes;
        status.received(bytes);
      };
      return await receiveBody(response.body, verdict, { copy, watch, limits, onBytes, onStartOver });
    }
    response.body.drop();
    if (verdict.kind === "reject") throw ownFailure(verdict.code, verdict.facts);
    return verdict;
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureIn(error);
    if (failure?.code !== undefined) seen.code = failure.code;
    if (failure) throw from ? asRedirect(failure, from, transfer.policy) : failure;
    const code = retryCodeOf(error, watch.signal.aborted);
    seen.code = code;
    return { kind: "retry", code };
  } finally {
    watch.stop();
    onExchange?.({ ...seen, ms: clock.ticks() - start });
  }
}

/** Every URL that is requested has passed `checkLink`, so it has a host of proper form. */
const nameOf = (url: URL) => hostOf(url) ?? "a file host";

/** RFC 9110 §13.1.5: without a validator nothing proves that the rest belongs to the part, so no range is sent. */
function rangeOf({ bytes, version }: LocalCopy): FileRange | undefined {
  const validator = version.etag ?? version.lastModified;
  return bytes > 0 && validator !== undefined ? { offset: bytes, validator } : undefined;
}

function whyFromTheStart(range: FileRange | undefined, before: ObjectVersion, verdict: Verdict): string {
  if (!range) return "The file host names no version of the file, so the part cannot be continued.";
  const now = verdict.kind === "begin" ? verdict.version : before;
  const isOther =
    now.etag !== undefined && before.etag !== undefined
      ? now.etag !== before.etag
      : now.lastModified !== undefined && before.lastModified !== undefined && now.lastModified !== before.lastModified;
  return isOther ? "The file changed on its host." : "The file host sent the whole file instead of the rest.";
}

/** The code of a network error that is worth a retry; every other error is rethrown. */
function retryCodeOf(error: unknown, isTooSlow: boolean): string {
  if (isUntrusted(error)) throw ownFailure("TLS_FAILED", { source: "file-host" }, { cause: error });
  const code = codeOf(error);
  if (code !== undefined) return code;
  if (isTooSlow) return "TOO_SLOW";
  // The response was not HTTP: another service answered, or the connection was garbled. undici sets no code.
  if (error instanceof errors.HTTPParserError) return "NO_HTTP";
  throw error;
}

/** The address check and the proxy tunnel fail inside undici's connection, which may wrap their `Failure`. */
function failureIn(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  return error instanceof Error && error.cause !== undefined ? failureIn(error.cause) : undefined;
}

function interrupted(host: string, { code, why }: { code: string; why?: string }): Failure {
  const detail =
    why === undefined
      ? `The transfer from ${host} broke off or stalled, and every new attempt failed (last: ${code}); the part is kept.`
      : `The transfer from ${host} does not go on. ${why} Every new attempt brought the same; the part is kept.`;
  return ownFailure("TRANSFER_INTERRUPTED", { detail });
}

type RetryLimits = Pick<
  Limits,
  "attemptsWithoutProgress" | "progressBytes" | "backoffFirstMs" | "backoffMaxMs" | "retryAfterMaxMs"
>;

/** Limits the attempts that bring no progress, and spaces them with full jitter so that clients do not retry in step. */
export function createRetryBudget(limits: RetryLimits, random: () => number, startBytes: number) {
  let attempts = 0;
  let mark = startBytes;
  return {
    /** Enough progress beyond the furthest byte refills the budget: a large file may break off often. */
    reached: (bytes: number): void => {
      if (bytes - mark < limits.progressBytes) return;
      mark = bytes;
      attempts = 0;
    },
    /** Milliseconds to wait before the next attempt, or undefined when the budget is spent. */
    next: (retryAfterMs = 0): number | undefined => {
      attempts += 1;
      if (attempts > limits.attemptsWithoutProgress) return undefined;
      const backoff = random() * Math.min(limits.backoffMaxMs, limits.backoffFirstMs * 2 ** (attempts - 1));
      return Math.max(backoff, Math.min(retryAfterMs, limits.retryAfterMaxMs));
    },
  };
}
