// Judges a file host's response: take its body, follow it, finish, retry, doubt it, replace the link or give up.
import type { FailureFacts, OwnErrorCode } from "../../core/errors.ts";
import { hostOf } from "../../core/text.ts";
import { httpDate } from "../../core/time.ts";
import { type HttpResponse, headerOf } from "../../http/messages.ts";
import { retryAfterSeconds } from "../../http/retry.ts";
import { HTTP_DATE, type ObjectVersion, STORED_CODINGS, STRONG_ETAG } from "../snapshot.ts";

/** The request: bytes from `offset` on, of the version that the part belongs to, if one is known. */
export interface Asked extends ObjectVersion {
  url: URL;
  /** How many redirects led from the link to `url`. */
  redirects: number;
  offset: number;
  /** The size that the answer before this one named against the known one, for the same version. */
  otherTotal?: number;
}

/** What to do after a response. `begin`: its body is the whole file. `continue`: its body is the next bytes up to `end`. */
export type Verdict =
  | { kind: "begin"; version: ObjectVersion }
  | { kind: "continue"; end: number; total?: number }
  | { kind: "complete"; total?: number }
  | { kind: "follow"; to: URL }
  /** It does not fit the part. After the second such answer in a row, the whole file is asked for instead of the rest. */
  | { kind: "doubt"; why: string; otherTotal?: number }
  | { kind: "refresh-link"; refusal: Refusal }
  | { kind: "retry"; code: string; afterMs?: number; why?: string; otherTotal?: number }
  | { kind: "reject"; code: OwnErrorCode; facts: FailureFacts };

/** Why the file host refuses a link. */
export interface Refusal {
  status: number;
  reason: "expired" | "clock" | "signature" | "missing" | "unknown";
  /** The error code of the object store, if it is a known one. */
  code?: string;
}

interface Answer extends Pick<HttpResponse, "status" | "headers"> {
  /** The code in the error document of an object store. */
  errorXmlCode?: string | undefined;
}

interface Context {
  now: number;
  maxFileBytes: number;
}

/** S3 and Google Cloud Storage answer 400 to an expired token; the other statuses refuse the link itself. */
const LINK_REFUSED = [400, 401, 403, 404, 410];
/** The server is busy or failing; the same request may soon succeed. */
const PASSING = [408, 429, 500, 502, 503, 504];
/** The same in the words of object stores, which send some of them with 400 or 403. */
const PASSING_CODES = [
  "RequestTimeout",
  "SlowDown",
  "InternalError",
  "ServiceUnavailable",
  "ServerBusy",
  "OperationTimedOut",
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
];
/** The codes of S3, Google Cloud Storage and Azure that tell why a link is refused. */
const REASONS = new Map<string, Refusal["reason"]>([
  ["AccessDenied", "unknown"],
  ["RequestExpired", "expired"],
  ["ExpiredToken", "expired"],
  ["RequestTimeTooSkewed", "clock"],
  ["SignatureDoesNotMatch", "signature"],
  ["AuthenticationFailed", "signature"],
  ["NoSuchKey", "missing"],
  ["NoSuchBucket", "missing"],
  ["NoSuchVersion", "missing"],
  ["BlobNotFound", "missing"],
  ["ContainerNotFound", "missing"],
]);

const REDIRECTS = [301, 302, 303, 307, 308];
const MAX_REDIRECTS = 3;

/** Registered content codings (RFC 9110 §18.6) and those of Windows and old servers, by which a refusal may name what came. */
const NAMED_CODINGS = [
  "br",
  "compress",
  "deflate",
  "exi",
  "pack200-gzip",
  "x-compress",
  "zstd",
  "dcb",
  "dcz",
  "xpress",
  "lz4",
  "bzip2",
  "x-bzip2",
  "snappy",
  "xz",
];

/** RFC 9110 §8.8.2.2: a modification date this much older than the response is a strong validator. */
const STRONG_DATE_MS = 60_000;

/** Whether the status refuses the link, so that the error document in its body is worth reading. */
export function isRefusal(status: number): boolean {
  return LINK_REFUSED.includes(status);
}

