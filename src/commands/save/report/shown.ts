// What a report may show of foreign texts: words of fixed lists, names of a strict form, and the form of everything else.
import { hostOf } from "../../../core/text.ts";
import { type HttpResponse, headerOf } from "../../../http/messages.ts";
import type { Hidden } from "./hidden.ts";

export type Headers = HttpResponse["headers"];

/** Names that tell nothing of whoever sends them: RFC 9110 and its neighbours, Atlas, Envoy, S3, Google Cloud Storage, Azure, CDNs. */
export const KNOWN_HEADERS: ReadonlySet<string> = new Set(
  `accept-ranges access-control-allow-origin access-control-expose-headers age allow alt-svc cache-control connection
  content-disposition content-encoding content-language content-length content-md5 content-range content-security-policy
  content-type date deprecation digest etag expires keep-alive last-modified link location permissions-policy pragma
  referrer-policy repr-digest retry-after server server-timing set-cookie strict-transport-security sunset trailer
  transfer-encoding vary via warning www-authenticate x-content-type-options x-frame-options x-permitted-cross-domain-policies
  x-xss-protection ratelimit-limit ratelimit-remaining ratelimit-reset x-error-code x-java-method x-java-version
  x-envoy-upstream-service-time x-envoy-decorator-operation x-frontend-handler x-mongodb-service-version x-request-id
  x-amz-id-2 x-amz-request-id x-amz-version-id x-amz-expiration x-amz-restore x-amz-storage-class x-amz-delete-marker
  x-amz-server-side-encryption x-amz-server-side-encryption-aws-kms-key-id x-amz-server-side-encryption-bucket-key-enabled
  x-amz-replication-status x-amz-mp-parts-count x-amz-tagging-count x-amz-bucket-region x-amz-checksum-crc32
  x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-sha1 x-amz-checksum-sha256 x-amz-checksum-type x-amz-cf-id
  x-amz-cf-pop x-cache x-goog-generation x-goog-hash x-goog-metageneration x-goog-storage-class
  x-goog-stored-content-encoding x-goog-stored-content-length x-guploader-uploadid x-ms-request-id x-ms-version
  x-ms-blob-type x-ms-creation-time x-ms-lease-state x-ms-lease-status x-ms-server-encrypted x-ms-access-tier cf-ray
  cf-cache-status x-served-by x-timer x-cache-hits`.split(/\s+/),
);

const HEADER_NAME = /^[a-z][a-z0-9-]{1,40}$/;
export const FIELD_NAME = /^[A-Za-z][A-Za-z0-9]{0,40}$/;
/** Words in capitals, at most four digits in a row being no number of anything. */
const ENUM_VALUE = /^(?=.{1,41}$)[A-Z]{1,16}\d{0,3}(?:_(?:[A-Z]{1,16}\d{0,3}|\d{1,3}))*$/;
const OBJECT_STORE_CODE = /^[A-Z][A-Za-z]{2,40}$/;

/** Whether a foreign word has a form that names have, and none that numbers, ids and addresses have. */
function isPlain(word: string, form: RegExp): boolean {
  const looksLikeData = /\d{4}|[0-9a-f]{16}|\d{1,3}(?:-\d{1,3}){3}/i.test(word);
  return form.test(word) && !looksLikeData;
}

export const isEnumValue = (word: string): boolean => isPlain(word, ENUM_VALUE);

function list(words: Iterable<string>, isShown: (word: string) => boolean): string {
  const all = [...new Set(words)].sort();
  const shown = all.filter(isShown);
  const left = all.length - shown.length;
  const cut = shown.slice(0, MAX_LISTED);
  const others = left + shown.length - cut.length;
  return [...cut, ...(others > 0 ? [`${others} not shown`] : [])].join(", ") || "none";
}
const MAX_LISTED = 60;

export const headerList = (names: Iterable<string>, hidden: Hidden): string =>
  list(names, (name) => KNOWN_HEADERS.has(name) || (isPlain(name, HEADER_NAME) && !hidden.isIn(name)));

export const isFieldShown = (name: string, hidden: Hidden): boolean => isPlain(name, FIELD_NAME) && !hidden.isIn(name);

export const knownList = (words: Iterable<string>, known: readonly string[]): string =>
  list(words, (word) => known.includes(word));

/** A value of an enumeration or a code: as it is, or the form that it has. */
export function enumShown(value: string, hidden: Hidden, documented: readonly string[] = []): string {
  if (documented.includes(value)) return value;
  return isEnumValue(value) && !hidden.isIn(value) ? value : `a text of ${value.length} characters`;
}

/** A code of our own or of Atlas, of an object store, of the system or the HTTP library. */
export function codeShown(code: string, hidden: Hidden): string {
  const isCode = isPlain(code, ENUM_VALUE) || isPlain(code, OBJECT_STORE_CODE) || /^HTTP_\d{3}$/.test(code);
  return isCode && !hidden.isIn(code) ? code : "another code";
}

const MEDIA_TYPES = [
  "application/json",
  "application/gzip",
  "application/x-gzip",
  "application/tar+gzip",
  "application/x-tar",
  "application/x-tgz",
  "application/x-compressed",
  "application/x-compressed-tar",
  "application/zip",
  "application/octet-stream",
  "binary/octet-stream",
  "application/xml",
  "text/xml",
  "text/html",
  "text/plain",
  "multipart/byteranges",
];
const ATLAS_MEDIA_TYPE = /^application\/vnd\.atlas\.\d{4}-\d\d-\d\d\+json$/;

