// The rows of the fault matrix about what the file holds: compressed pages, codings, damage and sums that do not fit.
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  ASKED_WHOLE,
  CUT,
  cut,
  doubted,
  type FaultRow,
  RESTARTED,
  RESUMED,
  row,
  shortLength,
  withoutEtag,
  withoutLength,
} from "./fault-rows.ts";
import { type RemoteFile, serve } from "./fault-server.ts";
import { flipBit, KIB, noise } from "./fixtures.ts";

/** A captive portal's page, compressed although the request refuses that. */
const page: RemoteFile = { bytes: gzipSync("<html>Please log in</html>"), etag: '"page"' };
/** One that is long enough to pass for a small file. */
const longPage = gzipSync(`<html>${noise(70 * KIB, 3).toString("hex")}</html>`);
const flipped = (file: RemoteFile): RemoteFile => ({ ...file, bytes: flipBit(file.bytes, CUT) });
const md5 = ({ bytes }: RemoteFile) => `"${createHash("md5").update(bytes).digest("hex")}"`;

export const CONTENT_ROWS: FaultRow[] = [
  row("a compressed page in place of the rest", "paused FILE_HOST_FAILED", ({ one }) => [cut(one), serve(page)], {
    ...ASKED_WHOLE,
    keeps: CUT,
  }),
  ...doubted("a long compressed page in place of the rest", () => ({
    ignoreRange: true,
    body: longPage,
    headers: { etag: undefined, "content-encoding": "gzip" },
  })),
  row(
    "a compressed page of unknown length in place of the rest",
    "paused FILE_HOST_FAILED",
    ({ one }) => [cut(one), serve(page, { chunked: "ended", headers: withoutLength })],
    { ...ASKED_WHOLE, keeps: CUT },
  ),
  row(
    "a compressed page in place of the rest of a file without a version",
    "paused FILE_HOST_FAILED",
    ({ one }) => [cut(withoutEtag(one)), serve(page)],
    RESTARTED,
  ),
  row(
    "a whole file in place of the rest that breaks off at once",
    "saved",
    ({ one, two }) => [cut(one), serve(two, { after: 500 }), serve(one)],
    { ranges: [undefined, CUT, CUT] },
  ),
  ...["gzip", "x-gzip", "binary", "utf-8", "aws-chunked", ""].map((coding) =>
    row(
      `a stored Content-Encoding ${coding}`,
      "saved",
      ({ one }) => [
        cut(one, { headers: { "content-encoding": coding } }),
        serve(one, { headers: { "content-encoding": coding } }),
      ],
      RESUMED,
    ),
  ),
  ...["br", "zstd", "deflate"].map((coding) =>
    row(
      `Content-Encoding ${coding} of the rest`,
      "paused FILE_HOST_FAILED",
      ({ one }) => [cut(one), serve(one, { headers: { "content-encoding": coding } })],
      { keeps: CUT },
    ),
  ),
  row("a file that is compressed once more, once", "saved", ({ one }) => [
    serve({ bytes: gzipSync(one.bytes) }, { headers: { "content-encoding": "gzip" } }),
    serve(one),
  ]),
  row("a file that is compressed once more, always", "rejected FILE_DAMAGED", ({ one }) => [
    serve({ bytes: gzipSync(one.bytes) }, { headers: { "content-encoding": "gzip" } }),
  ]),
  row("Content-Encoding identity", "saved", ({ one }) => [serve(one, { headers: { "content-encoding": "identity" } })]),
  row("longer than announced, once", "saved", ({ one }) => [serve(one, shortLength(one)), serve(one)]),
  row("longer than announced, always", "rejected FILE_DAMAGED", ({ one }) => [serve(one, shortLength(one))]),
  row("a flipped bit, once", "saved", ({ one }) => [serve(flipped(one)), serve(one)]),
  row("a flipped bit, always", "rejected FILE_DAMAGED", ({ one }) => [serve(flipped(one))]),
  row("an MD5 ETag that fits", "saved", ({ one }) => [serve({ bytes: one.bytes, etag: md5(one) })]),
  row(
    "an MD5-like ETag that is not the file's",
    "saved",
    ({ one, two }) => [serve({ bytes: one.bytes, etag: md5(two) })],
    { ranges: [undefined] },
  ),
  row("an MD5 ETag that does not fit a file of unknown length, twice the same", "saved", ({ one, two }) => [
    serve({ bytes: one.bytes, etag: md5(two) }, { chunked: "ended", headers: withoutLength }),
  ]),
  row("an ETag of an object in several parts", "saved", ({ one, two }) => [
    serve({ bytes: one.bytes, etag: md5(two).replace(/"$/, '-2"') }),
  ]),
  row("an MD5-like ETag of an object encrypted with a key", "saved", ({ one, two }) => [
    serve({ bytes: one.bytes, etag: md5(two) }, { headers: { "x-amz-server-side-encryption": "aws:kms" } }),
  ]),
  row("too large", "rejected FILE_TOO_LARGE", ({ one }) => [
    serve(one, { headers: { "content-length": "99999999999999" } }),
  ]),
];
