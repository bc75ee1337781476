import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { type Behaviour, type RemoteFile, respond, serve, type Twist } from "./fault-server.ts";
import { flipBit, KIB, noise } from "./fixtures.ts";

/** Two versions of the same snapshot's file. */
export interface Versions {
  one: RemoteFile;
  two: RemoteFile;
}

/** How a save ends: `saved` (version one), `saved two`, or paused or rejected with a code. */
export type Outcome = "saved" | "saved two" | `paused ${string}` | `rejected ${string}`;

/** A fault of a file host and the outcome of a save that meets it. */
export interface FaultRow extends Traces {
  name: string;
  expected: Outcome;
  script: Script;
}

interface Traces {
  /** The start of the Range header of each request; undefined for a request without Range. */
  ranges?: (number | undefined)[];
  /** The fault shows only as silence, so the test runs with small limits on silence. */
  silent?: true;
  /** How many links the store requests. */
  links?: number;
  /** Bytes of the part that a pause keeps. */
  keeps?: number;
}

type Script = (versions: Versions) => Behaviour[];

/** Small limits on silence; a busy computer may exceed them without a fault, which costs a retry. */
export const IMPATIENT = { stallMs: 300, lowSpeedBytesPerSecond: 16 * KIB, lowSpeedWindowMs: 400 };

export const CUT = 100 * KIB;
export const RESUMED = { ranges: [undefined, CUT] };
/** Twice for the rest, then for the whole file. */
export const ASKED_WHOLE = { ranges: [undefined, CUT, CUT, undefined] };
export const RESTARTED = { ranges: [undefined, undefined] };

export const row = (name: string, expected: Outcome, script: Script, traces: Traces = {}): FaultRow => ({
  name,
  expected,
  script,
  ...traces,
});
/** Sends the beginning and breaks off. */
export const cut = (file: RemoteFile, twist: Twist = {}) => serve(file, { after: CUT, ...twist });
export const withoutEtag = ({ bytes }: RemoteFile): RemoteFile => ({ bytes });
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toUTCString();
const range = (first: number, last: number, total: number) => ({ "content-range": `bytes ${first}-${last}/${total}` });
export const withoutLength = { "content-length": undefined };
export const shortLength = ({ bytes }: RemoteFile) => ({ headers: { "content-length": String(bytes.length - 10) } });
const expired = (status: string) => respond(status, { "content-type": "application/xml" }, "<Error>Expired</Error>");
const login = respond("200 OK", { "content-type": "text/html" }, "<html>Please log in</html>");
/** Answers with these bytes and hangs up. */
const say = (bytes: string) => (_: unknown, socket: Socket) => void socket.end(Buffer.from(bytes, "latin1"));

