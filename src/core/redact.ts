/** Removes secrets from texts that leave the program: log lines, details of errors, answers of Atlas. */
export interface Redactor {
  /** From now on this value is removed; values below six characters are ignored, since they would tear up innocent text. */
  add(secret: string): void;
  /** The same for one of a series, of which the last few are remembered: those before have long expired. */
  addToken(token: string): void;
  /**
   * Without the known secrets of at least sixteen characters, for data that the program goes on with: a shorter one, such as a
   * password that is a word, stands in names and statuses by chance. Links stay as they are.
   */
  remove(text: string): string;
  /** The same, and without what grants access in a link and credentials of headers. */
  removeWithLinks(text: string): string;
  /** Without any known secret, credentials of headers, and what grants access in a link. */
  scrub(text: string): string;
}

const MIN_SECRET_CHARACTERS = 6;
/** Client secrets, private keys and tokens of Atlas are twice as long and more. */
const MIN_UNMISTAKABLE_CHARACTERS = 16;
/** A token lives an hour and is fetched once in it; retries on 401 bring no more than one a minute. */
const MAX_TOKENS = 8;
const REMOVED = "[removed]";

/**
 * A URL of any scheme; JSON text writes its ampersands as \u0026. A scheme is tried only where a run of its characters begins,
 * since trying at each of them takes seconds for a page of text.
 */
const LINK = /(?<![a-z0-9+.-])[a-z0-9+.-]{2,}:\/\/[^\s"\\]+(?:\\u0026[^\s"\\]*)*/gi;

/** The same, percent-encoded as a whole. */
const ENCODED_LINK = /\bhttps?%3A%2F%2F[^\s"'<>\\]+/gi;

/** What signs a link to a bucket, wherever a piece of one turns up: as a parameter, percent-encoded, or in JSON. */
const SIGNATURE =
  /((?:\bX-(?:Amz|Goog|Ms)-(?:Signature|Credential|Security-Token)|\b(?:sig|signature)(?=(?:=|%3D)[\w%~+/-]{16}))"?(?:=|%3D|:\s*)"?)[\w%.~/+-]+/gi;

/** The value of an Authorization header, whoever it belongs to; shorter words after these two are prose. */
const AUTHORIZATION = /\b(Basic|Bearer) +[\w.~+/=-]{16,}/gi;

/**
 * Removes every known secret in the forms it takes on its way (raw, percent-encoded, base64 at any offset, as within a Basic
 * pair), credentials of Authorization headers, and everything in a link that can grant access.
 */
export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  let tokens: string[] = [];
  let all: string[] = [];
  let unmistakable: string[] = [];

  function learn(): void {
    const known = [...secrets, ...tokens];
    all = formsOfAll(known);
    unmistakable = formsOfAll(known.filter(({ length }) => length >= MIN_UNMISTAKABLE_CHARACTERS));
  }

  return {
    add(secret) {
      if (secret.length < MIN_SECRET_CHARACTERS) return;
      secrets.add(secret);
      learn();
    },
    addToken(token) {
      tokens = [...tokens.slice(1 - MAX_TOKENS), token];
      learn();
    },
    remove: (text) => without(text, unmistakable),
    removeWithLinks: (text) => withoutLinks(text, unmistakable),
    scrub: (text) => withoutLinks(text, all),
  };
}

/** Longest first, so that no shorter form leaves the ends of a longer one behind. */
function formsOfAll(secrets: string[]): string[] {
  return [...new Set(secrets.flatMap(formsOf))].sort((a, b) => b.length - a.length);
}

function without(text: string, forms: string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, REMOVED), text);
}

function withoutLinks(text: string, forms: string[]): string {
  return without(text.replace(LINK, withoutAccess).replace(ENCODED_LINK, "[link removed]"), forms)
    .replace(SIGNATURE, `$1${REMOVED}`)
    .replace(AUTHORIZATION, `$1 ${REMOVED}`);
}

/**
 * A link keeps its host, and its path if that reads like the page of a document: some hosts put what grants access into the
 * path. User names, passwords, queries and fragments always go.
 */
function withoutAccess(link: string): string {
  const [, scheme = "", userInfo = "", host = "", path = "", rest = ""] =
    /^([a-z0-9+.-]+:\/\/)([^/?#]*@)?([^/?#]*)([^?#]*)(.*)$/is.exec(link) ?? [];
  if (rest.includes("?")) return `${host} [query removed]`;
  if (rest !== "" || path.split("/").some(mayGrantAccess)) return `${host} [path removed]`;
  return userInfo ? `${scheme}${REMOVED}@${host}${path}` : link;
}

/** Sixteen characters with a digit among them are no words; ids of Atlas grant nothing. */
function mayGrantAccess(segment: string): boolean {
  return segment.length >= 16 && /\d/.test(segment) && !/^[a-f0-9]{24}$/.test(segment);
}

function formsOf(secret: string): string[] {
  const percent = encodeURIComponent(secret);
  const base64 = [0, 1, 2].map((offset) => base64Core(secret, offset));
  return [
    secret,
    percent,
    percent.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    new URLSearchParams([["", secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    ...base64,
    ...base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    ...base64.map(encodeURIComponent),
  ];
}

/** The characters that base64 always gives a secret that starts `offset` bytes into a group of three, whatever is around it. */
function base64Core(secret: string, offset: number): string {
  const bytes = Buffer.from(secret);
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
  const bits = 8 * (offset + bytes.length);
  return encoded.slice(Math.ceil((8 * offset) / 6), Math.floor(bits / 6));
}
