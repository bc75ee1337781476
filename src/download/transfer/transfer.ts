import { errors } from "undici";
import { codeOf, Failure, ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import { isUntrusted } from "../../http/dispatchers.ts";
import type { SnapshotLink, StoreEvent } from "../contract.ts";
import type { LocalCopy } from "../folder/local-copy.ts";
import type { Limits } from "../limits.ts";
import type { FileRange, FileRequester } from "./file-request.ts";
import { checkLink, type HostPolicy } from "./host-policy.ts";
import type { LinkKeeper } from "./link-keeper.ts";
import { receiveRest, receiveWhole, watchSpeed } from "./receive.ts";
import { judgeResponse, type Verdict } from "./response-judge.ts";

export interface Transfer {
  copy: LocalCopy;
  /** The link to use for the next request. */
  nextLink: (signal: AbortSignal) => Promise<SnapshotLink>;
  links: Pick<LinkKeeper, "refuse" | "reached">;
  requester: FileRequester;
  policy: HostPolicy;
  clock: Clock;
  limits: Limits;
  onBytes: (bytes: number) => void;
  /** The connection broke after bytes were saved. */
  onInterruption: () => void;
  warn: (warning: string) => void;
  log: (event: Omit<StoreEvent, "snapshotId" | "fileName">) => void;
}

/** What one request came to. */
type Step =
  | { word: "received" }
  | { word: "again"; code: string; afterMs?: number | undefined }
  | { word: "link-refused"; status: number }
  | { word: "discard"; why: string };

/** How often a part that does not fit its file is given up in one run. */
const MAX_DISCARDS = 1;

/** Brings every byte of the file into the local copy. Rejects with a `Failure`, or with the signal's reason when aborted. */
export async function transferFile(transfer: Transfer, signal: AbortSignal): Promise<void> {
  const { copy, links, clock, limits, log } = transfer;
  const budget = createRetryBudget(limits, clock.random, copy.bytes);
  let discards = 0;
  while (!copy.isComplete) {
    const link = await transfer.nextLink(signal);
    const url = checkLink(link.url, transfer.policy);
    const step = await attempt(transfer, url, signal);
    budget.reached(copy.bytes);
    links.reached(copy.bytes);
    switch (step.word) {
      case "received":
        await copy.complete();
        break;
      case "link-refused":
        log({ event: "link-refused", host: url.host, status: step.status });
        await links.refuse(step.status);
        break;
      case "discard":
        log({ event: "transfer-started-over", host: url.host, bytes: copy.bytes, why: step.why });
        discards += 1;
        if (discards > MAX_DISCARDS) throw ownFailure("FILE_HOST_FAILED", { detail: step.why });
        transfer.warn(`${step.why} The transfer started over.`);
        await copy.startOver({});
        break;
      case "again": {
        const delayMs = budget.next(step.afterMs);
        if (delayMs === undefined) throw interrupted(url.host, step.code);
        log({ event: "transfer-retried", host: url.host, bytes: copy.bytes, code: step.code, delayMs });
        if (copy.bytes > 0) transfer.onInterruption();
        await clock.sleep(delayMs, signal);
        break;
      }
      default:
        step satisfies never;
    }
  }
}

async function attempt(transfer: Transfer, url: URL, signal: AbortSignal): Promise<Step> {
  const { copy, requester, limits, clock, log } = transfer;
  const watch = watchSpeed(limits, clock);
  try {
    const range = rangeOf(copy);
    const response = await requester.get(url, range, AbortSignal.any([signal, watch.signal]));
    const asked = { ...copy.version, offset: range?.offset ?? 0 };
    const verdict = judgeResponse(asked, response, { now: clock.now(), maxFileBytes: limits.maxFileBytes });
    log({ event: "file-host-answered", host: url.host, status: response.status, bytes: asked.offset });
    if (verdict.word !== "begin" && verdict.word !== "continue") {
      response.body.drop();
      return stepOf(verdict);
    }
    const receiver = { copy, watch, limits, onBytes: transfer.onBytes };
    const onBegin = () => {
      if (copy.bytes > 0) transfer.warn(whyFromTheStart(range));
    };
    const end =
      verdict.word === "begin"
        ? await receiveWhole(response.body, verdict.version, receiver, onBegin)
        : await receiveRest(response.body, verdict.total, receiver);
    if (end === "overrun") return { word: "discard", why: "The file host sent more bytes than it announced." };
    return end === "received" ? { word: "received" } : { word: "again", code: "CUT" };
  } catch (error) {
    signal.throwIfAborted();
    return networkStep(error, watch.signal.aborted);
  } finally {
    watch.stop();
  }
}

/** RFC 9110 §13.1.5: without a validator nothing proves that the rest belongs to what is there, so there is no range. */
function rangeOf({ bytes, version }: LocalCopy): FileRange | undefined {
  const validator = version.etag ?? version.lastModified;
  return bytes > 0 && validator !== undefined ? { offset: bytes, validator } : undefined;
}

function whyFromTheStart(range: FileRange | undefined): string {
  return range
    ? "The file changed on its host, or the host sends whole files only: the transfer started over."
    : "The file host names no version of the file, so an interrupted transfer starts over.";
}

function stepOf(verdict: Exclude<Verdict, { word: "begin" | "continue" }>): Step {
  switch (verdict.word) {
    case "complete":
      return { word: "received" };
    case "refresh-link":
      return { word: "link-refused", status: verdict.status };
    case "retry":
      return { word: "again", code: `HTTP_${verdict.status}`, afterMs: verdict.afterMs };
    case "discard":
      return verdict;
    case "reject":
      throw ownFailure(verdict.code, verdict.facts);
  }
}

function networkStep(error: unknown, tooSlow: boolean): Step {
  const failure = failureIn(error);
  if (failure) throw failure;
  const code = codeOf(error) ?? (tooSlow ? "TOO_SLOW" : isNoHttp(error) ? "NO_HTTP" : undefined);
  if (code === undefined) throw error;
  if (isUntrusted(error)) throw ownFailure("TLS_FAILED", { source: "file-host" }, { cause: error });
  return { word: "again", code };
}

/** What came is no HTTP, which undici gives no code: something else answered, or the connection was garbled. */
function isNoHttp(error: unknown): boolean {
  return error instanceof errors.HTTPParserError;
}

/** The address check and the proxy's tunnel fail inside the connection, so what they say may arrive wrapped. */
function failureIn(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  return error instanceof Error && error.cause !== undefined ? failureIn(error.cause) : undefined;
}

function interrupted(host: string, code: string): Failure {
  return ownFailure("TRANSFER_INTERRUPTED", {
    detail: `The transfer from ${host} broke off or stalled, and every new attempt failed (last: ${code}); the part is kept.`,
  });
}

interface RetryBudget {
  /** Attempts count from anew after enough progress beyond the furthest byte so far: a large file may break off often. */
  reached: (bytes: number) => void;
  /** Milliseconds to wait before the next attempt, or undefined when the budget is spent. */
  next: (retryAfterMs?: number) => number | undefined;
}

type RetryLimits = Pick<
  Limits,
  "attemptsWithoutProgress" | "progressBytes" | "backoffFirstMs" | "backoffMaxMs" | "retryAfterMaxMs"
>;

/** Full jitter: clients that lost the same server do not come back at the same moment. */
export function createRetryBudget(limits: RetryLimits, random: () => number, startBytes: number): RetryBudget {
  let attempts = 0;
  let mark = startBytes;
  return {
    reached: (bytes) => {
      if (bytes - mark < limits.progressBytes) return;
      mark = bytes;
      attempts = 0;
    },
    next: (retryAfterMs) => {
      attempts += 1;
      if (attempts > limits.attemptsWithoutProgress) return undefined;
      const backoff = random() * Math.min(limits.backoffMaxMs, limits.backoffFirstMs * 2 ** (attempts - 1));
      return Math.max(backoff, Math.min(retryAfterMs ?? 0, limits.retryAfterMaxMs));
    },
  };
}
