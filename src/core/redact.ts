// Removes secrets from texts that leave the program.
import { isAtlasId } from "./atlas-id.ts";
import { decodedLayers } from "./escapes.ts";
import { clean, oneLine, visible } from "./text.ts";

/**
 * Secrets of Atlas (client secrets, private keys, access tokens) have at least twice as many characters. A shorter text could be
 * a word, and could not be removed from names and statuses.
 */
export const MIN_ATLAS_SECRET_CHARACTERS = 16;
/** The password of a proxy may be this short. Removing a shorter text wherever it occurs would shred innocent text. */
const MIN_SECRET_CHARACTERS = 6;

/**
 * For log lines, details of errors and answers of Atlas. Each function that takes a text first removes its invisible characters,
 * which could hide a secret now and be removed later.
 */
export interface Redactor {
  /** Removes this value from now on. Values of less than six characters are ignored. */
  add(secret: string): void;
  /** The same for an access token. Only the last few tokens are remembered; older ones have long expired. */
  addToken(token: string): void;
  /**
   * The same for what grants access in a link, but only for `scrub`: Atlas may send the link again, which must stay usable. A
   * path of plain words grants nothing, and local paths may contain it. Only the last few links are remembered.
   */
  addLink(url: URL): void;
  /**
   * For data that the program still uses: removes known secrets of at least sixteen characters. A shorter secret, which
   * only a proxy's password can be, can occur in names and statuses by chance. Links stay unchanged, and so does a text without secrets.
   */
  remove(text: string): string;
  /** Like `remove`, and removes credentials of headers, and what grants access in links. */
  removeWithLinks(text: string): string;
  /** Removes every known secret, credentials of headers, and what grants access in links. */
  scrub(text: string): string;
  /** A foreign text to show: scrubbed and then cut, since half a secret would not be recognised. See `clean`. */
  shown(text: string, maxLength?: number): string;
}

/** A token lives an hour and is fetched once an hour; retries after a 401 add at most one a minute. */
const MAX_TOKENS = 8;
/** A link and its redirects, for each of the transfers that run at once. */
const MAX_LINKS = 16;
const REMOVED = "[removed]";

/**
 * A URL of any scheme; JSON text writes its ampersands as \u0026. The look-behind tries a scheme only where a run of scheme
 * characters begins: trying at every character would take seconds for a page of text.
 */
const LINK = /(?<![a-z0-9+.-])[a-z0-9+.-]{2,}:\/\/[^\s"\\]+(?:\\u0026[^\s"\\]*)*/gi;

/** Signature parameters of a link to cloud storage, also outside the link: plain, percent-encoded, or in JSON. */
const SIGNATURE =
  /((?:\bX-(?:Amz|Goog|Ms)-(?:Signature|Credential|Security-Token)|\b(?:sig|signature)(?=(?:=|%3D)[\w%~+/-]{16}))"?(?:=|%3D|:\s*)"?)[\w%.~/+-]+/gi;

/** The value of any Authorization header; a shorter word after Basic or Bearer is prose. */
const AUTHORIZATION = /\b(Basic|Bearer) +[\w.~+/=-]{16,}/gi;

/**
 * Recognises each secret raw, in base64 and base64url at any offset, as in the credentials of the Basic scheme, in hexadecimal,
 * and under up to three layers of escapes: percent-encoding, references of HTML, escapes of JSON, each for some or all characters.
 */
export function createRedactor(given: readonly string[] = []): Redactor {
  const secrets = new Set<string>(given.filter(isLongEnough));
  let tokens: string[] = [];
  let links: string[] = [];
  /** Computed when the first text needs them: a start has no text to clean. */
  let forms: { all: string[]; unmistakable: string[] } | undefined;

  function known(): { all: string[]; unmistakable: string[] } {
    if (forms) return forms;
    const granting = [...secrets, ...tokens];
    forms = {
      all: formsOfAll([...granting, ...links]),
      unmistakable: formsOfAll(granting.filter(({ length }) => length >= MIN_ATLAS_SECRET_CHARACTERS)),
    };
    return forms;
  }

  return {
    add(secret) {
      if (!isLongEnough(secret)) return;
      secrets.add(secret);
      forms = undefined;
    },
    addToken(token) {
      if (!isLongEnough(token)) return;
      tokens = [...tokens.slice(1 - MAX_TOKENS), token];
      forms = undefined;
    },
    addLink({ pathname, search }) {
      const access = pathname + search;
      const isOpen = search === "" && !hasToken(pathname);
      if (isOpen || access.length < MIN_SECRET_CHARACTERS || links.includes(access)) return;
      links = [...links.slice(1 - MAX_LINKS), access];
      forms = undefined;
    },
    remove: (text) => ifChanged(text, (seen) => without(seen, known().unmistakable)),
    removeWithLinks: (text) => ifChanged(text, (seen) => withoutLinks(seen, known().unmistakable)),
    scrub: (text) => withoutLinks(visible(text), known().all),
    shown: (text, maxLength) => clean(withoutLinks(oneLine(text), known().all), maxLength),
  };
}

