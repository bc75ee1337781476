import { figure } from "./tables.mjs";
import { medianOf } from "./values.mjs";

const SECOND_LIMIT = 50;
/** What the server allows itself to one origin. */
const CONNECTION_LIMIT = 16;
const GIB = 1024 ** 3;

/** What the figures are to be, each with what was measured; `met` is undefined where that was nothing. */
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
    atMost(1, "`initialize`, times a minimal server", ratio(init("current ours"), init("current minimal")), 2),
    atMost(
      0.85,
      "`initialize` with the compile cache, times a minimal server without",
      ratio(init("later cached"), init("later minimal")),
      2,
    ),
    atMost(60, "memory after `tools/list`, MB", cell("start", "current ours", "memory"), 1),
    atMost(18_000, "`tools/list`, bytes", cell("start", "current ours", "listBytes")),
    atMost(8_000, "of them names, titles, descriptions and inputs", cell("start", "current ours", "readBytes")),
    ...["http", "https"].flatMap((scheme) =>
      [
        ["service account", "serviceAccount"],
        ["API key", "apiKey"],
        ["access token", "accessToken"],
      ].map(([name, kind]) =>
        atMost(
          1,
          `a call over a plain request, ${scheme}, ${name}, p50, ms`,
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
          `saved and verified over by hand, ${name}, ${kind}`,
          ratio(took(line, `${kind} ours`), took(line, `${kind} usual`)),
          2,
        ),
        below(
          1,
          `over the fastest tools by hand, ${name}, ${kind}`,
          ratio(took(line, `${kind} ours`), took(line, `${kind} fastest`)),
          2,
        ),
      ]),
    ),
    atMost(150, "peak memory of 4 GiB, MB", peak(4 * GIB)),
    atMost(10, "that over the peak memory of 256 MiB, MB", gap(peak(4 * GIB), peak(GIB / 4))),
    atMost(1_000, "packed, kB", cell("footprint", "packed", "value")),
    atMost(1, "packages installed", cell("footprint", "packages", "value")),
    atMost(SECOND_LIMIT, "`list_flex_clusters` over 500 projects at 100 ms, seconds", projects("seconds"), 1),
    atMost(CONNECTION_LIMIT, "its connections", projects("connections")),
    atMost(0, "its requests refused by the rate limit", projects("refused")),
  ];
}

const atMost = (limit, what, value, digits) =>
  target(`at most ${figure(limit, 2)}`, what, value, digits, (it) => it <= limit);
const below = (limit, what, value, digits) =>
  target(`below ${figure(limit, 2)}`, what, value, digits, (it) => it < limit);

function target(limit, what, value, digits, holds) {
  if (value === undefined) return { what, limit, shown: "not measured" };
  return { what, limit, value, shown: figure(value, digits), met: holds(value) };
}

/** The targets as one more table. */
export function targetTable(targets) {
  const verdict = ({ met }) => (met === undefined ? "" : met ? "yes" : "**no**");
  return {
    key: "targets",
    head: "What",
    columns: [
      { key: "limit", head: "Target" },
      { key: "shown", head: "Measured" },
      { key: "met", head: "Met" },
    ],
    rows: targets.map((each) => ({
      name: each.what,
      cells: { limit: each.limit, shown: each.shown, met: verdict(each) },
    })),
  };
}
