import type { IncomingHttpHeaders } from "node:http";
import type { Reply } from "../reply.ts";
import { s3Error, s3Headers } from "./s3-errors.ts";
import type { StoredObject } from "./stored-object.ts";

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
