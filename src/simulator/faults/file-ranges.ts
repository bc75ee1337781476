import type { IncomingHttpHeaders } from "node:http";
import { type ByteRange, parseRange, partReply, replyWith } from "../file/object-reply.ts";
import { s3Error } from "../file/s3-errors.ts";
import type { StoredObject } from "../file/stored-object.ts";
import type { Reply } from "../reply.ts";
import { has } from "./order-book.ts";
import type { Fault } from "./orders.ts";

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

export function* sequence(...bodies: Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const body of bodies) yield* body;
}
