import type { Socket } from "node:net";
import { CUT, cut, daysAgo, type FaultRow, range, withoutEtag } from "./fault-row.ts";
import { respond, serve } from "./fault-server.ts";
import { KIB } from "./fixtures.ts";

const expired = (status: string) => respond(status, { "content-type": "application/xml" }, "<Error>Expired</Error>");
const login = respond("200 OK", { "content-type": "text/html" }, "<html>Please log in</html>");

/** Answers with these bytes and hangs up. */
const say = (bytes: string) => (_: unknown, socket: Socket) => void socket.end(Buffer.from(bytes, "latin1"));

const NO_HTTP: [what: string, bytes: string][] = [
  ["the banner of another protocol", "SSH-2.0-OpenSSH_9.6\r\n"],
  ["the preface of HTTP/2", "\0\0\x12\x04\0\0\0\0\0"],
  ["a header that is none", "HTTP/1.1 200 OK\r\nbad header\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
  ["headers without end", `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}\r\n\r\n`],
  ["chunks of no size", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"],
];

export const CONNECTION_ROWS: FaultRow[] = [
  ...NO_HTTP.flatMap(([what, bytes]): FaultRow[] => [
    { name: `${what}, once`, script: ({ one }) => [say(bytes), serve(one)], expected: "saved" },
    { name: `${what}, after a cut`, script: ({ one }) => [cut(one), say(bytes), serve(one)], expected: "saved" },
    { name: `${what}, always`, script: () => [say(bytes)], expected: "paused TRANSFER_INTERRUPTED" },
  ]),
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
  {
    name: "no headers at all, once",
    script: ({ one }) => [() => undefined, serve(one)],
    expected: "saved",
    silent: true,
  },
  {
    name: "stall mid-body",
    script: ({ one }) => [cut(one, { end: "stall" }), serve(one)],
    expected: "saved",
    silent: true,
  },
  {
    name: "slow body above the limit",
    script: ({ one }) => [serve({ ...one }, { trickle: { bytes: 64 * KIB, ms: 10 } })],
    expected: "saved",
  },
  {
    name: "slow body below the limit, once",
    script: ({ one }) => [serve(one, { trickle: { bytes: 256, ms: 40 } }), serve(one)],
    expected: "saved",
    silent: true,
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
      cut(withoutEtag(one), { version: "1.0", headers: { "content-length": undefined }, end: "fin" }),
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
