// Makes foreign texts and hosts fit to show, quotes words for shells, breaks lines, and finds what a misspelt word meant.

/** The pattern, built with its first use: one with Unicode's classes takes up to 1 ms, and a start needs none. */
export function patternOf(source: string, flags: string): () => RegExp {
  let pattern: RegExp | undefined;
  return () => {
    pattern ??= new RegExp(source, flags);
    return pattern;
  };
}

/** Terminal control sequences: CSI and OSC in their 7-bit and 8-bit forms (ECMA-48 section 5.4). */
const TERMINAL_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g;

/** Line breaks and tabs, which become one blank. */
const GAPS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** Blanks of other widths. */
const BLANKS = /(?! )\p{Zs}/gu;

/**
 * One character that is invisible or changes how others are shown: controls except `GAPS`, format characters, what Unicode
 * lets a program ignore, private use, noncharacters, lone surrogates, and the signs that are blank although they belong to none
 * of these: the empty Braille pattern, the object replacement, and fillers of Egyptian, Khitan and musical notation. Names that
 * need a joiner lose it, which is accepted.
 */
export const INVISIBLE =
  "[\\u0000-\\u0008\\u000e-\\u001f\\u007f-\\u0084\\u0086-\\u009f\\p{Cf}\\p{Default_Ignorable_Code_Point}\\p{Noncharacter_Code_Point}\\p{Cs}\\p{Co}\\u2800\\ufffc\\u{13441}\\u{13442}\\u{16fe4}\\u{1d159}]";
const allInvisible = patternOf(`${INVISIBLE}{1,64}`, "gu");

/**
 * One character that a reader could take for a closing quotation mark: those of Unicode, and the signs that look like one
 * (Unicode Technical Standard 39, confusables).
 */
const QUOTATION_MARK =
  "[\\p{Quotation_Mark}\\p{Pi}\\p{Pf}`´\\u02b9-\\u02be\\u02c8\\u02ca\\u02cb\\u02dd\\u02ee\\u02f4-\\u02f6\\u0374\\u0384\\u055a\\u055b\\u055d\\u05f2-\\u05f4\\u07f4\\u07f5\\u1cd3\\u144a\\u16cc\\u1fbd-\\u1fc1\\u1fcd-\\u1fcf\\u1fdd-\\u1fdf\\u1fed-\\u1fef\\u1ffd\\u1ffe\\u2032-\\u2037\\u2057\\u275b-\\u2760\\u276e\\u276f\\u3003\\u300a\\u300b\\u309b\\ua78b\\ua78c\\uff40\\uff9e\\u{16f51}\\u{16f52}\\u{1f676}-\\u{1f678}]";
const quotationMarks = patternOf(`${QUOTATION_MARK}+`, "gu");

/** Marks that stand on no letter and no number are shown on their own, and some look like a quotation mark. */
const looseMarks = patternOf(`(?<=^|[^\\p{L}\\p{N}\\p{M}]|${QUOTATION_MARK})\\p{M}+`, "gu");

/** A quick search for anything that `visible` might change: most texts are plain ASCII. */
const SUSPICIOUS = /[^\t\n\v\f\r -~]/;

/** Removes whatever could hide inside a word, so that a search finds every word. Keeps line breaks. */
export function visible(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text
    .replace(TERMINAL_SEQUENCES, "")
    .replace(allInvisible(), "")
    .replace(BLANKS, " ")
    .replace(looseMarks(), "");
}

/** Like `visible`, and on one line. */
export function oneLine(text: string): string {
  return visible(text).replace(GAPS, " ");
}

/**
 * Makes foreign text fit to show to a person or a model: one line, nothing invisible, at most `maxLength` characters. Does not
 * remove secrets: where a text may hold one, use `shown` of the redactor.
 */
export function clean(text: string, maxLength = 256): string {
  // Cut to four times the limit first, so that megabytes of text cost little.
  const line = oneLine(text.slice(0, maxLength * 4)).trim();
  return endOf(line, maxLength) === line.length ? line : `${line.slice(0, endOf(line, maxLength - 1))}…`;
}

/** The longest foreign text in a sentence: that of the longest field of an error of Atlas. */
const MAX_QUOTED_CHARACTERS = 512;

/** Before the closing mark, a backslash would look like its escape. */
const LAST_BACKSLASHES = /[\\\uff3c]+$/;

