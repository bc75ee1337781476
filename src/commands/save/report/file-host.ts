// Describes what the file host answered, and where that differs from what object stores do with signed links.

import { sizeInWords } from "../../../core/text.ts";
import type { FileExchange } from "../../../download/contract.ts";
import { headerOf } from "../../../http/messages.ts";
import type { Hidden } from "./hidden.ts";
import { hideHeaders } from "./observed.ts";
import {
  codeShown,
  codingsOf,
  etagForm,
  familyOf,
  headerList,
  hostShown,
  knownList,
  mediaTypeOf,
  msRange,
  serverOf,
  sizeRange,
  times,
} from "./shown.ts";

type Answered = FileExchange & { answer: NonNullable<FileExchange["answer"]> };

/** More requests than any transfer needs; the report says how many others there were. */
const MAX_EXCHANGES = 5_000;
const MAX_LINES = 60;

/** Amazon S3, "Authenticating Requests: Using Query Parameters"; Google Cloud Storage, "Signed URLs"; Azure, "Create a service SAS". */
export const SIGNATURE_PARAMETERS = [
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-Security-Token",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
  "X-Goog-Algorithm",
  "X-Goog-Credential",
  "X-Goog-Date",
  "X-Goog-Expires",
  "X-Goog-Signature",
  "X-Goog-SignedHeaders",
  "AWSAccessKeyId",
  "GoogleAccessId",
  "Expires",
  "Signature",
  "Policy",
  "Key-Pair-Id",
  "sv",
  "sr",
  "se",
  "sp",
  "sig",
  "skoid",
  "sktid",
  "skt",
  "ske",
  "sks",
  "skv",
  "response-content-disposition",
  "response-content-type",
  "versionId",
  "x-id",
];

export function createFileHostNotes(hidden: Hidden) {
  const exchanges: FileExchange[] = [];
  let left = 0;

  return {
    observe: (exchange: FileExchange): void => {
      hidden.url(exchange.url);
      const { headers } = exchange.answer ?? {};
      if (headers) hideHeaders(hidden, headers);
      const target = locationOf(exchange);
      if (target) hidden.url(target);
      if (exchanges.length < MAX_EXCHANGES) exchanges.push(exchange);
      else left += 1;
    },
    describe: (): string[] => {
      const links = grouped(
        exchanges.filter(({ redirects }) => redirects === 0).map((each) => linkLine(each.url, hidden)),
      );
      const answers = grouped(exchanges.map((each) => linesOf(each, hidden).join("\n")));
      const bodies = exchanges.filter(isAnswered).filter(({ bytes }) => bytes > 0);
      if (exchanges.length === 0)
        return [
          "- No file was requested. Of a backup that is here already, only an empty download folder gets it again.",
          "",
        ];
      return [
        ...links.map(({ text, count }) => `- ${text}; requested ${times(count)}`),
        ...againLines(exchanges),
        ...answers.slice(0, MAX_LINES).map(({ text, count }) => `- ${times(count)}: ${text}`),
        ...(answers.length > MAX_LINES || left > 0 ? [`- ${answers.length - MAX_LINES + left} more, not shown`] : []),
        ...(bodies.length === 0 ? [] : bodies.slice(0, MAX_LINES).map(bodyLine)),
        "",
      ];
    },
    differences: (): string[] => [...new Set(exchanges.flatMap((each) => differencesOf(each, hidden)))],
  };
}

const isAnswered = (exchange: FileExchange): exchange is Answered => exchange.answer !== undefined;

/** Texts in the order in which they first came. */
function grouped(texts: string[]): { text: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => ({ text, count }));
}

function linkLine(url: URL, hidden: Hidden): string {
  const folders = url.pathname.split("/").length - 1;
  const parameters = [...url.searchParams.keys()];
  const query = parameters.length === 0 ? "no query" : `query: ${knownList(parameters, SIGNATURE_PARAMETERS)}`;
  return `Link: ${url.protocol.slice(0, -1)}, host ${hostShown(url, hidden)} (${familyOf(url) ?? "unknown"}), ${folders} segments of path, ${query}`;
}

/** Whether a link works again, by the statuses of its requests in their order. */
function againLines(exchanges: FileExchange[]): string[] {
  const statuses = new Map<string, string[]>();
  for (const { url, answer, redirects } of exchanges)
    if (redirects === 0)
      statuses.set(url.href, [...(statuses.get(url.href) ?? []), String(answer?.status ?? "no answer")]);
  const again = [...statuses.values()].filter(({ length }) => length > 1);
  return grouped(again.map((each) => each.slice(0, 12).join(", "))).map(
    ({ text, count }) => `- The same link, requested again (${times(count)}): ${text}`,
  );
}

const ASKED = (offset: number) => (offset > 0 ? "the rest (Range, If-Range)" : "the whole file");

