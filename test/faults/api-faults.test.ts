import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Batch, mismatchesIn, postCells, printTally, readCells, runInTurn, saveCells } from "./cells.ts";
import { ROWS, worded } from "./rows.ts";

/** Faults that a save handles differently from a read or a request. For all others, the same code reads the answers. */
const FOR_SAVES = [
  ...[
    "reset-before",
    "cut",
    "garbage",
    "html",
    "empty",
    "no-content",
    "redirect@302",
    "huge",
    "nulls",
    "unknown-status",
  ],
  ...["hostile", "401", "403", "404", "429:retry-after=huge", "500"],
];

let batches: Batch[] = [];
beforeAll(async () => {
  const saves = saveCells(ROWS.filter(({ fault }) => FOR_SAVES.includes(fault)));
  batches = await Promise.all([
    runInTurn(readCells(ROWS), 10),
    runInTurn(postCells(ROWS), 6),
    runInTurn(saves, 8, { simulator: { projects: saves.length, jobMs: 2_000 } }),
  ]);
}, 150_000);
afterAll(() => printTally("Faults of the API", batches));

describe.each(ROWS)("$fault", ({ fault, read, post }) => {
  test(`ends reads with ${worded(read)} and a download request with ${worded(post)}`, () => {
    expect(mismatchesIn(batches, fault)).toEqual([]);
  });
});

test("no call takes longer than its 50 seconds", () => {
  const slow = batches.flatMap(({ seen }) => seen).filter(({ ms }) => ms > 50_000);
  expect(slow.map(({ cell }) => cell)).toEqual([]);
});

test("every server writes JSON-RPC to standard output and records to standard error, and ends with code 0", () => {
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
});