const isLongEnough = ({ length }: string) => length >= MIN_SECRET_CHARACTERS;

/** The text as it came if no secret was in it. */
function ifChanged(text: string, change: (seen: string) => string): string {
  const seen = visible(text);
  const changed = change(seen);
  return changed === seen ? text : changed;
}

/** Longest first: removing a shorter form first would leave the ends of a longer one behind. */
function formsOfAll(secrets: string[]): string[] {
  return [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
}

function without(text: string, forms: string[]): string {
  if (forms.length === 0) return text;
  const layers = decodedLayers(text);
  return withoutForms(withoutRanges(text, secretsIn(layers, forms)), forms);
}

const withoutForms = (text: string, forms: string[]) =>
  forms.reduce((left, form) => left.replaceAll(form, REMOVED), text);

type Range = readonly [start: number, end: number];
type Layers = ReturnType<typeof decodedLayers>;

/** Where the text hides a secret under escapes. */
function secretsIn(layers: Layers, forms: string[]): Range[] {
  const plain = layers.at(-1);
  if (plain === undefined) return [];
  const ranges: Range[] = [];
  for (const form of forms)
    for (let at = plain.text.indexOf(form); at !== -1; at = plain.text.indexOf(form, at + form.length))
      ranges.push(plain.toSource([at, at + form.length]));
  return ranges;
}

/** Where the text hides under escapes what grants access: a link, a signature or an Authorization header. */
function accessIn(layers: Layers): Range[] {
  return layers.flatMap(({ text, toSource }) => {
    const links = [...text.matchAll(LINK)].filter(([link]) => withoutAccess(link) !== link);
    const others = [SIGNATURE, AUTHORIZATION].flatMap((pattern) => [...text.matchAll(pattern)]);
    return [...links, ...others].map(({ 0: match, index }) => toSource([index, index + match.length]));
  });
}

function withoutRanges(text: string, ranges: Range[]): string {
  const pieces: string[] = [];
  let at = 0;
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    if (start >= at) pieces.push(text.slice(at, start), REMOVED);
    at = Math.max(at, end);
  }
  return pieces.join("") + text.slice(at);
}

function withoutLinks(text: string, forms: string[]): string {
  const bare = text.replace(LINK, withoutAccess);
  const layers = decodedLayers(bare);
  const plain = withoutRanges(bare, [...secretsIn(layers, forms), ...accessIn(layers)]);
  return withoutForms(plain, forms).replace(SIGNATURE, `$1${REMOVED}`).replace(AUTHORIZATION, `$1 ${REMOVED}`);
}

/**
 * Always removes user name, password, query and fragment. Keeps the path of a link without query and fragment if no segment of
 * it may be a token, which some hosts put there. The path of a local file is a place in our own code, in the stack of an error.
 */
function withoutAccess(link: string): string {
  const [, scheme = "", userInfo = "", host = "", path = "", rest = ""] =
    /^([a-z0-9+.-]+:\/\/)([^/?#]*@)?([^/?#]*)([^?#]*)(.*)$/is.exec(link) ?? [];
  if (rest.includes("?")) return `${host} [query removed]`;
  const isLocalFile = scheme.toLowerCase() === "file://" && host === "";
  if (rest !== "" || (hasToken(path) && !isLocalFile)) return `${host} [path removed]`;
  return userInfo ? `${scheme}${REMOVED}@${host}${path}` : link;
}

const hasToken = (path: string) => path.split("/").some(mayGrantAccess);

/** Sixteen characters or more with a digit among them are no word. Ids of Atlas grant nothing. */
function mayGrantAccess(segment: string): boolean {
  return segment.length >= 16 && /\d/.test(segment) && !isAtlasId(segment);
}

function formsOf(secret: string): string[] {
  const base64 = [0, 1, 2].map((offset) => base64Core(secret, offset));
  const hex = Buffer.from(secret).toString("hex");
  return [
    secret,
    // A link has escapes of its own, which are undone together with those of the text.
    decodedLayers(secret).at(-1)?.text ?? secret,
    // In the body of a form.
    secret.replaceAll(" ", "+"),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    hex,
    hex.toUpperCase(),
  ];
}

/** The base64 characters that depend on the secret alone if it starts `offset` bytes into a group of three. */
function base64Core(secret: string, offset: number): string {
  const bytes = Buffer.from(secret);
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const bits = 8 * (offset + bytes.length);
  return encoded.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6));
}
