/** One challenge of a WWW-Authenticate header; names are in lower case, values unquoted. */
export interface Challenge {
  scheme: string;
  parameters: Map<string, string>;
}

// RFC 9110 sections 5.6.2 to 5.6.4 and 11.2. All are sticky: they match where reading has come to, or not at all.
const SEPARATORS = /[ \t,]*/y;
const SCHEME = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t,]|$)[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*(?=,|$)/sy;

/**
 * The challenges of one or several WWW-Authenticate headers (RFC 9110 section 11.6.1), in their order. Never throws: reading
 * of a header ends where it breaks the grammar, and a challenge that is broken itself is left out.
 */
export function parseChallenges(headers: string | string[] | undefined): Challenge[] {
  return [headers ?? []].flat().flatMap(parseHeader);
}

/** The parameters of a header that is a plain list of them, such as Authentication-Info (RFC 7615). */
export function parseParameters(header: string): Map<string, string> {
  return parseHeader(`list ${header}`)[0]?.parameters ?? new Map();
}

function parseHeader(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    if (at === text.length) return challenges;
    const current = challenges.at(-1);
    const parameter = current && take(PARAMETER);
    if (parameter) {
      const [, name = "", quoted, plain = ""] = parameter;
      const known = current.parameters.has(name.toLowerCase());
      if (known) return challenges.slice(0, -1); // Each name at most once: nobody can say which one is meant.
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, "$1") ?? plain);
      continue;
    }
    const scheme = take(SCHEME);
    // What follows is neither parameter nor challenge, so the one it belongs to is broken.
    if (!scheme) return challenges.slice(0, -1);
    challenges.push({ scheme: scheme[1]?.toLowerCase() ?? "", parameters: new Map() });
    take(TOKEN68);
  }
}
