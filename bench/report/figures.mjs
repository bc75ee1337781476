// Turns samples into summaries and tables, and compares them with the targets.

/** Quantiles and spread of the samples; undefined if one of them could not be measured. */
export function summarize(samples) {
  if (samples.length === 0 || samples.includes(undefined)) return undefined;
  const sorted = samples.toSorted((one, other) => one - other);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    min: sorted[0],
    max: sorted.at(-1),
    samples,
  };
}

/** Interpolates where the rank falls between two samples. */
function quantile(sorted, share) {
  const rank = (sorted.length - 1) * share;
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  return below + (above - below) * (rank - Math.floor(rank));
}

/** The median, minimum and maximum of a cell; undefined if it was measured once or not at all. */
export function summaryOf(sections, tableKey, rowKey, column) {
  const value = cellAt(sections, tableKey, rowKey, column);
  return typeof value === "object" ? value : undefined;
}

/** The value of a cell, or the median of several samples; undefined if it was not measured. */
export function medianOf(sections, tableKey, rowKey, column) {
  const value = cellAt(sections, tableKey, rowKey, column);
  return typeof value === "object" ? value.median : value;
}

function cellAt(sections, tableKey, rowKey, column) {
  const tables = Object.values(sections).flatMap((section) => section.tables);
  const value = tables.find(({ key }) => key === tableKey)?.rows.find(({ key }) => key === rowKey)?.cells[column];
  return typeof value === "string" ? undefined : value;
}

