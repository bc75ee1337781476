// The faults of the file host: wrong bytes, wrong ranges, wrong headers, broken connections.
import type { IncomingHttpHeaders } from "node:http";
import { expiredReply, parseRange, partReply, replyWith, type StoredObject, s3Error, s3Headers } from "../file/s3.ts";
import { type Reply, textReply, withHeaders } from "../http.ts";
import { type Fault, has, retryAfterHeader } from "./orders.ts";

/** Faults that wait for a request for a range. */
const RANGE_WORDS = [
  "ignore-range",
  "wrong-range-start",
  "wrong-range-end",
  "short-range",
  "unnamed-total",
  "wrong-range-total",
  "wrong-range-etag",
  "no-content-range",
  "multipart-range",
  "416-equal",
  "416-other",
];

/** How many bytes `shorter` removes and `longer` adds. */
const ODD_BYTES = 1_000;

const LOGIN_PAGE =
  "<!doctype html><html><head><title>Sign in</title></head><body><form>Guest network</form></body></html>";

const BOUNDARY = "simulated-boundary";

/** Whether faults can happen to a request with this Range header; the target of `moved` does not move again. */
export function appliesTo(
  faults: Fault[],
  { range, isMoved }: { range: string | undefined; isMoved: boolean },
): boolean {
  if (isMoved && has(faults, "moved")) return false;
  const needsRange = RANGE_WORDS.some((word) => has(faults, word));
  return range === undefined ? !needsRange : !has(faults, "206-fresh");
}

interface FileFaultContext {
  object: StoredObject | undefined;
  headers: IncomingHttpHeaders;
  now: number;
  /** A URL that a client must not follow. */
  elsewhere: string;
  /** Another link to the same file. */
  moved: string;
}

/** The answer with all faults: first those of the object's bytes, then those of its ranges, then the others in order. */
export function replyWithFaults(faults: Fault[], context: FileFaultContext): Reply {
  const { object, headers } = context;
  let reply = object ? replyInRanges(faults, alterObject(faults, object), headers) : s3Error(404);
  for (const fault of faults) {
    if (fault.kind === "word") reply = alterReply(fault.word, fault.value, reply, context);
    else reply = statusReply(fault, reply, context);
  }
  return reply;
}

/** The object as a fault shows it: with one bit flipped, or truncated with a length that matches. */
function alterObject(faults: Fault[], object: StoredObject): StoredObject {
  let altered = object;
  for (const fault of faults) {
    if (fault.kind === "word" && fault.word === "flip") altered = withFlippedBit(altered, fault.value);
  }
  if (!has(faults, "shorter")) return altered;
  return { ...altered, length: Math.max(Math.floor(object.length / 2), object.length - ODD_BYTES) };
}

function withFlippedBit(object: StoredObject, offset: number): StoredObject {
  const position = offset < 0 ? object.length + offset : offset;
  return {
    ...object,
    read: function* (start, end) {
      let at = start;
      for (const chunk of object.read(start, end)) {
        const index = position - at;
        at += chunk.length;
        if (index < 0 || index >= chunk.length) {
          yield chunk;
          continue;
        }
        // A copy: the chunk may belong to a block that other files share.
        const copy = Uint8Array.from(chunk);
        copy[index] = (copy[index] ?? 0) ^ 0x10;
        yield copy;
      }
    },
  };
}

/** The answer to a GET, with the faults that concern ranges. */
function replyInRanges(faults: Fault[], object: StoredObject, headers: IncomingHttpHeaders): Reply {
  if (has(faults, "206-fresh")) return partReply(object, { start: 0, end: object.length });
  if (has(faults, "ignore-range")) return replyWith(object, { ...headers, range: undefined });
  const reply = replyWith(object, headers);
  const range = parseRange(headers.range, object.length);
  if (reply.status !== 206 || range === undefined || range === "unsatisfiable") return reply;
  const { start, end } = range;
  const { length } = object;
  if (has(faults, "416-equal")) return s3Error(416, { headers: { "Content-Range": `bytes */${start}` } });
  if (has(faults, "416-other")) return s3Error(416, { headers: { "Content-Range": `bytes */${length}` } });
  // The next two are consistent: the body is the range that Content-Range names, but not the requested one.
  if (has(faults, "wrong-range-start")) return partReply(object, { start: start + 1, end });
  if (has(faults, "wrong-range-end")) return partReply(object, { start, end: end - 1 });
  const short = numberOf(faults, "short-range");
  if (short !== undefined) return partReply(object, { start, end: Math.min(end, start + short) });
  if (has(faults, "unnamed-total")) return withHeaders(reply, { "Content-Range": `bytes ${start}-${end - 1}/*` });
  if (has(faults, "multipart-range")) return multipartReply(object, reply);
  if (has(faults, "no-content-range")) return without(reply, "Content-Range");
  if (has(faults, "wrong-range-total"))
    return withHeaders(reply, { "Content-Range": `bytes ${start}-${end - 1}/${length + 1}` });
  return has(faults, "wrong-range-etag") ? withHeaders(reply, { ETag: '"0123456789abcdef0123456789abcdef"' }) : reply;
}

/** RFC 9110 section 14.6: the answer in parts (here one), although a single range was requested. */
function multipartReply({ contentType }: StoredObject, reply: Reply): Reply {
  const range = reply.headers["Content-Range"];
  const before = Buffer.from(`--${BOUNDARY}\r\nContent-Type: ${contentType}\r\nContent-Range: ${range}\r\n\r\n`);
  const after = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  return {
    ...withHeaders(without(reply, "Content-Range"), { "Content-Type": `multipart/byteranges; boundary=${BOUNDARY}` }),
    body: sequence([before], reply.body, [after]),
    length: before.length + reply.length + after.length,
  };
}

function statusReply(
  fault: Extract<Fault, { kind: "status" }>,
  reply: Reply,
  { now, elsewhere }: FileFaultContext,
): Reply {
  const { status = 500, errorCode, retryAfter = status === 429 ? 1 : "none" } = fault;
  if (status < 300) return { ...reply, status };
  const headers = { ...retryAfterHeader(retryAfter, now), ...(status < 400 ? { Location: elsewhere } : {}) };
  return s3Error(status, errorCode === undefined ? { headers } : { headers, code: errorCode });
}

function alterReply(word: string, value: number, reply: Reply, { now, elsewhere, moved }: FileFaultContext): Reply {
  // An offset below zero counts from the end of the body.
  const afterBytes = value < 0 ? Math.max(0, reply.length + value) : value;
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
      return { ...reply, end: { afterBytes, by: "closing" } };
    case "reset":
      return { ...reply, end: { afterBytes, by: "reset" } };
    case "stall":
      return { ...reply, end: { afterBytes, by: "stalling" } };
    case "chunked":
      return { ...reply, framing: "chunked" };
    case "chunked-cut":
      return { ...reply, framing: "chunked", end: { afterBytes, by: "closing" } };
    case "close-delimited":
      return { ...reply, framing: "close" };
    case "early-hints":
      return { ...reply, informational: true };
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
    case "moved":
      return textReply(value, "text/html", "", { ...s3Headers(), Location: moved });
    case "expired":
      return expiredReply(now, now);
    default:
      return reply;
  }
}

function numberOf(faults: Fault[], word: string): number | undefined {
  return faults.flatMap((fault) => (fault.kind === "word" && fault.word === word ? [fault.value] : []))[0];
}

function without(reply: Reply, name: string): Reply {
  const { [name]: removed, ...headers } = reply.headers;
  return { ...reply, headers };
}

function* sequence(...bodies: Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const body of bodies) yield* body;
}