/** The media type without parameters; undefined where there is none. */
export function mediaTypeOf(headers: Headers): string | undefined {
  const type = headerOf({ headers }, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === undefined || MEDIA_TYPES.includes(type) || ATLAS_MEDIA_TYPE.test(type)) return type;
  return "another media type";
}

const CODINGS = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "identity", "aws-chunked", "utf-8"];

/** The content codings; empty where the body is plain. */
export function codingsOf(headers: Headers): string[] {
  const names = [headers["content-encoding"] ?? []].flat().join(",").toLowerCase().split(",");
  return names.flatMap((name) => {
    const coding = name.trim();
    return coding === "" ? [] : [CODINGS.includes(coding) ? coding : "another coding"];
  });
}

const SCHEMES = ["Digest", "Basic", "Bearer"];
const ALGORITHMS = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"];

/** The schemes of a challenge, with the algorithm of Digest. */
export function challengesOf(headers: Headers): string[] {
  return [headers["www-authenticate"] ?? []].flat().map((challenge) => {
    const scheme = SCHEMES.find((known) => challenge.toLowerCase().startsWith(`${known.toLowerCase()} `));
    const [, algorithm = ""] = /\balgorithm="?([\w-]+)/i.exec(challenge) ?? [];
    return [scheme ?? "another scheme", ...ALGORITHMS.filter((known) => known === algorithm)].join(" ");
  });
}

const SERVERS = [
  "mdbws",
  "AmazonS3",
  "UploadServer",
  "Windows-Azure-Blob/1.0",
  "cloudflare",
  "CloudFront",
  "envoy",
  "nginx",
];

/** Which server it is, by a fixed list. */
export function serverOf(headers: Headers): string {
  const server = headerOf({ headers }, "server");
  if (server === undefined) return "no name";
  return SERVERS.find((known) => server.startsWith(known)) ?? "another server";
}

/** The form of an ETag, which is the checksum of the file or tells nothing. */
export function etagForm(etag: string | undefined): string {
  if (etag === undefined) return "none";
  const [, weak, quoted, bare = ""] = /^(W\/)?(?:"([^"]*)"|(.*))$/s.exec(etag) ?? [];
  const inner = quoted ?? bare;
  const strength = `${weak ? "weak" : "strong"}${quoted === undefined ? ", without quotation marks" : ""}`;
  const parts = /^[0-9a-f]{32}-(\d{1,5})$/i.exec(inner)?.[1];
  if (/^[0-9a-f]{32}$/i.test(inner)) return `${strength}, like an MD5`;
  if (parts !== undefined) return `${strength}, like an MD5 of ${parts} part${parts === "1" ? "" : "s"}`;
  if (/^0x[0-9a-f]+$/i.test(inner)) return `${strength}, 0x and ${inner.length - 2} hexadecimal digits`;
  return `${strength}, another text of ${inner.length} characters`;
}

const FAMILIES: readonly (readonly [suffix: string, family: string])[] = [
  ["amazonaws.com", "Amazon S3 or another service of AWS"],
  ["storage.googleapis.com", "Google Cloud Storage"],
  ["blob.core.windows.net", "Azure Blob Storage"],
  ["cloudfront.net", "Amazon CloudFront"],
  ["mongodb.net", "MongoDB"],
  ["mongodb.com", "MongoDB"],
  ["mongodbgov.com", "MongoDB"],
];

export const familyOf = ({ hostname }: URL): string | undefined =>
  FAMILIES.find(([suffix]) => hostname === suffix || hostname.endsWith(`.${suffix}`))?.[1];

const LABEL = /^[a-z][a-z0-9-]{0,30}$/;

/** The last two labels of a host that has more; of others the form, since the whole name would tell who it is. */
export function hostShown(url: URL, hidden: Hidden): string {
  const name = hostOf(url) === undefined ? "" : url.hostname.replace(/\.$/, "");
  const labels = name.split(".");
  if (/^[[\d]|^$/.test(labels.at(-1) ?? "") || labels.length < 2) return "<address>";
  const last = labels.slice(-2);
  const isShown = labels.length > 2 && last.every((label) => isPlain(label, LABEL)) && !hidden.isIn(last.join("."));
  return isShown || familyOf(url) !== undefined ? last.join(".") : "<host>";
}

/** The form of a date: `9999-99-99T99:99:99Z`; undefined for another text. */
export function dateForm(text: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\d[\dT:.Z+ -]{0,25}$/.test(text)) return undefined;
  return text.replace(/\d/g, "9");
}

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

/** The powers of two between which sizes are: exact lengths could tell one answer from another. */
export function sizeRange(...sizes: number[]): string {
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (most === 0) return "empty";
  const from = least === 0 ? 0 : 2 ** Math.floor(Math.log2(least));
  return `${inUnits(from)} to ${inUnits(2 ** (Math.floor(Math.log2(most)) + 1))}`;
}

function inUnits(bytes: number): string {
  const power = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${bytes / 1024 ** power} ${UNITS[power]}`;
}

export function msRange(times: readonly number[]): string {
  const [least, most] = [Math.round(Math.min(...times)), Math.round(Math.max(...times))];
  return least === most ? `${least} ms` : `${least} to ${most} ms`;
}

export const times = (count: number): string => (count === 1 ? "once" : `${count} times`);
