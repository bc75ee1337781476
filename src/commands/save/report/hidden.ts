// Remembers what identifies somebody or grants access in what was observed, and finds it in a text.

/** What must not come out. Case does not matter. */
export interface Hidden {
  /** A name: of a cluster, a project, a person, a file. */
  name: (value: string) => void;
  /** Any other foreign text, and the ids, addresses and hosts in it. */
  text: (value: string) => void;
  /** Only the ids, addresses and hosts in it: the text itself is one of many that say the same. */
  pieces: (value: string) => void;
  /** What grants access. */
  secret: (value: string) => void;
  url: (url: URL) => void;
  /** Which remembered texts are in this one. */
  foundIn: (text: string) => string[];
  /** The same, or a part of a secret is in it. */
  isIn: (text: string) => boolean;
}

/** A longer text cannot be in a line of the report, but what is in it can. */
const MAX_TEXT_CHARACTERS = 2_000;
/** Only the beginning of a long text is searched. */
const MAX_SEARCHED_CHARACTERS = 64 * 1024;
/** A shorter text is only found as a word of its own: it may be a part of innocent words. */
const LONG_CHARACTERS = 6;
const MIN_CHARACTERS = 3;
/** As many characters of a secret in a row are no chance. */
const SECRET_RUN_CHARACTERS = 8;

/** Ids and digests, addresses of both versions of IP, hosts, mail addresses. */
const PIECES = [
  /[0-9a-f]{16,}/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}\b/g,
  /(?:[0-9a-f]{0,4}:){3,7}[0-9a-f]{0,4}/gi,
  // Only from where such a run begins: trying at every character would take seconds for a long text.
  /(?<![a-z0-9_.-])[a-z0-9_-]+(?:\.[a-z0-9_-]+)+\.[a-z][a-z0-9-]*\b/gi,
  /[\w.+-]{1,64}@[\w.-]{1,253}/g,
];
const LINK = /[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>\\]{1,8000}/gi;

/** `ownWords`, in lower case, are in the report whatever was observed, so finding one of them tells nothing. */
export function createHidden(ownWords: ReadonlySet<string>): Hidden {
  const values = new Set<string>();
  const secrets = new Set<string>();

  function add(value: string, minCharacters: number): void {
    const text = value.trim().toLowerCase();
    if (text.length < minCharacters || text.length > MAX_TEXT_CHARACTERS || ownWords.has(text)) return;
    values.add(text);
    // An address is also written with dashes, as in names of hosts.
    if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) values.add(text.replaceAll(".", "-"));
  }

  function text(value: string): void {
    add(value, MIN_CHARACTERS);
    pieces(value);
  }

  function pieces(value: string): void {
    const searched = value.slice(0, MAX_SEARCHED_CHARACTERS);
    for (const pattern of PIECES) for (const [piece] of searched.matchAll(pattern)) add(piece, MIN_CHARACTERS);
    for (const [link] of searched.matchAll(LINK)) if (URL.canParse(link)) url(new URL(link));
  }

  function url({ href, host, hostname, pathname, search, searchParams, username, password }: URL): void {
    for (const whole of [href, host, hostname, search]) add(whole, MIN_CHARACTERS);
    if (pathname.length >= LONG_CHARACTERS) add(pathname, LONG_CHARACTERS);
    // The last two labels may be shown.
    for (const label of hostname.split(".").slice(0, -2)) add(label, LONG_CHARACTERS);
    for (const segment of pathname.split("/")) {
      add(segment, MIN_CHARACTERS);
      add(unescaped(segment), MIN_CHARACTERS);
      add(unescaped(segment).replace(/\.[a-z0-9]{1,4}$/i, ""), MIN_CHARACTERS);
    }
    for (const value of [username, password, ...searchParams.values()])
      for (const part of [value, ...value.split("/")]) if (part.length >= LONG_CHARACTERS) secret(part);
  }

  function secret(value: string): void {
    const known = value.trim().toLowerCase();
    if (known.length < LONG_CHARACTERS) return;
    values.add(known);
    secrets.add(known);
  }

  function foundIn(whole: string): string[] {
    const searched = whole.toLowerCase();
    return [...values].filter((value) => isWithin(searched, value));
  }

  function sharesWithSecret(word: string): boolean {
    const searched = word.toLowerCase();
    for (let at = 0; at + SECRET_RUN_CHARACTERS <= searched.length; at += 1) {
      const run = searched.slice(at, at + SECRET_RUN_CHARACTERS);
      for (const known of secrets) if (known.includes(run)) return true;
    }
    return false;
  }

  return {
    name: (value) => add(value, 1),
    text,
    pieces,
    secret,
    url,
    foundIn,
    isIn: (word) => foundIn(word).length > 0 || sharesWithSecret(word),
  };
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // A lone percent sign, which decodes to nothing.
  }
}

const isLetter = (character: string | undefined) => character !== undefined && /[a-z0-9]/.test(character);

function isWithin(text: string, value: string): boolean {
  if (value.length >= LONG_CHARACTERS) return text.includes(value);
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1))
    if (!isLetter(text[at - 1]) && !isLetter(text[at + value.length])) return true;
  return false;
}
