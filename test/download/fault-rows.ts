import { createHash } from "node:crypto";
import { type Behaviour, type RemoteFile, respond, serve, type Twist } from "./fault-server.ts";
import { KIB } from "./fixtures.ts";

/** Two versions of the same snapshot's file. */
export interface Versions {
  one: RemoteFile;
  two: RemoteFile;
}

/** What a save comes to: `saved` (version one), `saved two`, or how it ends and with which code. */
export type Outcome = "saved" | "saved two" | `paused ${string}` | `rejected ${string}`;

export interface FaultRow {
  name: string;
  script: (versions: Versions) => Behaviour[];
  expected: Outcome;
  /** The Range header of each request; a number is a start, undefined no Range at all. */
  ranges?: (number | undefined)[];
  /** How often a link is asked for. */
  links?: number;
}

const CUT = 100 * KIB;
const cut = (file: RemoteFile, twist: Twist = {}) => serve(file, { after: CUT, ...twist });
const without = (file: RemoteFile, ...names: ("etag" | "lastModified")[]): RemoteFile => ({
  bytes: file.bytes,
  ...(file.etag && !names.includes("etag") && { etag: file.etag }),
});
const flipped = ({ bytes, ...rest }: RemoteFile): RemoteFile => {
  const damaged = Buffer.from(bytes);
  damaged[CUT] = (damaged[CUT] ?? 0) ^ 1;
  return { ...rest, bytes: damaged };
};
const md5 = (bytes: Buffer) => `"${createHash("md5").update(bytes).digest("hex")}"`;
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toUTCString();
const range = (first: number, last: number, total: number) => ({ "content-range": `bytes ${first}-${last}/${total}` });
const expired = (status: string) => respond(status, { "content-type": "application/xml" }, "<Error>Expired</Error>");
const login = respond("200 OK", { "content-type": "text/html" }, "<html>Please log in</html>");

/** A cut, then an answer to the resume that is not what it should be. */
const resumed = (name: string, twist: (total: number) => Twist, after = "saved" as Outcome): FaultRow => ({
  name,
  script: ({ one }) => [cut(one), serve(one, twist(one.bytes.length)), serve(one)],
  expected: after,
  ranges: [undefined, CUT, undefined],
});

export const CONNECTION_ROWS: FaultRow[] = [
  ...[0, 1, 65_535, 65_536, 1024 * KIB - 1, 1024 * KIB, 1024 * KIB + 1].map(
    (after): FaultRow => ({
      name: `cut after ${after} bytes`,
      script: ({ one }) => [serve(one, { after }), serve(one)],
      expected: "saved",
      ranges: [undefined, after < 2 ? undefined : after],
    }),
  ),
  {
    name: "cut one byte before the end",
    script: ({ one }) => [serve(one, { after: one.bytes.length - 1 }), serve(one)],
    expected: "saved",
  },
  { name: "reset mid-body", script: ({ one }) => [cut(one, { end: "rst" }), serve(one)], expected: "saved" },
  {
    name: "50 cuts, each after some progress",
    script: ({ one }) => [...Array(50).fill(serve(one, { after: 20 * KIB })), serve(one)],
    expected: "saved",
  },
  {
    name: "always cut at once",
    script: ({ one }) => [serve(one, { after: 0 })],
    expected: "paused TRANSFER_INTERRUPTED",
  },
  {
    name: "always cut at the same place, no ranges",
    script: ({ one }) => [cut(one, { ignoreRange: true })],
    expected: "paused TRANSFER_INTERRUPTED",
  },
  { name: "slow headers", script: ({ one }) => [serve(one, { delayMs: 100 })], expected: "saved" },
  { name: "no headers at all, once", script: ({ one }) => [() => undefined, serve(one)], expected: "saved" },
  { name: "stall mid-body", script: ({ one }) => [cut(one, { end: "stall" }), serve(one)], expected: "saved" },
  {
    name: "slow body above the limit",
    script: ({ one }) => [serve({ ...one }, { trickle: { bytes: 64 * KIB, ms: 10 } })],
    expected: "saved",
  },
  {
    name: "slow body below the limit, once",
    script: ({ one }) => [serve(one, { trickle: { bytes: 256, ms: 40 } }), serve(one)],
    expected: "saved",
  },
  {
    name: "103 before the answer",
    script: ({ one }) => [
      async (request, socket) => {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n");
        await serve(one)(request, socket);
      },
    ],
    expected: "saved",
  },
  {
    name: "HTTP/1.0, ends with the connection",
    script: ({ one }) => [serve(one, { version: "1.0", headers: { "content-length": undefined }, end: "fin" })],
    expected: "saved",
  },
  {
    name: "HTTP/1.0, ends too early without a sign",
    script: ({ one }) => [
      cut(without(one, "etag"), { version: "1.0", headers: { "content-length": undefined }, end: "fin" }),
      serve(one),
    ],
    expected: "saved",
  },
  { name: "chunked", script: ({ one }) => [serve(one, { chunked: "ended" })], expected: "saved" },
  {
    name: "chunked without the final chunk",
    script: ({ one }) => [cut(one, { chunked: "unended" }), serve(one)],
    expected: "saved",
    ranges: [undefined, CUT],
  },
];