const NO_HTTP: [what: string, bytes: string][] = [
  ["the banner of another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["the preface of HTTP/2", "\0\0\x12\x04\0\0\0\0\0"],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
  ["headers without end", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}\r\n\r\n`],
  ["a chunk without a size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
];

const http10 = { version: "1.0", headers: withoutLength, end: "fin" } as const;

export const CONNECTION_ROWS: FaultRow[] = [
  ...NO_HTTP.flatMap(([what, bytes]) => [
    row(`${what}, once`, "saved", ({ one }) => [say(bytes), serve(one)]),
    row(`${what}, after a cut`, "saved", ({ one }) => [cut(one), say(bytes), serve(one)]),
    row(`${what}, always`, "paused TRANSFER_INTERRUPTED", () => [say(bytes)]),
  ]),
  ...[0, 1, 65_535, 65_536, 1024 * KIB - 1, 1024 * KIB, 1024 * KIB + 1].map((after) =>
    row(`cut after ${after} bytes`, "saved", ({ one }) => [serve(one, { after }), serve(one)], {
      ranges: [undefined, after < 2 ? undefined : after],
    }),
  ),
  row("cut one byte before the end", "saved", ({ one }) => [serve(one, { after: one.bytes.length - 1 }), serve(one)]),
  row("reset mid-body", "saved", ({ one }) => [cut(one, { end: "rst" }), serve(one)]),
  row("50 cuts, each after some progress", "saved", ({ one }) => [
    ...Array(50).fill(serve(one, { after: 20 * KIB })),
    serve(one),
  ]),
  row("always cut at once", "paused TRANSFER_INTERRUPTED", ({ one }) => [serve(one, { after: 0 })]),
  row("always cut at the same place, no ranges", "paused TRANSFER_INTERRUPTED", ({ one }) => [
    cut(one, { ignoreRange: true }),
  ]),
  row("slow headers", "saved", ({ one }) => [serve(one, { delayMs: 100 })]),
  row("no headers at all, once", "saved", ({ one }) => [() => undefined, serve(one)], { silent: true }),
  row("stall mid-body", "saved", ({ one }) => [cut(one, { end: "stall" }), serve(one)], { silent: true }),
  row("slow body above the limit", "saved", ({ one }) => [serve(one, { trickle: { bytes: 64 * KIB, ms: 10 } })]),
  row(
    "slow body below the limit, once",
    "saved",
    ({ one }) => [serve(one, { trickle: { bytes: 256, ms: 40 } }), serve(one)],
    { silent: true },
  ),
  row("103 before the response", "saved", ({ one }) => [
    async (request, socket) => {
      socket.write("HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n");
      await serve(one)(request, socket);
    },
  ]),
  row("HTTP/1.0, ends with the connection", "saved", ({ one }) => [serve(one, http10)]),
  row("HTTP/1.0, ends too early without a sign", "saved", ({ one }) => [cut(withoutEtag(one), http10), serve(one)]),
  row("chunked", "saved", ({ one }) => [serve(one, { chunked: "ended" })]),
  row("chunked without the final chunk", "saved", ({ one }) => [cut(one, { chunked: "unended" }), serve(one)], RESUMED),
];

const RETRY_AFTER: [what: string, value: string][] = [
  ["1", "1"],
  ["date", new Date(Date.now() + 20_000).toUTCString()],
  ["past date", daysAgo(1)],
  ["soon", "soon"],
  ["99999999999", "99999999999"],
];

export const STATUS_ROWS: FaultRow[] = [
  row("500, 502, 503, 408, then the file", "saved", ({ one }) => [
    ...["500 A", "502 B", "503 C", "408 D"].map((status) => respond(status)),
    serve(one),
  ]),
  row("503 for ever", "paused TRANSFER_INTERRUPTED", () => [respond("503 Busy")]),
  ...RETRY_AFTER.map(([what, value]) =>
    row(`429 with Retry-After ${what}`, "saved", ({ one }) => [
      respond("429 Slow down", { "retry-after": value }),
      serve(one),
    ]),
  ),
  ...["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"].map((status) =>
    row(`${status}, then a new link`, "saved", ({ one }) => [expired(status), serve(one)], { links: 2 }),
  ),
  row("403 halfway, then a new link", "saved", ({ one }) => [cut(one), expired("403 Forbidden"), serve(one)], {
    ranges: [undefined, CUT, CUT],
    links: 2,
  }),
  row("403 for new links too", "paused LINK_REFUSED", () => [expired("403 Forbidden")], { links: 2 }),
  row("400 because the host was too slow", "saved", ({ one }) => [
    respond("400 Bad Request", {}, "<Error><Code>RequestTimeout</Code></Error>"),
    serve(one),
  ]),
  row("302 to an internal address", "rejected LINK_UNSAFE", () => [
    respond("302 Found", { location: "http://169.254.169.254/latest/meta-data" }),
  ]),
  row("302 to nowhere", "paused REDIRECT_REFUSED", () => [respond("302 Found")]),
  row("204", "paused FILE_HOST_FAILED", () => [respond("204 No Content")]),
  row("206 without a requested range", "paused FILE_HOST_FAILED", ({ one }) => [
    serve(one, { status: "206 Partial Content", headers: range(0, 9, 10) }),
  ]),
  row("a login page", "rejected NOT_A_SNAPSHOT", () => [login]),
  row("a login page in place of the rest, once", "saved", ({ one }) => [cut(one), login, serve(one)], {
    ranges: [undefined, CUT, CUT],
  }),
  row("a login page in place of the rest, always", "paused NOT_A_SNAPSHOT", ({ one }) => [cut(one), login], {
    ...ASKED_WHOLE,
    keeps: CUT,
  }),
  row("an empty body", "rejected NOT_A_SNAPSHOT", () => [respond("200 OK")]),
  row("an empty chunked body", "rejected NOT_A_SNAPSHOT", () => [
    serve({ bytes: Buffer.alloc(0) }, { chunked: "ended" }),
  ]),
];

/** A cut, then a response that does not fit the part: once it costs nothing, twice in a row the part. */
export const doubted = (name: string, twist: (total: number) => Twist): FaultRow[] => {
  const wrong = ({ one }: Versions) => serve(one, twist(one.bytes.length));
  return [
    row(`${name}, once`, "saved", (files) => [cut(files.one), wrong(files), serve(files.one)], {
      ranges: [undefined, CUT, CUT],
    }),
    row(
      `${name}, twice`,
      "saved",
      (files) => [cut(files.one), wrong(files), wrong(files), serve(files.one)],
      ASKED_WHOLE,
    ),
  ];
};
/** A cut, then a response that contradicts what is known of the size: it never costs the part. */
const contradicting = (name: string, twist: (total: number) => Twist): FaultRow[] => {
  const wrong = ({ one }: Versions) => serve(one, twist(one.bytes.length));
  return [
    row(`${name}, twice`, "saved", (files) => [cut(files.one), wrong(files), wrong(files), serve(files.one)], {
      ranges: [undefined, CUT, CUT, CUT],
    }),
    row(`${name}, always`, "paused TRANSFER_INTERRUPTED", (files) => [cut(files.one), wrong(files)], {
      keeps: CUT,
    }),
  ];
};
const restCalledWhole: Twist = { status: "200 OK", headers: { "content-range": undefined } };
const wholeUnlessRange =
  (file: RemoteFile, twist: Twist): Behaviour =>
  (request, socket) =>
    serve(file, request.headers.range === undefined ? {} : twist)(request, socket);
const below = respond("416 X", { "content-range": "bytes */5" });
/** The bytes from `first` up to `end`, with the total in these words. */
const slice = (file: RemoteFile, first: number, end: number, total: string | number = file.bytes.length) =>
  serve(file, {
    headers: { "content-range": `bytes ${first}-${end - 1}/${total}` },
    body: file.bytes.subarray(first, end),
  });
/** Answers each range with its first bytes only. */
const sliced =
  (file: RemoteFile, bytes: number): Behaviour =>
  (request, socket) => {
    const first = Number(/\d+/.exec(request.headers.range ?? "")?.[0]);
    return slice(file, first, Math.min(first + bytes, file.bytes.length))(request, socket);
  };
const dated = ({ bytes }: RemoteFile, days: number) => {
  const file = { bytes, lastModified: daysAgo(days) };
  return [cut(file), serve(file)];
};

export const RANGE_ROWS: FaultRow[] = [
  row("200 instead of 206", "saved", ({ one }) => [cut(one), serve(one, { ignoreRange: true })], RESUMED),
  row("206 shorter than asked", "saved", ({ one }) => [cut(one), slice(one, CUT, 2 * CUT), serve(one)], {
    ranges: [undefined, CUT, 2 * CUT],
  }),
  row("206 always shorter than asked", "saved", ({ one }) => [cut(one), sliced(one, 20 * KIB)]),
  row("206 of one byte, always", "paused TRANSFER_INTERRUPTED", ({ one }) => [cut(one), sliced(one, 1)]),
  row(
    "206 that does not name the total",
    "saved",
    ({ one }) => [cut(one), slice(one, CUT, one.bytes.length, "*"), serve(one)],
    RESUMED,
  ),
  row(
    "206 shorter than asked that does not name the total",
    "saved",
    ({ one }) => [cut(one), slice(one, CUT, 2 * CUT, "*"), serve(one)],
    { ranges: [undefined, CUT, 2 * CUT] },
  ),
  row("206 of a file whose total is never named", "saved", ({ one }) => [
    cut(one, { chunked: "unended" }),
    slice(one, CUT, one.bytes.length, "*"),
    serve(one),
  ]),
  ...contradicting("206 that says it ends early", (total) => ({ headers: range(CUT, total - 2, total) })),
  ...contradicting("206 of another total", (total) => ({ headers: range(CUT, total, total + 1) })),
  ...contradicting("206 of an absurd total", (total) => ({ headers: range(CUT, total - 1, 2 ** 53) })),
  ...contradicting("206 with another length", () => ({ headers: { "content-length": "10" } })),
  row("416 with a total below the part, always", "paused FILE_HOST_FAILED", ({ one }) => [cut(one), below], {
    ranges: [undefined, CUT, CUT, CUT, undefined],
    keeps: CUT,
  }),
  row("a first answer that names a size too large", "saved", ({ one }) => [
    cut(one, { headers: { "content-length": String(one.bytes.length + 999) } }),
    serve(one),
  ]),
  row("a first answer that names a size too large and brings every byte", "saved", ({ one }) => [
    serve(one, { headers: { "content-length": String(one.bytes.length + 999) }, end: "fin" }),
    serve(one),
  ]),
  ...[12_345].map((more) =>
    row(`a 206 that names ${more} bytes too many first`, "saved", ({ one }) => [
      cut(one, { chunked: "unended", headers: withoutLength }),
      serve(one, { after: 1_000, headers: range(CUT, one.bytes.length - 1, one.bytes.length + more) }),
      serve(one),
    ]),
  ),
  ...contradicting("200 of an absurd length", () => ({
    ignoreRange: true,
    headers: { etag: '"other"', "content-length": "99999999999999" },
  })),
  ...doubted("206 that starts elsewhere", (total) => ({ headers: range(CUT - 1, total - 1, total) })),
  ...doubted("206 with another ETag", () => ({ headers: { etag: '"other"' } })),
  ...doubted("206 that is compressed on the way", () => ({
    chunked: "ended",
    body: gzipSync("bytes of the rest"),
    headers: { ...withoutLength, "content-encoding": "gzip" },
  })),
  ...doubted("206 with a weak ETag", () => ({ headers: { etag: 'W/"other"' } })),
  ...doubted("206 without an ETag", () => ({ headers: { etag: undefined } })),
  ...doubted("206 without Content-Range", () => ({ headers: { "content-range": undefined } })),
  ...doubted("multipart 206", () => ({
    headers: { "content-range": undefined, "content-type": "multipart/byteranges; boundary=x" },
  })),
  ...doubted("200 with the rest only", () => ({ status: "200 OK", headers: { "content-range": undefined } })),
  ...doubted("chunked 200 with the rest only", () => ({
    ...restCalledWhole,
    chunked: "ended",
    headers: { ...withoutLength, "content-range": undefined },
  })),
  row(
    "200 with the rest only for every range of a file of unknown length",
    "saved",
    ({ one }) => [cut(one, { chunked: "unended", headers: withoutLength }), wholeUnlessRange(one, restCalledWhole)],
    ASKED_WHOLE,
  ),
  row(
    "chunked 200 with the rest only for every range",
    "saved",
    ({ one }) => [cut(one), wholeUnlessRange(one, { ...restCalledWhole, chunked: "ended" })],
    ASKED_WHOLE,
  ),
  ...doubted("416 without a total", () => ({ status: "416 X", headers: { "content-range": undefined } })),
  ...doubted("412", () => ({ status: "412 Precondition Failed" })),
  ...doubted("206 that is longer than its range", (total) => ({
    chunked: "ended",
    body: noise(total - CUT + 10, 5),
    headers: withoutLength,
  })),
  row("416 because everything is there", "saved", ({ one }) => [serve(one, { chunked: "unended" }), serve(one)]),
  row("416 for ever", "paused FILE_HOST_FAILED", () => [respond("416 X")]),
  row("no ETag", "saved", ({ one }) => [cut(withoutEtag(one)), serve(one)], RESTARTED),
  row("a weak ETag", "saved", ({ one }) => [cut({ ...one, etag: 'W/"weak"' }), serve(one)], RESTARTED),
  row("the file changed meanwhile", "saved two", ({ one, two }) => [cut(one), serve(two)], RESUMED),
  row("the file changed and If-Range is ignored", "saved two", ({ one, two }) => [
    cut(one),
    serve(two, { ignoreIfRange: true }),
    serve(two),
  ]),
  row("two files swapped under one ETag", "saved", ({ one, two }) => [
    cut(one),
    serve({ ...two, ...(one.etag && { etag: one.etag }) }),
    serve(one),
  ]),
  row("Last-Modified alone, old enough", "saved", ({ one }) => dated(one, 2), RESUMED),
  row(
    "Last-Modified alone, then the rest of another file without a date",
    "saved",
    ({ one }) => {
      const file = { bytes: one.bytes, lastModified: daysAgo(2) };
      const other = { bytes: flipBit(one.bytes, 2 * CUT) };
      return [cut(file), serve(other, { ignoreIfRange: true }), serve(file)];
    },
    { ranges: [undefined, CUT, CUT] },
  ),
  row("Last-Modified alone, too recent", "saved", ({ one }) => dated(one, 0), RESTARTED),
];
