/** The tables of a report, as text for a terminal or as Markdown. */
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

/** A summary as its median and how far it spreads; what was measured once as it is. */
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