/** Judges a response to the file request (RFC 9110 §14) by its headers and the code of its error document. */
export function judgeResponse(asked: Asked, answer: Answer, context: Context): Verdict {
  const { status, errorXmlCode = "" } = answer;
  if (PASSING.includes(status) || (isRefusal(status) && PASSING_CODES.includes(errorXmlCode))) {
    const seconds = retryAfterSeconds({ headers: answer.headers, json: undefined }, context.now);
    return { kind: "retry", code: `HTTP_${status}`, ...(seconds !== undefined && { afterMs: seconds * 1_000 }) };
  }
  if (isRefusal(status)) return { kind: "refresh-link", refusal: refusalOf(status, errorXmlCode) };
  if (REDIRECTS.includes(status)) return judgeRedirect(asked, answer);
  if (asked.offset > 0 && status === 416) return judgeUnsatisfied(asked, answer);
  if (asked.offset > 0 && status === 412) return doubt("The file host refuses to continue this version of the file.");
  if (status !== 200 && (status !== 206 || asked.offset === 0)) {
    return hostFailed(status, { detail: `The file host answered ${status}.` });
  }
  const codings = codingsOf(answer);
  const foreign = codings.find((coding) => !STORED_CODINGS.includes(coding));
  if (foreign !== undefined) return encoded(status, foreign);
  return status === 200 ? judgeWhole(asked, answer, codings, context) : judgeRest(asked, answer, codings, context);
}

function refusalOf(status: number, code: string): Refusal {
  const reason = REASONS.get(code);
  if (reason !== undefined) return { status, reason, code };
  return { status, reason: status === 404 || status === 410 ? "missing" : "unknown" };
}

function judgeRedirect({ url, redirects }: Asked, answer: Answer): Verdict {
  const location = headerOf(answer, "location") ?? "";
  const refused = (why: string, hint?: string): Verdict => {
    const detail = `${hostOf(url)} answered with a redirect, which is not followed: ${why}.`;
    return {
      kind: "reject",
      code: "REDIRECT_REFUSED",
      facts: {
        error: answer.status,
        source: "file-host",
        detail,
        // Only the network of this computer is for the person to mend.
        ...(hint === undefined ? { retryable: true, hint: "Call again later." } : { hint }),
      },
    };
  };
  if (location === "") return refused("it names no place to go to");
  if (!URL.canParse(location, url.href)) return refused("the place that it names is no URL");
  const to = new URL(location, url.href);
  if (url.protocol === "https:" && to.protocol === "http:") {
    return refused(
      "it leads from https to http",
      "A captive portal or proxy may have answered in place of the file host. Check the network and any proxy, then call again.",
    );
  }
  if (redirects >= MAX_REDIRECTS) return refused(`it is the one after ${MAX_REDIRECTS} others`);
  return { kind: "follow", to };
}

function codingsOf({ headers }: Answer): string[] {
  const codings = [headers["content-encoding"] ?? ""].flat().join(",").toLowerCase().split(",");
  return [...new Set(codings.map((coding) => coding.trim()))].filter(
    (coding) => coding !== "" && coding !== "identity",
  );
}

function encoded(status: number, coding: string): Verdict {
  const name = NAMED_CODINGS.includes(coding) ? coding : "a coding that this server does not know";
  return hostFailed(status, {
    retryable: false,
    detail: `What the file host sent is compressed a second time, with ${name}, although only the stored file was asked for.`,
    hint: "Find the proxy or gateway that compresses files on the way and exempt the file host from it, then call again.",
  });
}

function judgeWhole(asked: Asked, answer: Answer, codings: string[], { now, maxFileBytes }: Context): Verdict {
  const total = wholeNumber(headerOf(answer, "content-length"));
  if (total === 0)
    return { kind: "reject", code: "NOT_A_SNAPSHOT", facts: { error: 200, detail: "The file is empty." } };
  const version = { ...(total !== undefined && { total }), ...validatorsOf(answer, now) };
  if (asked.offset > 0) {
    if (total !== undefined && total > maxFileBytes) return contradiction();
    const why = doubtAboutWhole(asked, answer, version);
    if (why !== undefined) return doubt(why);
  }
  if (total !== undefined && total > maxFileBytes)
    return { kind: "reject", code: "FILE_TOO_LARGE", facts: { error: 200 } };
  return { kind: "begin", version: { ...version, ...(codings.length > 0 && { storedCoding: codings.join(", ") }) } };
}

/** Some hosts send the rest but call it the whole file, and a gateway's page is no file at all: neither may cost a part. */
function doubtAboutWhole(asked: Asked, answer: Answer, version: ObjectVersion): string | undefined {
  const { total } = version;
  const isSame = isSameVersion(asked, version);
  const isUnnamed = headerOf(answer, asked.etag === undefined ? "last-modified" : "etag") === undefined;
  if (total !== undefined && (isSame || isUnnamed) && total + asked.offset === asked.total)
    return "The file host sent only the rest of the file, and called it the whole file.";
  if (isUnnamed) return "The file host sent a whole file without naming its version, so it may be another file.";
  if (total === undefined) return "The file host sent a whole file without its length, so it may be only the rest.";
  if (total < asked.offset) return "The file host sent a whole file that is shorter than the part that is here.";
  if (isSame && asked.total === undefined)
    return "The file host sent a whole file whose length was unknown before, so it may be only the rest.";
  return isSame && total !== asked.total ? "The file host sent the same file with another length." : undefined;
}

