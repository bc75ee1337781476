// Judges the headers of the file host's response: take its body, finish, retry, start over, replace the link or give up.
import type { FailureFacts, OwnErrorCode } from "../../core/errors.ts";
import { httpDate } from "../../core/time.ts";
import { type HttpResponse, headerOf } from "../../http/messages.ts";
import { retryAfterSeconds } from "../../http/retry.ts";
import { HTTP_DATE, type ObjectVersion, STRONG_ETAG } from "../snapshot.ts";

/** The request: bytes from `offset` on, of the version that the part belongs to, if one is known. */
export interface Asked extends ObjectVersion {
  offset: number;
}

/** What to do after a response. `begin`: its body is the whole file. `continue`: its body is the rest of the part. */
export type Verdict =
  | { kind: "begin"; version: ObjectVersion }
  | { kind: "continue"; total: number }
  | { kind: "complete" }
  | { kind: "discard"; why: string }
  | { kind: "refresh-link"; status: number }
  | { kind: "retry"; code: string; afterMs?: number }
  | { kind: "reject"; code: OwnErrorCode; facts: FailureFacts };

type Answer = Pick<HttpResponse, "status" | "headers">;

interface Context {
  now: number;
  maxFileBytes: number;
}

/** S3 and Google Cloud Storage answer 400 to an expired token; the other statuses refuse the link itself. */
const LINK_REFUSED = [400, 401, 403, 404, 410];
/** The server is busy or failing; the same request may soon succeed. */
const PASSING = [408, 429, 500, 502, 503, 504];
/** RFC 9110 §8.8.2.2: a modification date this much older than the response is a strong validator. */
const STRONG_DATE_MS = 60_000;

/** Judges the headers of a response to the file request (RFC 9110 §14). */
export function judgeResponse(asked: Asked, answer: Answer, context: Context): Verdict {
  const { status } = answer;
  const header = (name: string) => headerOf(answer, name);
  if (LINK_REFUSED.includes(status)) return { kind: "refresh-link", status };
  if (PASSING.includes(status)) {
    const seconds = retryAfterSeconds({ headers: answer.headers, json: undefined }, context.now);
    return { kind: "retry", code: `HTTP_${status}`, ...(seconds !== undefined && { afterMs: seconds * 1_000 }) };
  }
  if (status >= 300 && status < 400) {
    const hint =
      "Something between this computer and the file host redirects the request. Check the network and any proxy.";
    return { kind: "reject", code: "REDIRECT_REFUSED", facts: { error: status, source: "file-host", hint } };
  }
  if (status === 416) return judgeUnsatisfied(asked, header("content-range"));
  if (status === 412) return { kind: "discard", why: "The file changed on its host." };
  const encoding = header("content-encoding")?.trim().toLowerCase();
  if ((status === 200 || status === 206) && encoding && encoding !== "identity") {
    return hostFailed(status, "The file host encoded the file although it was asked not to.");
  }
  if (status === 200) return judgeWhole(answer, context);
  if (status === 206 && asked.offset > 0) return judgeRest(asked, answer, context);
  return hostFailed(status, `The file host answered ${status}.`);
}

function judgeWhole(answer: Answer, { now, maxFileBytes }: Context): Verdict {
  const total = wholeNumber(headerOf(answer, "content-length"));
  if (total === 0)
    return { kind: "reject", code: "NOT_A_SNAPSHOT", facts: { error: 200, detail: "The file is empty." } };
  if (total !== undefined && total > maxFileBytes) return tooLarge(total);
  return { kind: "begin", version: { ...(total !== undefined && { total }), ...validatorsOf(answer, now) } };
}

function judgeRest(asked: Asked, answer: Answer, { maxFileBytes }: Context): Verdict {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(headerOf(answer, "content-range") ?? "");
  if (!match) return { kind: "discard", why: "The file host did not say which part it sent." };
  const [first, last, total] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (total > maxFileBytes) return tooLarge(total);
  const length = wholeNumber(headerOf(answer, "content-length"));
  const exact =
    first === asked.offset &&
    last === total - 1 &&
    (asked.total === undefined || asked.total === total) &&
    (length === undefined || length === total - first);
  if (!exact) return { kind: "discard", why: "The file host sent another part than the one asked for." };
  // RFC 9110 §15.3.7: a 206 carries the validator that the 200 would have carried.
  const same = asked.etag !== undefined ? headerOf(answer, "etag") === asked.etag : sameDate(asked, answer);
  return same ? { kind: "continue", total } : { kind: "discard", why: "The file changed on its host." };
}

function sameDate(asked: Asked, answer: Answer): boolean {
  const date = headerOf(answer, "last-modified");
  return date === undefined || date === asked.lastModified;
}

function judgeUnsatisfied(asked: Asked, contentRange: string | undefined): Verdict {
  const total = /^bytes \*\/(\d+)$/i.exec(contentRange ?? "")?.[1];
  if (total !== undefined && Number(total) === asked.offset && (asked.total ?? asked.offset) === asked.offset) {
    return { kind: "complete" };
  }
  return { kind: "discard", why: "The file host has no such part." };
}

/** The validators of this version of the file, for a later resume. */
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

/** S3's ETag is the MD5 of an object uploaded in one piece, unless KMS or a customer's key encrypts it. */
function md5Of(answer: Answer, etag: string | undefined): string | undefined {
  const byKey = headerOf(answer, "x-amz-server-side-encryption")?.startsWith("aws:kms");
  const byCustomer = headerOf(answer, "x-amz-server-side-encryption-customer-algorithm") !== undefined;
  return byKey || byCustomer ? undefined : /^"([a-f0-9]{32})"$/i.exec(etag ?? "")?.[1]?.toLowerCase();
}

function wholeNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function tooLarge(total: number): Verdict {
  return { kind: "reject", code: "FILE_TOO_LARGE", facts: { detail: `The file host announces ${total} bytes.` } };
}

function hostFailed(status: number, detail: string): Verdict {
  return { kind: "reject", code: "FILE_HOST_FAILED", facts: { error: status, detail } };
}