export const STATUS_ROWS: FaultRow[] = [
  {
    name: "500, 502, 503, 504, 408, then fine",
    script: ({ one }) => [...["500 A", "502 B", "503 C", "408 D"].map((status) => respond(status)), serve(one)],
    expected: "saved",
  },
  { name: "503 for ever", script: () => [respond("503 Busy")], expected: "paused TRANSFER_INTERRUPTED" },
  ...["1", new Date(Date.now() + 20_000).toUTCString(), daysAgo(1), "soon", "99999999999"].map(
    (value): FaultRow => ({
      name: `429 with Retry-After ${/^\w+$/.test(value) ? value : value.startsWith(daysAgo(1).slice(0, 16)) ? "past date" : "date"}`,
      script: ({ one }) => [respond("429 Slow down", { "retry-after": value }), serve(one)],
      expected: "saved",
    }),
  ),
  ...["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"].map(
    (status): FaultRow => ({
      name: `${status}, then a new link`,
      script: ({ one }) => [expired(status), serve(one)],
      expected: "saved",
      links: 2,
    }),
  ),
  {
    name: "403 half-way, then a new link",
    script: ({ one }) => [cut(one), expired("403 Forbidden"), serve(one)],
    expected: "saved",
    ranges: [undefined, CUT, CUT],
    links: 2,
  },
  {
    name: "403 for new links too",
    script: () => [expired("403 Forbidden")],
    expected: "paused LINK_EXPIRED",
    links: 2,
  },
  {
    name: "302 to an internal address",
    script: () => [respond("302 Found", { location: "http://169.254.169.254/latest/meta-data" })],
    expected: "paused REDIRECT_REFUSED",
  },
  { name: "204", script: () => [respond("204 No Content")], expected: "paused FILE_HOST_FAILED" },
  {
    name: "206 although no range was asked for",
    script: ({ one }) => [serve(one, { status: "206 Partial Content", headers: range(0, 9, 10) })],
    expected: "paused FILE_HOST_FAILED",
  },
  { name: "a login page", script: () => [login], expected: "rejected NOT_A_SNAPSHOT" },
  {
    name: "a login page in place of the rest",
    script: ({ one }) => [cut(one), login],
    expected: "paused NOT_A_SNAPSHOT",
    ranges: [undefined, CUT],
  },
  { name: "an empty body", script: () => [respond("200 OK")], expected: "rejected NOT_A_SNAPSHOT" },
  {
    name: "an empty chunked body",
    script: () => [serve({ bytes: Buffer.alloc(0) }, { chunked: "ended" })],
    expected: "rejected NOT_A_SNAPSHOT",
  },
];

