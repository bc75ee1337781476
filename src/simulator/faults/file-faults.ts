import type { IncomingHttpHeaders } from "node:http";
import {
  type ByteRange,
  expiredReply,
  parseRange,
  partReply,
  replyWith,
  type StoredObject,
  s3Error,
  s3Headers,
} from "../file/s3.ts";
import { type Reply, textReply } from "../http.ts";
import { type Fault, has, retryAfterHeader } from "./orders.ts";

interface FileFaultContext {
  now: number;
  /** Somewhere a client must not follow to. */
  elsewhere: string;
}

const LOGIN_PAGE =
  "<!doctype html><html><head><title>Sign in</title></head><body><form>Guest network</form></body></html>";

/** The ordered faults that concern how a file is sent, one after the other. */
export function alterFileReply(faults: Fault[], reply: Reply, context: FileFaultContext): Reply {
  let altered = reply;
  for (const fault of faults) {
    altered =
      fault.kind === "status"
        ? ofStatus(fault, altered, context)
        : alterOnce(fault.word, fault.value, altered, context);
  }
  return altered;
}

function ofStatus(
  fault: Extract<Fault, { kind: "status" }>,
  reply: Reply,
  { now, elsewhere }: FileFaultContext,
): Reply {
  const { status = 500, errorCode, retryAfter = status === 429 ? 1 : "none" } = fault;
  if (status < 300) return { ...reply, status };
  const headers = { ...retryAfterHeader(retryAfter, now), ...(status < 400 ? { Location: elsewhere } : {}) };
  return s3Error(status, errorCode === undefined ? { headers } : { headers, code: errorCode });
}

function alterOnce(word: string, value: number, reply: Reply, { now, elsewhere }: FileFaultContext): Reply {
  switch (word) {
    case "hang":
      return { ...reply, silence: "hang" };
    case "reset-before":
      return { ...reply, silence: "reset" };
    case "slow-headers":
      return { ...reply, headersAfterMs: value };
    case "trickle":
      return { ...reply, byteEveryMs: value };
    case "slow":
      return { ...reply, bytesPerSecond: value };
    case "cut":
      return { ...reply, end: { afterBytes: offsetIn(reply, value), by: "closing" } };
    case "reset":
      return { ...reply, end: { afterBytes: offsetIn(reply, value), by: "reset" } };
    case "stall":
      return { ...reply, end: { afterBytes: offsetIn(reply, value), by: "stalling" } };
    case "chunked":
      return { ...reply, framing: "chunked" };
    case "chunked-cut":
      return { ...reply, framing: "chunked", end: { afterBytes: offsetIn(reply, value), by: "closing" } };
    case "close-delimited":
      return { ...reply, framing: "close" };
    case "early-hints":
      return { ...reply, preliminary: true };
    case "longer":
      return { ...reply, body: sequence(reply.body, [Buffer.alloc(ODD_BYTES, "x")]) };
    case "no-etag":
      return without(without(reply, "ETag"), "Last-Modified");
    case "last-modified-only":
      return without(reply, "ETag");
    case "weak-etag":
      return withHeaders(reply, { ETag: `W/${reply.headers.ETag}` });
    case "content-encoding":
      return withHeaders(reply, { "Content-Encoding": "gzip" });
    case "xml":
      return s3Error(200, { code: "AccessDenied", message: "Access Denied" });
    case "html":
      return textReply(200, "text/html;charset=utf-8", LOGIN_PAGE);
    case "empty":
      return { ...reply, body: [], length: 0, framing: "chunked" };
    case "zero-length":
      return { ...reply, body: [], length: 0 };
    case "redirect":
      return textReply(value, "text/html", "", { ...s3Headers(), Location: elsewhere });
    case "expired":
      return expiredReply(now, now);
    default:
      return reply;
  }
}

/** An offset below zero counts from the end of the body. */
function offsetIn({ length }: Reply, offset: number): number {
  return offset < 0 ? Math.max(0, length + offset) : offset;
}

function withHeaders(reply: Reply, headers: Reply["headers"]): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

function without(reply: Reply, name: string): Reply {
  const { [name]: removed, ...headers } = reply.headers;
  return { ...reply, headers };
}

/** By how much `shorter` and `longer` differ from the truth. */
const ODD_BYTES = 1_000;

