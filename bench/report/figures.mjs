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

/** Every target and the value measured for it; `met` is undefined if nothing was measured. */
export function judge(sections) {
  const cell = (table, row, column) => medianOf(sections, table, row, column);
  const ratio = (one, other) => (one === undefined || other === undefined ? undefined : one / other);
  const gap = (one, other) => (one === undefined || other === undefined ? undefined : one - other);
  const init = (row) => cell("start", row, "initializeMs");
  const p50 = (row) => cell("call", row, "p50");
  const took = (line, row) => cell(`transfer-${line}`, row, "seconds");
  const peak = (bytes) => cell("growth-size", String(bytes), "peakMb");
  const projects = (column) => cell("growth-projects", "500", column);

  return [
    atMost(
      1,
      "time to `initialize` relative to the minimal server",
      ratio(init("current ours"), init("current minimal")),
      2,
    ),
    atMost(60, "memory after `tools/list`, MB", cell("start", "current ours", "memory"), 1),
    atMost(20_000, "`tools/list`, bytes", cell("start", "current ours", "listBytes")),
    atMost(
      8_000,
      "bytes of that read by models: names, titles, descriptions, inputs",
      cell("start", "current ours", "readBytes"),
    ),
    ...["http", "https"].flatMap((scheme) =>
      [
        ["service account", "serviceAccount"],
        ["API key", "apiKey"],
        ["access token", "accessToken"],
      ].map(([name, kind]) =>
        atMost(
          1,
          `p50 of a call minus that of a plain request, ${scheme}, ${name}, ms`,
          gap(p50(`${scheme} ${kind}`), p50(`${scheme} plain`)),
          2,
        ),
      ),
    ),
    ...[
      ["loopback", "loopback"],
      ["slow", "1 Gbit/s"],
    ].flatMap(([line, name]) =>
      ["4:1", "incompressible"].flatMap((kind) => [
        atMost(
          0.5,
          `time to save and verify relative to by hand, ${name}, ${kind}`,
          ratio(took(line, `${kind} ours`), took(line, `${kind} usual`)),
          2,
        ),
        below(
          1,
          `relative to the fastest tools by hand, ${name}, ${kind}`,
          ratio(took(line, `${kind} ours`), took(line, `${kind} fastest`)),
          2,
        ),
      ]),
    ),
    atMost(150, "peak memory for 4 GiB, MB", peak(4 * GIB)),
    atMost(10, "peak memory for 4 GiB minus that for 256 MiB, MB", gap(peak(4 * GIB), peak(GIB / 4))),
    atMost(1_000, "packed, kB", cell("footprint", "packed", "value")),
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
