import type { Batch, Seen } from "./run-cells.ts";

/** Prints how many calls of each row ended as they must, and what was not as it should be. */
export function printTally(title: string, batches: readonly Batch[]): void {
  const seen = batches.flatMap((batch) => batch.seen);
  const rows = [...new Set(seen.map(({ cell }) => cell.row))];
  const lines = rows.map((row) => {
    const cells = seen.filter(({ cell }) => cell.row === row);
    const slowest = Math.max(...cells.map(({ ms }) => ms));
    return [row, `${cells.length}`, `${cells.filter(isRight).length}`, `${(slowest / 1_000).toFixed(1)} s`];
  });
  const table = [
    ["fault", "expected", "seen", "slowest"],
    ...lines,
    ["all", `${seen.length}`, `${seen.filter(isRight).length}`, ""],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const printed = table.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
  process.stdout.write(`\n${title}\n${printed.join("\n")}\n`);
}

const isRight = ({ mismatch }: Seen) => mismatch === undefined;
