// Reads the body of an answer: undoes its content codings, then parses its JSON, both within limits.
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";
import { hasCode } from "../core/errors.ts";
import type { HttpResponse } from "./messages.ts";

type Decode = (body: Buffer, limits: { maxOutputLength: number }) => Promise<Buffer>;

/** RFC 9110 section 8.4.1. Another word, such as identity or utf-8, changes nothing about the bytes. */
const DECODERS = new Map<string, Decode>([
  ["gzip", promisify(gunzip)],
  ["x-gzip", promisify(gunzip)],
  // Some servers leave out the zlib header, whose first byte ends in 8 (RFC 1950 section 2.2).
  ["deflate", (body, limits) => promisify(((body[0] ?? 0) & 15) === 8 ? inflate : inflateRaw)(body, limits)],
  ["br", promisify(brotliDecompress)],
]);

/** Each coding costs the work of inflating up to the limit. */
const MAX_CODINGS = 4;

/** Atlas nests five levels deep. Far deeper values could overflow the stack of code that walks them. */
const MAX_DEPTH = 64;

/**
 * Two hundred per entry of a full page; real entries have about thirty. Eight megabytes could hold millions of values, which
 * would take gigabytes of memory and minutes to process.
 */
const MAX_VALUES = 100_000;

/**
 * The parsed JSON of a body, or undefined. A proxy or gateway may code a body although the request asked for a plain one.
 * Rejects with `ERR_BUFFER_TOO_LARGE` as soon as a body inflates beyond `maxBytes`.
 */
export async function readBody(
  body: Buffer,
  { headers }: Pick<HttpResponse, "headers">,
  maxBytes: number,
): Promise<unknown> {
  const names = [headers["content-encoding"] ?? []].flat().join(",").toLowerCase().split(",");
  const decoders = names.flatMap((name) => DECODERS.get(name.trim()) ?? []);
  if (decoders.length > MAX_CODINGS) return undefined;
  let plain = body;
  // The header names the codings in the order in which they were applied.
  for (const decode of decoders.reverse()) plain = await undo(decode, plain, maxBytes);
  return parseJson(plain.toString());
}

async function undo(decode: Decode, body: Buffer, maxOutputLength: number): Promise<Buffer> {
  try {
    return await decode(body, { maxOutputLength });
  } catch (error) {
    if (hasCode(error, "ERR_BUFFER_TOO_LARGE")) throw error;
    return body; // Something on the way decoded it and left the header, or it is damaged and no JSON.
  }
}

const BYTE_ORDER_MARK = /^\uFEFF/;

/** The parsed JSON; undefined when the text is not JSON, or nests deeper or holds more values than any answer of Atlas. */
export function parseJson(body: string): unknown {
  const text = body.replace(BYTE_ORDER_MARK, "");
  if (isTooMuch(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON, such as a proxy's HTML page: the caller judges by the status.
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/** Reads each character once. A regular expression would rescan the rest of the text for every unterminated string. */
function isTooMuch(text: string): boolean {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) inString = !inString;
    else if (inString) index += character === BACKSLASH ? 1 : 0;
    else if (character === COMMA) values += 1;
    else if (OPENING.includes(character)) {
      depth += 1;
      values += 1;
    } else if (CLOSING.includes(character)) depth -= 1;
    if (depth > MAX_DEPTH || values > MAX_VALUES) return true;
  }
  return false;
}
