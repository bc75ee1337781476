// Makes foreign texts and hosts fit to show, and finds what a misspelt word meant.

/** Terminal control sequences: CSI and OSC in their 7-bit and 8-bit forms (ECMA-48 section 5.4). */
const TERMINAL_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?/g;

/** Line breaks and tabs, which become one blank. */
const GAPS = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/**
 * Characters that are invisible or change how others are shown: controls, soft hyphen, bidirectional marks, zero-width and
 * invisible operators, variation selectors, interlinear marks, tag characters, private use, lone surrogates.
 */
const INVISIBLE =
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\p{Cs}\p{Co}\u{e0000}-\u{e0fff}]/gu;

/** Makes foreign text fit to show to a person or a model: one line, nothing invisible, at most `maxLength` characters. */
export function clean(text: string, maxLength = 256): string {
  // Cut to four times the limit first, so that megabytes of text cost little.
  const visible = text
    .slice(0, maxLength * 4)
    .replace(TERMINAL_SEQUENCES, "")
    .replace(GAPS, " ")
    .replace(INVISIBLE, "")
    .trim();
  return endOf(visible, maxLength) === visible.length ? visible : `${visible.slice(0, endOf(visible, maxLength - 1))}…`;
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

const BYTE_UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** A number of bytes for people, in powers of 1000: `67.1 MB`. */
export function sizeInWords(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? bytes : value.toFixed(1)} ${BYTE_UNITS[power]}`;
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