/** The object as a fault shows it: cut short with a length that fits, or with one bit of it flipped. */
export function alterObject(faults: Fault[], object: StoredObject): StoredObject {
  let altered = object;
  for (const fault of faults) {
    if (fault.kind === "word" && fault.word === "flip") altered = flipped(altered, fault.value);
  }
  if (has(faults, "shorter")) {
    altered = { ...altered, length: Math.max(Math.floor(object.length / 2), object.length - ODD_BYTES) };
  }
  return altered;
}

function flipped(object: StoredObject, offset: number): StoredObject {
  const position = offset < 0 ? object.length + offset : offset;
  return {
    ...object,
    read: function* (start, end) {
      let at = start;
      for (const chunk of object.read(start, end)) {
        yield position >= at && position < at + chunk.length ? withFlippedBit(chunk, position - at) : chunk;
        at += chunk.length;
      }
    },
  };
}

/** A copy: the chunk may belong to a block that other files share. */
function withFlippedBit(chunk: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(chunk);
  copy[index] = (copy[index] ?? 0) ^ 0x10;
  return copy;
}

/** These say something only about a request for a range, and wait for one. */
const ABOUT_RANGES = [
  "ignore-range",
  "wrong-range-start",
  "wrong-range-end",
  "wrong-range-total",
  "wrong-range-etag",
  "no-content-range",
  "multipart-range",
  "416-equal",
  "416-other",
];

export function appliesToRange(faults: Fault[], range: string | undefined): boolean {
  const needsRange = ABOUT_RANGES.some((word) => has(faults, word));
  return range === undefined ? !needsRange : !has(faults, "206-fresh");
}

/** The answer to a GET, with whatever was ordered about ranges. */
export function replyInRanges(faults: Fault[], object: StoredObject, headers: IncomingHttpHeaders): Reply {
  if (has(faults, "206-fresh")) return partReply(object, { start: 0, end: object.length });
  if (has(faults, "ignore-range")) return replyWith(object, { ...headers, range: undefined });
  const reply = replyWith(object, headers);
  const range = parseRange(headers.range, object.length);
  if (reply.status !== 206 || range === undefined || range === "unsatisfiable") return reply;
  if (has(faults, "416-equal")) return s3Error(416, { headers: { "Content-Range": `bytes */${range.start}` } });
  if (has(faults, "416-other")) return s3Error(416, { headers: { "Content-Range": `bytes */${object.length}` } });
  // These are true about themselves: the body is the range that Content-Range names, only not the one asked for.
  if (has(faults, "wrong-range-start")) return partReply(object, { ...range, start: range.start + 1 });
  if (has(faults, "wrong-range-end")) return partReply(object, { ...range, end: range.end - 1 });
  if (has(faults, "multipart-range")) return multipart(object, range, reply);
  return { ...reply, headers: wrongHeaders(faults, object, range, reply.headers) };
}

function wrongHeaders(
  faults: Fault[],
  { length }: StoredObject,
  { start, end }: ByteRange,
  headers: Reply["headers"],
): Reply["headers"] {
  const { "Content-Range": contentRange, ...rest } = headers;
  if (has(faults, "no-content-range")) return rest;
  if (has(faults, "wrong-range-total"))
    return { ...headers, "Content-Range": `bytes ${start}-${end - 1}/${length + 1}` };
  return has(faults, "wrong-range-etag") ? { ...headers, ETag: '"0123456789abcdef0123456789abcdef"' } : headers;
}

const BOUNDARY = "simulated-boundary";

/** RFC 9110 section 14.6: several parts, here one, although a single range was asked for. */
function multipart(object: StoredObject, { start, end }: ByteRange, reply: Reply): Reply {
  const range = `bytes ${start}-${end - 1}/${object.length}`;
  const before = Buffer.from(`--${BOUNDARY}\r\nContent-Type: ${object.contentType}\r\nContent-Range: ${range}\r\n\r\n`);
  const after = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  const { "Content-Range": contentRange, ...headers } = reply.headers;
  return {
    ...reply,
    headers: { ...headers, "Content-Type": `multipart/byteranges; boundary=${BOUNDARY}` },
    body: sequence([before], object.read(start, end), [after]),
    length: before.length + (end - start) + after.length,
  };
}

function* sequence(...bodies: Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const body of bodies) yield* body;
}