/**
 * The only way for foreign text into a sentence: cleaned, cut, and in quotation marks that it cannot close. Each run of
 * quotation marks in it becomes one apostrophe.
 */
export function quoted(text: string, maxLength = MAX_QUOTED_CHARACTERS): string {
  const harmless = clean(text, maxLength).replace(quotationMarks(), "'").replace(LAST_BACKSLASHES, "");
  return `"${harmless}"`;
}

/** Foreign texts as a sentence that names whose they are: `Atlas says: "…"`. The quotation mark ends the sentence. */
export function says(who: string, ...texts: string[]): string {
  return `${who} says: ${texts.map((text) => quoted(text)).join(", ")}`;
}

/** The index at which the first `characters` characters end. Walking costs less than splitting a long text. */
function endOf(text: string, characters: number): number {
  let at = 0;
  for (let count = 0; count < characters && at < text.length; count += 1)
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

/** RFC 1035 section 2.3.4, without the dot of the root. Underscores are not in it, but in the names of buckets. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;
const IPV6_ADDRESS = /^\[[\da-f:]{2,39}\]$/;

/** Host and port of a link that others wrote, fit to show: undefined if the host does not have the form of a host name. */
export function hostOf({ hostname, host }: Pick<URL, "hostname" | "host">): string | undefined {
  return HOST_NAME.test(hostname.replace(/\.$/, "")) || IPV6_ADDRESS.test(hostname) ? host : undefined;
}

/** Quotes one argument for a POSIX shell (POSIX.1-2017 XCU 2.2.2): between single quotes only the quote itself is special. */
export function posixQuote(argument: string): string {
  if (/^[\w%+,./:=@-]+$/.test(argument)) return argument;
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

/** Quotes one argument for the platform's usual shell: PowerShell on Windows, a POSIX shell elsewhere. */
export function shellQuote(argument: string, platform: NodeJS.Platform): string {
  return platform === "win32" ? powerShellQuote(argument) : posixQuote(argument);
}

function powerShellQuote(argument: string): string {
  if (/^[\w-]+$/.test(argument)) return argument;
  // Double quotes work in cmd.exe too; none of these characters is special between them in either shell.
  if (/^[\p{L}\p{N}_ ()+,./:=\\-]+$/u.test(argument)) return `"${argument}"`;
  // PowerShell accepts typographic quotes as plain ones; a doubled quote of either kind stands for one.
  return `'${argument.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}

const BYTE_UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes for people, in powers of 1000: `67.1 MB`. */
export function sizeInWords(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? bytes : value.toFixed(1)} ${BYTE_UNITS[power]}`;
}

const SPANS = [
  { unit: "hour", seconds: 3_600 },
  { unit: "minute", seconds: 60 },
];

/** A time span for people: `40 seconds`, `9 minutes`, `2 hours`. */
export function spanInWords(seconds: number): string {
  const { unit, seconds: each } = SPANS.find((span) => seconds >= 1.5 * span.seconds) ?? { unit: "second", seconds: 1 };
  const count = Math.max(1, Math.round(seconds / each));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

/** For a sentence: the first items of a list, and how many more there are. */
export function firstFew(items: readonly string[], limit = 10, separator = ", "): string {
  const rest = items.length - limit;
  return items.slice(0, limit).join(separator) + (rest > 0 ? ` and ${rest} more` : "");
}

/** The lines of a text, broken between words. Several blanks become one. A longer word, such as a path, is not cut. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let room = 0;
  for (const word of text.trim().split(/ +/)) {
    const length = [...word].length;
    if (length < room) {
      lines.push(`${lines.pop() ?? ""} ${word}`);
      room -= length + 1;
    } else {
      lines.push(word);
      room = width - length;
    }
  }
  return lines;
}

/** The candidate nearest to `word` in spelling, if at most `limit` letters differ. */
export function nearest(
  word: string,
  candidates: readonly string[],
  limit = Math.max(2, Math.floor(Math.min(word.length, COMPARED_CHARACTERS) / 3)),
): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= limit ? best.candidate : undefined;
}

/** More than any known name has; bounds the work for a long word. */
const COMPARED_CHARACTERS = 64;

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  const [from, to] = [a.slice(0, COMPARED_CHARACTERS), b.slice(0, COMPARED_CHARACTERS)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const substitute = (row[j] ?? 0) + (character === other ? 0 : 1);
      next.push(Math.min(substitute, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
