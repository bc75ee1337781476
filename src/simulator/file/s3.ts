// How S3 answers for one object: error documents, preconditions and byte ranges.
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Reply, textReply } from "../http.ts";
import { LINK_LIFE_MS } from "../restore-jobs.ts";
import { isoSeconds } from "../world.ts";

/** One object of the file host. It can be read from any offset; a large object is never in memory as a whole. */
export interface StoredObject {
  length: number;
  /** Strong, including the quotes. */
  etag: string;
  /** Milliseconds since the epoch, whole seconds. */
  lastModified: number;
  contentType: string;
  /** The bytes from `start` to `end` - 1. */
  read: (start: number, end: number) => Iterable<Uint8Array>;
}

/** `end` is the first byte after the range. */
interface ByteRange {
  start: number;
  end: number;
}

/**
 * A GET of an object by RFC 9110: preconditions (section 13.2.2), then If-Range, then a single Range (section 14.2).
 * A request for several ranges gets the whole object, which the RFC allows and S3 does.
 */
export function replyWith(object: StoredObject, headers: IncomingHttpHeaders): Reply {
  const { etag, lastModified, length } = object;
  if (headers["if-match"] !== undefined && !namesEtag(headers["if-match"], etag)) {
    return s3Error(412, { fields: { Condition: "If-Match" } });
  }
  if (headers["if-match"] === undefined && isAfter(lastModified, headers["if-unmodified-since"])) {
    return s3Error(412, { fields: { Condition: "If-Unmodified-Since" } });
  }
  if (headers["if-none-match"] !== undefined && namesEtag(headers["if-none-match"].replace(/\bW\//g, ""), etag)) {
    return { status: 304, headers: { ...s3Headers(), ETag: etag }, body: [], length: 0, framing: "length" };
  }
  const range = isSame(headers["if-range"], object) ? parseRange(headers.range, length) : undefined;
  if (range === "unsatisfiable") {
    return s3Error(416, {
      fields: { RangeRequested: headers.range ?? "", ActualObjectSize: String(length) },
      headers: { "Content-Range": `bytes */${length}` },
    });
  }
  if (range) return partReply(object, range);
  return { status: 200, headers: objectHeaders(object), body: object.read(0, length), length, framing: "length" };
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

/** The requested range; undefined if the header is absent, malformed or names several ranges. */
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

/** RFC 9110 section 13.1.5: ETags are compared strongly, dates exactly. Without If-Range, the range always counts. */
function isSame(ifRange: string | string[] | undefined, { etag, lastModified }: StoredObject): boolean {
  if (ifRange === undefined) return true;
  return ifRange === etag || Date.parse(String(ifRange)) === lastModified;
}

function namesEtag(header: string, etag: string): boolean {
  return header.split(",").some((entry) => entry.trim() === "*" || entry.trim() === etag);
}

function isAfter(lastModified: number, since: string | undefined): boolean {
  return since !== undefined && lastModified > Date.parse(since);
}

const ERROR_OF_STATUS: Record<number, { code: string; message: string }> = {
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
  const usual = ERROR_OF_STATUS[status] ?? { code: "ServiceUnavailable", message: "Unable to handle the request." };
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

/** The answer to an expired link. */
export function expiredReply(expiredAt: number, now: number): Reply {
  return s3Error(403, {
    message: "Request has expired",
    fields: {
      "X-Amz-Expires": String(LINK_LIFE_MS / 1_000),
      Expires: isoSeconds(expiredAt),
      ServerTime: isoSeconds(now),
    },
  });
}

/** Headers that S3 puts on every answer. */
export function s3Headers(): Record<string, string> {
  return {
    Server: "AmazonS3",
    "x-amz-id-2": randomBytes(48).toString("base64"),
    "x-amz-request-id": randomBytes(8).toString("hex").toUpperCase(),
  };
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
