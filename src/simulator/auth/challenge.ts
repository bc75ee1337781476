/** The parameters of one `Authorization: Digest …` header (RFC 7616 section 3.4), undefined when it is malformed. */
export function parseDigest(header: string): Map<string, string> | undefined {
  const scheme = /^Digest\s+/i.exec(header);
  if (!scheme) return undefined;
  const parameters = new Map<string, string>();
  // name = token or quoted-string with escapes (RFC 9110 section 5.6.4), then a comma or the end.
  const parameter = /\s*([a-z0-9_-]+)\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))\s*(,|$)/iy;
  parameter.lastIndex = scheme[0].length;
  while (parameter.lastIndex < header.length) {
    const match = parameter.exec(header);
    if (!match) return undefined;
    const name = (match[1] ?? "").toLowerCase();
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "");
    if (match[4] === "") break;
  }
  return parameters;
}
