// Names what a file host sent in place of the file or of its bytes, from the first bytes of the body.
import type { FailureFacts } from "../../core/errors.ts";
import { OWN_ERRORS } from "../../core/own-errors.ts";

/** A tar shows at byte 257 that it is one. */
export const SNIFFED_BYTES = 512;

/** RFC 1952 §2.3.1: the first two bytes of every gzip member. */
export function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

export const PAGE_HINT = OWN_ERRORS.NOT_A_SNAPSHOT.hint;
const FORM_HINT = "Report it to the makers of this server, which saves gzip files only.";
const CODING_HINT =
  "Find the proxy or gateway that changes files on the way and exempt the file host from it, then call again.";

const starts = (hex: string) => (head: Buffer) => head.toString("hex").startsWith(hex);
const reads = (pattern: RegExp) => (head: Buffer) => pattern.test(head.toString().trimStart());

/** The first row that fits counts. */
const FORMS: readonly { fits: (head: Buffer) => boolean; what: string; hint: string }[] = [
  { fits: (head) => head.length === 0, what: "empty", hint: PAGE_HINT },
  { fits: starts("28b52ffd"), what: "a zstd file", hint: FORM_HINT },
  { fits: starts("6de29981"), what: "a mongodump archive that is not compressed", hint: FORM_HINT },
  {
    fits: (head) => head.subarray(257, 262).toString() === "ustar",
    what: "a tar that is not compressed",
    hint: FORM_HINT,
  },
  { fits: starts("425a68"), what: "a bzip2 file", hint: FORM_HINT },
  { fits: starts("fd377a585a00"), what: "an xz file", hint: FORM_HINT },
  { fits: starts("04224d18"), what: "an lz4 file", hint: FORM_HINT },
  { fits: starts("ff060000734e61507059"), what: "a snappy file", hint: FORM_HINT },
  { fits: starts("504b0304"), what: "a zip file", hint: FORM_HINT },
  { fits: starts("377abcaf271c"), what: "a 7z file", hint: FORM_HINT },
  ...["7801", "785e", "789c", "78da"].map((head) => ({
    fits: starts(head),
    what: "deflate data with a zlib header",
    hint: CODING_HINT,
  })),
  {
    fits: reads(/^[\da-f]{1,8}(?:;chunk-signature=|\r\n)/i),
    what: "the frames of aws-chunked, a coding for uploads",
    hint: CODING_HINT,
  },
  { fits: reads(/^(?:<\?xml[^>]*>\s*)?<Error\b/i), what: "an error document of an object store", hint: PAGE_HINT },
  { fits: reads(/^<(?:!doctype|html|head|body|\?xml|!--)/i), what: "a web page", hint: PAGE_HINT },
  { fits: reads(/^(?:\{\s*["}]|\[\s*["{\]])/), what: "JSON text", hint: PAGE_HINT },
  { fits: reads(/^[\s\x20-\x7e]+$/), what: "plain text", hint: PAGE_HINT },
];

/** The detail and the hint of a failure that says what came instead of a gzip file. */
export function whatItIs(head: Buffer): Pick<FailureFacts, "detail" | "hint"> {
  const form = FORMS.find(({ fits }) => fits(head));
  const what = form?.what ?? "in a form that this server does not know";
  return { detail: `What the file host sent is ${what}, not a gzip file.`, hint: form?.hint ?? FORM_HINT };
}

/** Longer than any error document of an object store. */
const MAX_ERROR_BYTES = 16 * 1024;

/** The code in the error document of an object store; undefined when the body is not such a document. */
export async function readErrorXmlCode(body: AsyncIterable<Buffer>): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  try {
    for await (const chunk of body) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= MAX_ERROR_BYTES) break;
    }
  } catch {
    // The refusal itself has arrived; of its document, what has arrived must do.
  }
  return errorXmlCodeIn(head.subarray(0, MAX_ERROR_BYTES).toString("latin1"));
}

/** What object stores say of an expired link under a code that they use for other refusals too. */
const EXPIRED = new Map([
  ["AccessDenied", /<Message>Request has expired/],
  ["AuthenticationFailed", /<AuthenticationErrorDetail>Signature not valid in the specified time frame/],
]);

export function errorXmlCodeIn(xml: string): string | undefined {
  const [, document = ""] = /<Error\b[^>]*>(.*)/s.exec(xml) ?? [];
  const code = /<Code>\s*([A-Za-z]{1,64})\s*<\/Code>/.exec(document)?.[1];
  return code !== undefined && EXPIRED.get(code)?.test(document) ? "RequestExpired" : code;
}