function judgeRest(asked: Asked, answer: Answer, codings: string[], { maxFileBytes }: Context): Verdict {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(headerOf(answer, "content-range") ?? "");
  if (!match) {
    const isMultipart = /^multipart\//i.test(headerOf(answer, "content-type") ?? "");
    return doubt(
      isMultipart
        ? "The file host sent the rest as a multipart message, which cannot be appended."
        : "The file host did not say which part it sent.",
    );
  }
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  if (first !== asked.offset || last < first) return doubt("The file host sent another part than the one asked for.");
  const why = doubtAbout(asked, answer, total);
  if (why !== undefined) return doubt(why);
  if (codings.length > 0 && codings.join(", ") !== asked.storedCoding)
    return doubt("The file host sent the rest with another Content-Encoding, so it may be compressed on the way.");
  const end = last + 1;
  const known = knownTotal(asked, total);
  const length = wholeNumber(headerOf(answer, "content-length"));
  const contradictsItself = end > (total ?? end) || (length !== undefined && length !== end - first);
  if (contradictsItself || (total ?? end) > maxFileBytes) return contradiction();
  if (total !== undefined && total !== known) return contradiction(total);
  if (end > (known ?? end)) return contradiction();
  return { kind: "continue", end, ...(total !== undefined && { total }) };
}

/** One odd answer must not decide for ever how long a version is: two in a row that name the same size outvote the known one. */
function knownTotal(asked: Asked, named: number | undefined): number | undefined {
  return named !== undefined && named === asked.otherTotal ? named : (asked.total ?? named);
}

/** RFC 9110 §15.3.7: a 206 carries the validator that the 200 would have carried. Without one, nothing proves the rest. */
function doubtAbout(asked: Asked, answer: Answer, total: number | undefined): string | undefined {
  const etag = headerOf(answer, "etag");
  if (asked.etag !== undefined) {
    if (etag === asked.etag) return undefined;
    if (etag === undefined) return "The file host sent the rest without an ETag, so it may belong to another file.";
    if (etag.startsWith("W/")) return "The file host sent the rest with a weak ETag, so it may belong to another file.";
    return CHANGED;
  }
  const date = headerOf(answer, "last-modified");
  if (date === undefined) return "The file host sent the rest without its date, so it may belong to another file.";
  if (date !== asked.lastModified) return CHANGED;
  return total === undefined ? "The file host did not say how long the file is." : undefined;
}

/** A host that compares If-Range refuses only a range of the version that was asked for, so it need not name that version. */
function judgeUnsatisfied(asked: Asked, answer: Answer): Verdict {
  const named = wholeNumber(/^bytes \*\/(\d+)$/i.exec(headerOf(answer, "content-range") ?? "")?.[1]);
  if (named === undefined) return doubt("The file host refuses to send the rest.");
  const etag = headerOf(answer, "etag");
  if (asked.etag !== undefined && etag !== undefined && etag !== asked.etag) return doubt(CHANGED);
  if (named !== knownTotal(asked, named)) return contradiction(named);
  if (named === asked.offset) return { kind: "complete", total: named };
  return named > asked.offset
    ? doubt("The file host refuses to send the rest.")
    : { ...doubt("The file on its host is shorter than the part that is here."), otherTotal: named };
}

/** Whether the strong validator of the part names this version too. */
function isSameVersion(asked: ObjectVersion, version: ObjectVersion): boolean {
  if (asked.etag !== undefined) return version.etag === asked.etag;
  return asked.lastModified !== undefined && version.lastModified === asked.lastModified;
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
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/** The answer changed its mind about the size; the part is kept and the request is sent again. */
function contradiction(otherTotal?: number): Verdict {
  const why = "The file host names a size that contradicts what is known of the file.";
  return { kind: "retry", code: "CONTRADICTING_SIZE", why, ...(otherTotal !== undefined && { otherTotal }) };
}

const CHANGED = "The file changed on its host.";

function doubt(why: string): Extract<Verdict, { kind: "doubt" }> {
  return { kind: "doubt", why };
}

function hostFailed(status: number, facts: FailureFacts): Verdict {
  return { kind: "reject", code: "FILE_HOST_FAILED", facts: { error: status, ...facts } };
}
