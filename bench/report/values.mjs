/** One cell of a report as it was measured; undefined where it was not. */
function cellOf(sections, tableKey, rowKey, column) {
  const tables = Object.values(sections).flatMap((section) => section.tables);
  const value = tables.find(({ key }) => key === tableKey)?.rows.find(({ key }) => key === rowKey)?.cells[column];
  return typeof value === "string" ? undefined : value;
}

/** The figure of a cell, the median where there are many samples. */
export function medianOf(sections, table, row, column) {
  const value = cellOf(sections, table, row, column);
  return typeof value === "object" ? value.median : value;
}

/** The samples of a cell in short; undefined where there is but one figure. */
export function summaryOf(sections, table, row, column) {
  const value = cellOf(sections, table, row, column);
  return typeof value === "object" ? value : undefined;
}