/** A table for a terminal. */
export function asText(table) {
  const cells = gridOf(table).map((row) => row.map((cell) => cell.replace(/[`*]/g, "")));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join("  ")
      .trimEnd(),
  );
  const [head, ...body] = lines;
  return [...(table.title ? [table.title.replaceAll("`", "")] : []), head, "-".repeat(head.length), ...body].join("\n");
}

export function asMarkdown(table) {
  const [head, ...body] = gridOf(table).map((row) => `| ${row.join(" | ")} |`);
  const rule = `| --- |${table.columns.map(() => " ---: |").join("")}`;
  return [...(table.title ? [`**${table.title}**`, ""] : []), head, rule, ...body].join("\n");
}

function gridOf({ head, columns, rows }) {
  const lines = rows.map(({ name, cells }) => [name, ...columns.map(({ key, digits }) => cellOf(cells[key], digits))]);
  return [[head, ...columns.map((column) => column.head)], ...lines];
}

/** A summary is shown as its median and spread. */
function cellOf(value, digits = 0) {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number") return figure(value, digits);
  const { median, min, max } = value;
  const [low, high] = [figure(min, digits), figure(max, digits)];
  return low === high ? low : `${figure(median, digits)} (${low}–${high})`;
}

export function figure(value, digits = 0) {
  const shown = Number.isInteger(value) ? 0 : digits;
  return value.toLocaleString("en", { minimumFractionDigits: shown, maximumFractionDigits: shown });
}

/** The longest that a tool call may take. */
const CALL_SECONDS = 50;
/** The most connections that the server opens to one origin. */
export const CONNECTIONS = 16;
const GIB = 1024 ** 3;

/** How a ratio is called in tables. */
const KINDS = ["4:1", "incompressible"];

export const ratio = (one, other) => (one === undefined || other === undefined ? undefined : one / other);

/** The time of a call, as multiples of what it cannot avoid: its one request to Atlas, and a call of an empty server. */
export function callRatio(sections, scheme, kind) {
  const p50 = (row) => medianOf(sections, "call", row, "p50");
  const [plain, echo] = [p50(`${scheme} plain`), p50("echo")];
  return plain === undefined || echo === undefined ? undefined : ratio(p50(`${scheme} ${kind}`), plain + echo);
}

/** Every target and the value measured for it; `met` is undefined if nothing was measured. Ratios come first. */
export function judge(sections) {
  const cell = (table, row, column) => medianOf(sections, table, row, column);
  const gap = (one, other) => (one === undefined || other === undefined ? undefined : one - other);
  const start = (row, column) => cell("start", row, column);
  const transfer = (line, row, column) => cell(`transfer-${line}`, row, column);
  const peak = (bytes) => cell("growth-size", String(bytes), "peakMb");
  const projects = (column) => cell("growth-projects", "500", column);
  const startRatio = (version, column) => ratio(start(`${version} ours`, column), start(`${version} minimal`, column));
  const transferRatio = (line, kind, other, column = "seconds") =>
    ratio(transfer(line, `${kind} ours`, column), transfer(line, `${kind} ${other}`, column));

  return [
    ...[20, 24].flatMap((version) => [
      atMost(
        0.75,
        `\`initialize\` relative to the minimal server's, Node ${version}`,
        startRatio(version, "initializeMs"),
        2,
      ),
      atMost(0.8, `\`tools/list\` relative to the minimal server's, Node ${version}`, startRatio(version, "listMs"), 2),
      atMost(
        1.1,
        `\`server/discover\` relative to \`initialize\`, Node ${version}`,
        ratio(start(`${version} ours`, "discoverMs"), start(`${version} ours`, "initializeMs")),
        2,
      ),
    ]),
    atMost(1, "memory after `tools/list` relative to the minimal server's, Node 20", startRatio(20, "memory"), 2),
    ...["http", "https"].flatMap((scheme) =>
      [
        ["service account", "serviceAccount"],
        ["API key", "apiKey"],
        ["access token", "accessToken"],
      ].map(([name, kind]) =>
        atMost(
          2,
          `a call relative to a plain request plus an empty call, ${scheme}, ${name}`,
          callRatio(sections, scheme, kind),
          2,
        ),
      ),
    ),
    ...KINDS.flatMap((kind) => [
      atMost(
        0.45,
        `time of a verified file relative to by hand, loopback, ${kind}`,
        transferRatio("loopback", kind, "usual"),
        2,
      ),
      below(
        0.85,
        `the same relative to \`openssl\` and \`pigz\`, loopback, ${kind}`,
        transferRatio("loopback", kind, "fastest"),
        2,
      ),
      atMost(
        1,
        `CPU seconds relative to \`openssl\` and \`pigz\`, ${kind}`,
        transferRatio("loopback", kind, "fastest", "cpuSeconds"),
        2,
      ),
      atMost(
        0.52,
        `time of a verified file relative to by hand, 1 Gbit/s, ${kind}`,
        transferRatio("slow", kind, "usual"),
        2,
      ),
      below(
        0.85,
        `the same relative to \`openssl\` and \`pigz\`, 1 Gbit/s, ${kind}`,
        transferRatio("slow", kind, "fastest"),
        2,
      ),
    ]),
    atMost(20_000, "`tools/list`, bytes", start("20 ours", "listBytes")),
    atMost(8_500, "bytes of that read by models: names, titles, descriptions, inputs", start("20 ours", "readBytes")),
    atMost(130, "peak memory for 4 GiB, MB", peak(4 * GIB)),
    atMost(10, "peak memory for 4 GiB minus that for 256 MiB, MB", gap(peak(4 * GIB), peak(GIB / 4))),
    atMost(450, "packed, kB", cell("footprint", "packed", "value")),
    atMost(1, "packages installed", cell("footprint", "packages", "value")),
    atMost(CALL_SECONDS, "`list_flex_clusters` with 500 projects at 100 ms, seconds", projects("seconds"), 1),
    atMost(CONNECTIONS, "connections of that call", projects("connections")),
    atMost(0, "requests of that call refused by the rate limit", projects("refused")),
  ];
}

const atMost = (limit, what, value, digits) =>
  target(`at most ${figure(limit, 2)}`, what, value, digits, (it) => it <= limit);
const below = (limit, what, value, digits) =>
  target(`below ${figure(limit, 2)}`, what, value, digits, (it) => it < limit);

function target(limit, what, value, digits, holds) {
  if (value === undefined) return { what, limit, shown: "not measured" };
  return { what, limit, shown: figure(value, digits), met: holds(value) };
}

export function targetTable(targets) {
  const verdict = (met) => (met === undefined ? "" : met ? "yes" : "**no**");
  return {
    head: "What",
    columns: [
      { key: "limit", head: "Target" },
      { key: "shown", head: "Measured" },
      { key: "met", head: "Met" },
    ],
    rows: targets.map(({ what, limit, shown, met }) => ({ name: what, cells: { limit, shown, met: verdict(met) } })),
  };
}
