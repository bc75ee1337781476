import { figure } from "./tables.mjs";
import { medianOf } from "./values.mjs";

/** The few rows that the README has. */
export function speedTable(sections) {
  const show = (table, row, column, digits, unit) => {
    const value = medianOf(sections, table, row, column);
    return value === undefined ? "not measured" : `${figure(value, digits)} ${unit}`;
  };
  const init = (row) => show("start", row, "initializeMs", 0, "ms");
  const asked = (row) => show("call", row, "p50", 2, "ms");
  const took = (row) => show("transfer-loopback", row, "seconds", 1, "s");
  const byHand = (kind) => `${took(`${kind} usual`)} by hand; ${took(`${kind} fastest`)} with \`openssl\` and \`pigz\``;
  const row = (name, ours, beside) => ({ name, cells: { ours, beside } });
  const [current, later] = ["current", "later"].map((which) => versionOf(sections, which));
  return {
    head: "What",
    columns: [
      { key: "ours", head: "This server" },
      { key: "beside", head: "Beside it" },
    ],
    rows: [
      row(
        `From start to \`initialize\`, Node ${current}`,
        init("current ours"),
        `${init("current minimal")}: minimal server on the same SDK`,
      ),
      row(
        `The same with a compile cache, Node ${later}`,
        init("later cached"),
        `${init("later minimal")}: minimal server without one`,
      ),
      row(
        "Memory after `tools/list`",
        show("start", "current ours", "memory", 0, "MB"),
        `${show("start", "current minimal", "memory", 0, "MB")}: minimal server`,
      ),
      row("A call over https", asked("https serviceAccount"), `${asked("https plain")}: plain request`),
      row("1 GiB that unpacks to four, saved and verified", took("4:1 ours"), byHand("4:1")),
      row("1 GiB that hardly does", took("incompressible ours"), byHand("incompressible")),
      row(
        "Peak memory while 4 GiB are saved",
        show("growth-size", String(2 ** 32), "peakMb", 0, "MB"),
        `${show("growth-size", String(2 ** 28), "peakMb", 0, "MB")}: while 256 MiB are`,
      ),
      row(
        "Packed",
        show("footprint", "packed", "value", 0, "kB"),
        `${show("footprint", "packages", "value", 0, "package")} installed`,
      ),
    ],
  };
}

function versionOf({ start }, which) {
  const row = start?.tables[0].rows.find(({ key }) => key === `${which} ours`);
  return /Node (\d+)/.exec(row?.name ?? "")?.[1] ?? "";
}
