import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { CUT, cut, daysAgo, type FaultRow, range, withoutEtag } from "./fault-row.ts";
import { type RemoteFile, respond, serve, type Twist } from "./fault-server.ts";

const flipped = ({ bytes, ...rest }: RemoteFile): RemoteFile => {
  const damaged = Buffer.from(bytes);
  damaged[CUT] = (damaged[CUT] ?? 0) ^ 1;
  return { ...rest, bytes: damaged };
};
const md5 = (bytes: Buffer) => `"${createHash("md5").update(bytes).digest("hex")}"`;

/** A cut, then an answer to the resume that is not what it should be. */
const resumed = (name: string, twist: (total: number) => Twist): FaultRow => ({
  name,
  script: ({ one }) => [cut(one), serve(one, twist(one.bytes.length)), serve(one)],
  expected: "saved",
  ranges: [undefined, CUT, undefined],
});

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
    script: ({ one }) => [cut(withoutEtag(one)), serve(one)],
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

/** A page that a captive portal sends compressed, whatever was asked for. */
const page: RemoteFile = { bytes: gzipSync("<html>Please log in</html>"), etag: '"page"' };

export const CONTENT_ROWS: FaultRow[] = [
  {
    name: "a compressed page in place of the rest",
    script: ({ one }) => [cut(one), serve(page)],
    expected: "paused FILE_HOST_FAILED",
    ranges: [undefined, CUT],
  },
  {
    name: "a compressed page of unknown length in place of the rest",
    script: ({ one }) => [cut(one), serve(page, { chunked: "ended", headers: { "content-length": undefined } })],
    expected: "paused FILE_HOST_FAILED",
    ranges: [undefined, CUT],
  },
  {
    name: "a compressed page in place of the rest of a file without a version",
    script: ({ one }) => [cut(withoutEtag(one)), serve(page)],
    expected: "paused FILE_HOST_FAILED",
    ranges: [undefined, undefined],
  },
  {
    name: "a whole file in place of the rest that breaks off at once",
    script: ({ one, two }) => [cut(one), serve(two, { after: 500 }), serve(one)],
    expected: "saved",
    ranges: [undefined, CUT, CUT],
  },
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
    name: "an MD5-like ETag that is not the file's",
    script: ({ one, two }) => [serve({ bytes: one.bytes, etag: md5(two.bytes) })],
    expected: "saved",
    ranges: [undefined],
  },
  {
    name: "an MD5 ETag that does not fit a file of unknown length",
    script: ({ one, two }) => [
      serve({ bytes: one.bytes, etag: md5(two.bytes) }, { chunked: "ended", headers: { "content-length": undefined } }),
    ],
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