export const RANGE_ROWS: FaultRow[] = [
  {
    name: "200 instead of 206",
    script: ({ one }) => [cut(one), serve(one, { ignoreRange: true })],
    expected: "saved",
    ranges: [undefined, CUT],
  },
  resumed("206 that starts elsewhere", (total) => ({ headers: range(CUT - 1, total - 1, total) })),
  resumed("206 that ends early", (total) => ({ headers: range(CUT, total - 2, total) })),
  resumed("206 of another total", (total) => ({ headers: range(CUT, total, total + 1) })),
  resumed("206 with another length", () => ({ headers: { "content-length": "10" } })),
  resumed("206 with another ETag", () => ({ headers: { etag: '"other"' } })),
  resumed("206 without Content-Range", () => ({ headers: { "content-range": undefined } })),
  resumed("multipart 206", () => ({
    headers: { "content-range": undefined, "content-type": "multipart/byteranges; boundary=x" },
  })),
  resumed("206 that is longer than its range", (total) => ({
    chunked: "ended",
    headers: { "content-length": undefined },
    body: Buffer.alloc(total - CUT + 10, 1),
  })),
  resumed("416 with another total", () => ({ status: "416 X", headers: { "content-range": "bytes */5" } })),
  resumed("416 without a total", () => ({ status: "416 X", headers: { "content-range": undefined } })),
  resumed("412", () => ({ status: "412 Precondition Failed" })),
  {
    name: "416 because everything is there",
    script: ({ one }) => [serve(one, { chunked: "unended" }), serve(one)],
    expected: "saved",
  },
  { name: "416 for ever", script: () => [respond("416 X")], expected: "paused FILE_HOST_FAILED" },
  {
    name: "no ETag",
    script: ({ one }) => [cut(without(one, "etag")), serve(one)],
    expected: "saved",
    ranges: [undefined, undefined],
  },
  {
    name: "a weak ETag",
    script: ({ one }) => [cut({ ...one, etag: 'W/"weak"' }), serve(one)],
    expected: "saved",
    ranges: [undefined, undefined],
  },
  {
    name: "the file changed meanwhile",
    script: ({ one, two }) => [cut(one), serve(two)],
    expected: "saved two",
    ranges: [undefined, CUT],
  },
  {
    name: "the file changed and If-Range is ignored",
    script: ({ one, two }) => [cut(one), serve(two, { ignoreIfRange: true }), serve(two)],
    expected: "saved two",
  },
  {
    name: "two files swapped under one ETag",
    script: ({ one, two }) => [cut(one), serve({ ...two, ...(one.etag && { etag: one.etag }) }), serve(one)],
    expected: "saved",
  },
  {
    name: "Last-Modified alone, old enough",
    script: ({ one }) => {
      const file = { bytes: one.bytes, lastModified: daysAgo(2) };
      return [cut(file), serve(file)];
    },
    expected: "saved",
    ranges: [undefined, CUT],
  },
  {
    name: "Last-Modified alone, too young",
    script: ({ one }) => {
      const file = { bytes: one.bytes, lastModified: daysAgo(0) };
      return [cut(file), serve(file)];
    },
    expected: "saved",
    ranges: [undefined, undefined],
  },
];

export const CONTENT_ROWS: FaultRow[] = [
  {
    name: "Content-Encoding gzip",
    script: ({ one }) => [serve(one, { headers: { "content-encoding": "gzip" } })],
    expected: "paused FILE_HOST_FAILED",
  },
  {
    name: "Content-Encoding identity",
    script: ({ one }) => [serve(one, { headers: { "content-encoding": "identity" } })],
    expected: "saved",
  },
  {
    name: "longer than announced, once",
    script: ({ one }) => [serve(one, { headers: { "content-length": String(one.bytes.length - 10) } }), serve(one)],
    expected: "saved",
  },
  {
    name: "longer than announced, always",
    script: ({ one }) => [serve(one, { headers: { "content-length": String(one.bytes.length - 10) } })],
    expected: "rejected FILE_DAMAGED",
  },
  { name: "a flipped bit, once", script: ({ one }) => [serve(flipped(one)), serve(one)], expected: "saved" },
  { name: "a flipped bit, always", script: ({ one }) => [serve(flipped(one))], expected: "rejected FILE_DAMAGED" },
  {
    name: "an MD5 ETag that fits",
    script: ({ one }) => [serve({ bytes: one.bytes, etag: md5(one.bytes) })],
    expected: "saved",
  },
  {
    name: "an MD5 ETag that does not fit",
    script: ({ one, two }) => [serve({ bytes: one.bytes, etag: md5(two.bytes) })],
    expected: "rejected FILE_DAMAGED",
  },
  {
    name: "an ETag of an object in several parts",
    script: ({ one, two }) => [serve({ bytes: one.bytes, etag: md5(two.bytes).replace(/"$/, '-2"') })],
    expected: "saved",
  },
  {
    name: "an MD5-like ETag of an object encrypted with a key",
    script: ({ one, two }) => [
      serve({ bytes: one.bytes, etag: md5(two.bytes) }, { headers: { "x-amz-server-side-encryption": "aws:kms" } }),
    ],
    expected: "saved",
  },
  {
    name: "too large",
    script: ({ one }) => [serve(one, { headers: { "content-length": "99999999999999" } })],
    expected: "rejected FILE_TOO_LARGE",
  },
];
