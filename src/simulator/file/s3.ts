import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Reply, textReply } from "../http.ts";
import { isoSeconds } from "../problems.ts";
import { LINK_LIFE_MS, type RestoreJob } from "../restore-jobs.ts";

/** Headers that S3 puts on every answer. */
export function s3Headers(): Record<string, string> {
  return {
    Server: "AmazonS3",
    "x-amz-id-2": randomBytes(48).toString("base64"),
    "x-amz-request-id": randomBytes(8).toString("hex").toUpperCase(),
  };
}

const CODE_OF_STATUS: Record<number, { code: string; message: string }> = {
  400: { code: "InvalidRequest", message: "Invalid Request" },
  403: { code: "AccessDenied", message: "Access Denied" },
  404: { code: "NoSuchKey", message: "The specified key does not exist." },
  405: { code: "MethodNotAllowed", message: "The specified method is not allowed against this resource." },
  412: {
    code: "PreconditionFailed",
    message: "At least one of the pre-conditions you specified did not hold",
  },
  416: { code: "InvalidRange", message: "The requested range is not satisfiable" },
  429: { code: "SlowDown", message: "Please reduce your request rate." },
  500: { code: "InternalError", message: "We encountered an internal error. Please try again." },
  503: { code: "SlowDown", message: "Please reduce your request rate." },
};

interface S3ErrorDetails {
  code?: string;
  message?: string;
  /** More elements, in order. */
  fields?: Record<string, string>;
  headers?: Record<string, string>;
}

/** An error document as S3 writes it. */
export function s3Error(status: number, details: S3ErrorDetails = {}): Reply {
  const usual = CODE_OF_STATUS[status] ?? { code: "ServiceUnavailable", message: "Unable to handle the request." };
  const headers = s3Headers();
  const fields = {
    Code: details.code ?? usual.code,
    Message: details.message ?? usual.message,
    ...details.fields,
    RequestId: headers["x-amz-request-id"] ?? "",
    HostId: headers["x-amz-id-2"] ?? "",
  };
  const elements = Object.entries(fields).map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`);
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join("")}</Error>`;
  return textReply(status, "application/xml", text, { ...headers, ...details.headers });
}

