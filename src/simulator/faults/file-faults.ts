import { expiredReply, s3Error, s3Headers } from "../file/s3-errors.ts";
import { type Reply, textReply } from "../reply.ts";
import { ODD_BYTES } from "./file-objects.ts";
import { sequence } from "./file-ranges.ts";
import type { Fault } from "./orders.ts";
import { retryAfterHeader } from "./retry-after.ts";

export interface FileFaultContext {
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