function linesOf({ answer, offset, redirects, errorXmlCode, code, url }: FileExchange, hidden: Hidden): string[] {
  const asked = `${ASKED(offset)}${redirects === 0 ? "" : redirects === 1 ? " after a redirect" : ` after ${redirects} redirects`}`;
  const ended = code === undefined ? [] : [`ended with ${codeShown(code, hidden)}`];
  if (!answer) return [[`Asked for ${asked}: no answer`, ...ended].join(", ")];
  const { status, headers } = answer;
  const header = (name: string) => headerOf(answer, name);
  const target = locationOf({ answer, url });
  const accept = header("accept-ranges");
  const facts = [
    mediaTypeOf(headers) ?? "no media type",
    codingsOf(headers).join(", ") || "no content coding",
    `server: ${serverOf(headers)}`,
    ...(errorXmlCode === undefined ? [] : [`error document: ${codeShown(errorXmlCode, hidden)}`]),
    ...(target
      ? [`redirect to ${target.protocol === "https:" ? "https" : "no https"}, host ${hostShown(target, hidden)}`]
      : []),
    `Content-Length ${presence(header("content-length"))}`,
    `Content-Range ${rangeForm(header("content-range"))}`,
    `Accept-Ranges ${accept === undefined ? "missing" : accept === "bytes" || accept === "none" ? accept : "another word"}`,
    `ETag ${etagForm(header("etag"))}`,
    `Last-Modified ${presence(header("last-modified"))}`,
    ...(header("transfer-encoding") === undefined ? [] : ["Transfer-Encoding present"]),
    ...ended,
  ];
  return [
    `Asked for ${asked}: ${status}; ${facts.join("; ")}`,
    `  - headers: ${headerList(Object.keys(headers), hidden)}`,
  ];
}

const presence = (value: string | undefined) => (value === undefined ? "missing" : "present");

function rangeForm(range: string | undefined): string {
  if (range === undefined) return "missing";
  if (/^bytes \d+-\d+\/\d+$/.test(range)) return "names range and length";
  if (/^bytes \d+-\d+\/\*$/.test(range)) return "names the range, not the length";
  return /^bytes \*\/\d+$/.test(range) ? "names the length alone" : "in another form";
}

function bodyLine({ answer, bytes, ms, offset }: Answered): string {
  const bodyMs = Math.max(1, ms - answer.ms);
  const speed = sizeInWords(Number(((bytes / bodyMs) * 1_000).toPrecision(2)));
  return `- Body of ${ASKED(offset)}: ${sizeRange(bytes)}, headers after ${msRange([answer.ms])}, then ${msRange([bodyMs])}, ${speed}/s`;
}

function locationOf({ answer, url }: Pick<FileExchange, "answer" | "url">): URL | undefined {
  const location = answer && answer.status >= 300 && answer.status < 400 ? headerOf(answer, "location") : undefined;
  return location !== undefined && URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
}

/** A signed link of an object store: https, a known host, 200 and 206 with length, strong ETag and ranges (RFC 9110). */
function differencesOf(exchange: FileExchange, hidden: Hidden): string[] {
  const { url, answer, offset, bytes, code } = exchange;
  const found: string[] = [];
  const say = (isOdd: boolean, text: string) => isOdd && found.push(text);
  say(url.protocol !== "https:", "A link leads to plain http.");
  say(familyOf(url) === undefined, `The file host is of no known family: ${hostShown(url, hidden)}.`);
  say(
    ![...url.searchParams.keys()].some((name) => /^x-(?:amz|goog)-signature$|^sig$|^signature$/i.test(name)),
    "A link has no known signature in its query.",
  );
  if (!answer) return [...found, "The file host did not answer a request."];
  const { status, headers } = answer;
  const target = locationOf(exchange);
  say(target !== undefined, `The file host answered with a redirect (${status}).`);
  say(target?.protocol === "http:", "A redirect leads to plain http.");
  if (target && familyOf(target) === undefined)
    say(true, `A redirect leads to a host of no known family: ${hostShown(target, hidden)}.`);
  say(status >= 400, `The file host answered ${status}${offset > 0 ? " to a request for the rest" : ""}.`);
  if (status !== 200 && status !== 206) return found;
  const header = (name: string) => headerOf(answer, name);
  const etag = etagForm(header("etag"));
  const codings = codingsOf(headers);
  const length = Number(header("content-length"));
  say(etag === "none", "The file host sends no ETag.");
  say(etag.startsWith("weak"), "The file host sends a weak ETag.");
  say(etag.includes("another") || etag.includes("without"), `The ETag has a form of its own: ${etag}.`);
  say(codings.length > 0, `The file host names a content coding: ${codings.join(", ")}.`);
  say(header("accept-ranges") !== "bytes", "The file host does not say that it has ranges (Accept-Ranges: bytes).");
  say(header("content-length") === undefined, "The file host names no length (Content-Length).");
  say(header("last-modified") === undefined, "The file host does not say when the file was changed (Last-Modified).");
  say(
    !TYPES.includes(mediaTypeOf(headers) ?? ""),
    `The file has the media type ${mediaTypeOf(headers) ?? "of nothing"}.`,
  );
  say(offset > 0 && status === 200, "The file host sent the whole file although the rest was asked for.");
  say(offset === 0 && status === 206, "The file host sent a range although the whole file was asked for.");
  say(
    status === 206 && rangeForm(header("content-range")) !== "names range and length",
    "A range does not say what it is (Content-Range).",
  );
  say(bytes < length && bytes > 0, "A body ended before its announced length.");
  say(code !== undefined, `A body did not end well: ${codeShown(code ?? "", hidden)}.`);
  return found;
}

/** What object stores name for such a file when its uploader named nothing better. */
const TYPES = [
  "application/gzip",
  "application/x-gzip",
  "application/octet-stream",
  "binary/octet-stream",
  "application/x-tar",
];
