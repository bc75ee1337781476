// Undoes the escapes in a text, and tells where each piece of the result stands in that text.
import { INVISIBLE, patternOf } from "./text.ts";

/** Layers of escapes, as in JSON within JSON within a URL. */
const MAX_LAYERS = 3;

/** Without one of these there is no escape. Escapes hide invisible characters, which the first layer no longer has. */
const beginning = patternOf(`[%&\\\\]|${INVISIBLE}`, "u");
const hidden = patternOf(INVISIBLE, "gu");

/** The names of HTML for ASCII and for invisible characters, in lower case. */
const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  sol: "/",
  bsol: "\\",
  plus: "+",
  equals: "=",
  num: "#",
  percnt: "%",
  period: ".",
  comma: ",",
  lowbar: "_",
  underbar: "_",
  commat: "@",
  colon: ":",
  semi: ";",
  dollar: "$",
  excl: "!",
  quest: "?",
  ast: "*",
  midast: "*",
  hat: "^",
  grave: "`",
  diacriticalgrave: "`",
  lpar: "(",
  rpar: ")",
  lsqb: "[",
  lbrack: "[",
  rsqb: "]",
  rbrack: "]",
  lcub: "{",
  lbrace: "{",
  rcub: "}",
  rbrace: "}",
  vert: "|",
  verbar: "|",
  verticalline: "|",
  tab: "\t",
  newline: "\n",
  shy: "",
  zerowidthspace: "",
  negativeverythinspace: "",
  negativethinspace: "",
  negativemediumspace: "",
  negativethickspace: "",
  zwnj: "",
  zwj: "",
  lrm: "",
  rlm: "",
  nobreak: "",
  applyfunction: "",
  af: "",
  invisibletimes: "",
  it: "",
  invisiblecomma: "",
  ic: "",
};

/**
 * An octet of ASCII or the octets of other characters (RFC 3986 section 2.1), a character reference (HTML section 13.5; of the
 * names, those in `NAMED`), an escape of JSON (RFC 8259 section 7), and a character that an escape of the layer above had hidden.
 */
const anyEscape = patternOf(
  [
    "%([0-7][0-9a-f])",
    "((?:%[89a-f][0-9a-f]){1,64})",
    "&#x0{0,8}([0-9a-f]{1,6});?",
    "&#0{0,8}([0-9]{1,7});?",
    `&(${Object.keys(NAMED).join("|")});`,
    "\\\\u([0-9a-f]{4})",
    '\\\\(["\\\\/])',
    INVISIBLE,
  ].join("|"),
  "giu",
);

interface Decoded {
  text: string;
  /** The place in the source of a place in `text`: whole escapes. */
  toSource: (range: readonly [start: number, end: number]) => readonly [start: number, end: number];
}

/**
 * The text with one layer of escapes undone, with two layers undone, and so on; none for a text without escapes. Takes time in
 * proportion to the length of the text.
 */
export function decodedLayers(source: string): Decoded[] {
  const layers: Decoded[] = [];
  for (let layer = 0; layer <= MAX_LAYERS; layer += 1) {
    const outer = layers.at(-1);
    // After the last layer only what it had hidden goes.
    const inner = withoutLayer(outer?.text ?? source, layer < MAX_LAYERS ? anyEscape() : hidden());
    if (inner === undefined) break;
    layers.push(outer ? { text: inner.text, toSource: (range) => outer.toSource(inner.toSource(range)) } : inner);
  }
  return layers;
}

/** Where an escape stands in the source, and its meaning in the result. */
interface Place {
  sourceAt: number;
  sourceEnd: number;
  textAt: number;
  textEnd: number;
}

const BEFORE_ALL: Place = { sourceAt: 0, sourceEnd: 0, textAt: 0, textEnd: 0 };

function withoutLayer(source: string, pattern: RegExp): Decoded | undefined {
  if (!beginning().test(source)) return undefined;
  const pieces: string[] = [];
  const places: Place[] = [];
  let [read, written] = [0, 0];
  for (const match of source.matchAll(pattern)) {
    const sourceAt = match.index;
    const meaning = meaningOf(match);
    const textAt = written + sourceAt - read;
    pieces.push(source.slice(read, sourceAt), meaning);
    read = sourceAt + match[0].length;
    written = textAt + meaning.length;
    places.push({ sourceAt, sourceEnd: read, textAt, textEnd: written });
  }
  if (places.length === 0) return undefined;
  pieces.push(source.slice(read));

  /** The last escape that begins at or before a place in the text. */
  const placeBefore = (at: number): Place => {
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle]?.textAt ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return places[low - 1] ?? BEFORE_ALL;
  };
  return {
    text: pieces.join(""),
    toSource([start, end]) {
      const [first, last] = [placeBefore(start), placeBefore(end - 1)];
      return [
        start < first.textEnd ? first.sourceAt : first.sourceEnd + start - first.textEnd,
        end - 1 < last.textEnd ? last.sourceEnd : last.sourceEnd + end - last.textEnd,
      ];
    },
  };
}

function meaningOf([, octet, octets, hex, decimal, name, unit, self]: RegExpExecArray): string {
  if (octet !== undefined) return String.fromCharCode(Number.parseInt(octet, 16));
  if (octets !== undefined) return Buffer.from(octets.replaceAll("%", ""), "hex").toString();
  if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
  if (name !== undefined) return NAMED[name.toLowerCase()] ?? "";
  if (hex !== undefined || decimal !== undefined) {
    const point = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : "";
  }
  return self ?? "";
}
