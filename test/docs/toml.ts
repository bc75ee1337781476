const VALUE = /"[^"\\]*"|\[(?:"[^"\\]*"(?:, )?)*\]/;
const PAIR = new RegExp(`^([\\w-]+) = (${VALUE.source}|\\{ .* \\})$`);

/** Tables of strings, lists and inline tables, by their dotted names: as much of TOML as the pages use. Throws on anything else. */
export function parseToml(text: string): Record<string, Record<string, unknown>> {
  const tables: Record<string, Record<string, unknown>> = {};
  let table: Record<string, unknown> | undefined;
  for (const line of text.split("\n").filter((candidate) => candidate.trim() !== "")) {
    const [, name] = /^\[([\w-]+(?:\.[\w-]+)*)\]$/.exec(line) ?? [];
    if (name !== undefined) {
      if (Object.hasOwn(tables, name)) throw new Error(`The table ${name} occurs twice`);
      table = {};
      tables[name] = table;
      continue;
    }
    if (!table) throw new Error(`Outside of a table: ${line}`);
    Object.assign(table, parsePair(line));
  }
  return tables;
}

function parsePair(text: string): Record<string, unknown> {
  const [, key, value] = PAIR.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new Error(`Not understood: ${text}`);
  if (!value.startsWith("{")) return { [key]: JSON.parse(value) };
  return { [key]: Object.assign({}, ...value.slice(2, -2).split(", ").map(parsePair)) };
}