/** What an expired link is answered with. */
export function expiredReply(expiredAt: number, now: number): Reply {
  return s3Error(403, {
    message: "Request has expired",
    fields: { "X-Amz-Expires": "14400", Expires: isoSeconds(expiredAt), ServerTime: isoSeconds(now) },
  });
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Known to this program only in the sense that nobody else needs it: a link of one process works in the next. */
const SIGNING_KEY = "simulated-signing-key";

export interface LinkSigner {
  sign: (job: RestoreJob) => string;
  /** Links handed out before stop working. */
  expireLinks: () => void;
  judge: (url: URL) => LinkVerdict;
}

type LinkVerdict =
  | { kind: "valid"; snapshotId: string }
  | { kind: "incomplete" }
  | { kind: "altered" }
  | { kind: "expired"; expiredAt: number };

/** Links shaped like pre-signed ones of Amazon S3 (Signature Version 4 in the query); the signature is really checked. */
export function createLinkSigner(options: { now: () => number; baseUrl: () => string }): LinkSigner {
  const { now, baseUrl } = options;
  const handedOut = new Set<string>();
  const expired = new Set<string>();

  return {
    expireLinks: () => {
      for (const id of handedOut) expired.add(id);
    },
    sign: ({ id, cluster, snapshot, createdAt }) => {
      handedOut.add(id);
      const url = new URL(`/files/${cluster.groupId}/${cluster.name}/${snapshot.id}.tgz`, baseUrl());
      const date = new Date(createdAt).toISOString().replace(/[-:]|\.\d+/g, "");
      url.search = new URLSearchParams({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": `AKIASIMULATED/${date.slice(0, 8)}/eu-west-1/s3/aws4_request`,
        "X-Amz-Date": date,
        "X-Amz-Expires": String(LINK_LIFE_MS / 1_000),
        "X-Amz-Security-Token": id,
        "X-Amz-SignedHeaders": "host",
      }).toString();
      url.searchParams.set("X-Amz-Signature", signatureOf(url));
      return url.href;
    },
    judge: (url) => {
      const parameters = url.searchParams;
      const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(parameters.get("X-Amz-Date") ?? "");
      const signature = parameters.get("X-Amz-Signature");
      const snapshotId = /\/([a-f0-9]{24})\.tgz$/.exec(url.pathname)?.[1];
      if (!date || !signature || !snapshotId) return { kind: "incomplete" };
      if (!isEqual(signature, signatureOf(url))) return { kind: "altered" };
      const [year = 0, month = 1, ...rest] = date.slice(1).map(Number);
      const signedAt = Date.UTC(year, month - 1, ...rest);
      const expiredAt = signedAt + Number(parameters.get("X-Amz-Expires")) * 1_000;
      if (expiredAt <= now()) return { kind: "expired", expiredAt };
      const isDead = expired.has(parameters.get("X-Amz-Security-Token") ?? "");
      return isDead ? { kind: "expired", expiredAt: now() } : { kind: "valid", snapshotId };
    },
  };
}

function signatureOf(url: URL): string {
  const signed = new URL(url);
  signed.searchParams.delete("X-Amz-Signature");
  return createHmac("sha256", SIGNING_KEY).update(`GET\n${signed.pathname}\n${signed.searchParams}`).digest("hex");
}

function isEqual(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Half open: `end` is the first byte after it. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * A GET of an object by RFC 9110: preconditions (section 13.2.2), then If-Range, then a single Range (section 14.2).
 * Several ranges are ignored, which the RFC allows and S3 does.
 */
export function replyWith(object: StoredObject, headers: IncomingHttpHeaders): Reply {
  const { etag, lastModified, length } = object;
  if (headers["if-match"] !== undefined && !lists(headers["if-match"], etag)) {
    return s3Error(412, { fields: { Condition: "If-Match" } });
  }
  if (headers["if-match"] === undefined && isAfter(lastModified, headers["if-unmodified-since"])) {
    return s3Error(412, { fields: { Condition: "If-Unmodified-Since" } });
  }
  if (headers["if-none-match"] !== undefined && lists(headers["if-none-match"].replace(/\bW\//g, ""), etag)) {
    return { status: 304, headers: { ...s3Headers(), ETag: etag }, body: [], length: 0, framing: "length" };
  }
  const range = isSame(headers["if-range"], object) ? parseRange(headers.range, length) : undefined;
  if (range === "unsatisfiable") {
    return s3Error(416, {
      fields: { RangeRequested: headers.range ?? "", ActualObjectSize: String(length) },
      headers: { "Content-Range": `bytes */${length}` },
    });
  }
  return range ? partReply(object, range) : wholeReply(object);
}

function wholeReply(object: StoredObject): Reply {
  return {
    status: 200,
    headers: objectHeaders(object),
    body: object.read(0, object.length),
    length: object.length,
    framing: "length",
  };
}

export function partReply(object: StoredObject, { start, end }: ByteRange): Reply {
  return {
    status: 206,
    headers: { ...objectHeaders(object), "Content-Range": `bytes ${start}-${end - 1}/${object.length}` },
    body: object.read(start, end),
    length: end - start,
    framing: "length",
  };
}

function objectHeaders({ etag, lastModified, contentType }: StoredObject): Record<string, string> {
  return {
    ...s3Headers(),
    "Accept-Ranges": "bytes",
    "Content-Type": contentType,
    ETag: etag,
    "Last-Modified": new Date(lastModified).toUTCString(),
    "x-amz-server-side-encryption": "AES256",
  };
}

/** The one range asked for; undefined when the header is absent, malformed or names several. */
export function parseRange(header: string | undefined, length: number): ByteRange | "unsatisfiable" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (!match || (first === "" && last === "")) return undefined;
  if (first === "") {
    const start = Math.max(0, length - Number(last));
    return Number(last) === 0 || length === 0 ? "unsatisfiable" : { start, end: length };
  }
  if (last !== "" && Number(last) < Number(first)) return undefined;
  if (Number(first) >= length) return "unsatisfiable";
  return { start: Number(first), end: last === "" ? length : Math.min(length, Number(last) + 1) };
}

/** RFC 9110 section 13.1.5: strong comparison of ETags, exact comparison of dates; without the header there is nothing to compare. */
function isSame(ifRange: string | string[] | undefined, { etag, lastModified }: StoredObject): boolean {
  if (ifRange === undefined) return true;
  return ifRange === etag || Date.parse(String(ifRange)) === lastModified;
}

function lists(header: string, etag: string): boolean {
  return header.split(",").some((entry) => entry.trim() === "*" || entry.trim() === etag);
}

function isAfter(lastModified: number, since: string | undefined): boolean {
  return since !== undefined && lastModified > Date.parse(since);
}

/** One object of the file host, readable from any offset without being held in memory. */
export interface StoredObject {
  length: number;
  /** Strong, quotes included. */
  etag: string;
  /** Milliseconds since the epoch, whole seconds. */
  lastModified: number;
  contentType: string;
  /** The bytes from `start` up to, but without, `end`. */
  read: (start: number, end: number) => Iterable<Uint8Array>;
}

export function objectOfBytes(
  bytes: Uint8Array,
  facts: Pick<StoredObject, "etag" | "lastModified" | "contentType">,
): StoredObject {
  return { ...facts, length: bytes.length, read: (start, end) => [bytes.subarray(start, end)] };
}
