import type { FailureFacts, OwnErrorCode } from "../../core/errors.ts";
import { httpDate } from "../../core/time.ts";
import { retryAfterSeconds } from "../../http/retry.ts";
import { type HttpResponse, headerOf } from "../../http/send.ts";
import { HTTP_DATE, type ObjectVersion, STRONG_ETAG } from "../snapshot.ts";

/** What the request asked for: bytes from `offset` on of the version already known, if any. */
export interface Asked extends ObjectVersion {
  offset: number;
}

/** What to do with a response. `begin` takes its body from the first byte on, whatever was there before. */
export type Verdict =
  | { word: "begin"; version: ObjectVersion }
  | { word: "continue"; total: number }
  | { word: "complete" }
  | { word: "discard"; why: string }
  | { word: "refresh-link"; status: number }
  | { word: "retry"; status: number; afterMs?: number }
  | { word: "reject"; code: OwnErrorCode; facts: FailureFacts };

type Answer = Pick<HttpResponse, "status" | "headers">;

/** 400 is how S3 and Google Cloud Storage answer an expired token; the others are refusals of the link itself. */
const LINK_REFUSED = [400, 401, 403, 404, 410];
/** A busy or failing server; the same request may work in a moment. */
const PASSING = [408, 429, 500, 502, 503, 504];
/** RFC 9110 §8.8.2.2: a modification date this much older than the answer is strong enough to be a validator. */
const STRONG_DATE_MS = 60_000;

/** Judges the headers of a response to the file request (RFC 9110 §14). */
export function judgeResponse(asked: Asked, answer: Answer, edge: { now: number; maxFileBytes: number }): Verdict {
  const { status } = answer;
  const header = (name: string) => headerOf(answer, name);
  if (LINK_REFUSED.includes(status)) return { word: "refresh-link", status };
  if (PASSING.includes(status)) {
    const seconds = retryAfterSeconds({ headers: answer.headers, json: undefined }, edge.now);
    return { word: "retry", status, ...(seconds !== undefined && { afterMs: seconds * 1_000 }) };
  }
  if (status >= 300 && status < 400) {
    const hint =
      "Something between this computer and the file host redirects the request. Check the network and any proxy.";
    return { word: "reject", code: "REDIRECT_REFUSED", facts: { error: status, source: "file-host", hint } };
  }
  if (status === 416) return judgeUnsatisfied(asked, header("content-range"));
  if (status === 412) return { word: "discard", why: "The file changed on its host." };
  const encoding = header("content-encoding")?.trim().toLowerCase();
  if ((status === 200 || status === 206) && encoding && encoding !== "identity") {
    return hostFailed(status, "The file host encoded the file although it was asked not to.");
  }
  if (status === 200) return judgeWhole(answer, edge);
  if (status === 206 && asked.offset > 0) return judgeRest(asked, answer, edge);
  return hostFailed(status, `The file host answered ${status}.`);
}

function judgeWhole(answer: Answer, { now, maxFileBytes }: { now: number; maxFileBytes: number }): Verdict {
  const total = wholeNumber(headerOf(answer, "content-length"));
  if (total === 0)
    return { word: "reject", code: "NOT_A_SNAPSHOT", facts: { error: 200, detail: "The file is empty." } };
  if (total !== undefined && total > maxFileBytes) return tooLarge(total);
  return { word: "begin", version: { ...(total !== undefined && { total }), ...validatorsOf(answer, now) } };
}

function judgeRest(asked: Asked, answer: Answer, { maxFileBytes }: { maxFileBytes: number }): Verdict {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(headerOf(answer, "content-range") ?? "");
  if (!match) return { word: "discard", why: "The file host did not say which part it sent." };
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (total > maxFileBytes) return tooLarge(total);
  const length = wholeNumber(headerOf(answer, "content-length"));
  const exact =
    first === asked.offset &&
    last === total - 1 &&
    (asked.total === undefined || asked.total === total) &&
    (length === undefined || length === total - first);
  if (!exact) return { word: "discard", why: "The file host sent another part than the one asked for." };
  // RFC 9110 §15.3.7: a 206 carries the validator that the 200 would have carried.
  const same = asked.etag !== undefined ? headerOf(answer, "etag") === asked.etag : sameDate(asked, answer);
  return same ? { word: "continue", total } : { word: "discard", why: "The file changed on its host." };
}

function sameDate(asked: Asked, answer: Answer): boolean {
  const date = headerOf(answer, "last-modified");
  return date === undefined || date === asked.lastModified;
}

function judgeUnsatisfied(asked: Asked, contentRange: string | undefined): Verdict {
  const total = /^bytes \*\/(\d+)$/i.exec(contentRange ?? "")?.[1];
  if (total !== undefined && Number(total) === asked.offset && (asked.total ?? asked.offset) === asked.offset) {
    return { word: "complete" };
  }
  return { word: "discard", why: "The file host has no such part." };
}

/** What identifies this version of the file for a later resume. */
function validatorsOf(answer: Answer, now: number): ObjectVersion {
  const etag = headerOf(answer, "etag");
  const modified = headerOf(answer, "last-modified");
  const date = httpDate(headerOf(answer, "date") ?? "") ?? now;
  const age = date - (httpDate(modified ?? "") ?? Number.POSITIVE_INFINITY);
  const md5 = md5Of(answer, etag);
  return {
    ...(etag !== undefined && STRONG_ETAG.test(etag) && { etag }),
    ...(modified !== undefined && HTTP_DATE.test(modified) && age >= STRONG_DATE_MS && { lastModified: modified }),
    ...(md5 !== undefined && { md5 }),
  };
}

/** S3's ETag is the MD5 of an object stored in one piece, unless it is encrypted with a key of the customer's. */
function md5Of(answer: Answer, etag: string | undefined): string | undefined {
  const byKey = headerOf(answer, "x-amz-server-side-encryption")?.startsWith("aws:kms");
  const byCustomer = headerOf(answer, "x-amz-server-side-encryption-customer-algorithm") !== undefined;
  return byKey || byCustomer ? undefined : /^"([a-f0-9]{32})"$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}

function wholeNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function tooLarge(total: number): Verdict {
  return { word: "reject", code: "FILE_TOO_LARGE", facts: { detail: `The file host announces ${total} bytes.` } };
}

function hostFailed(status: number, detail: string): Verdict {
  return { word: "reject", code: "FILE_HOST_FAILED", facts: { error: status, detail } };
}
