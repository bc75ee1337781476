import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { credentialCells, tokenCells } from "./cells.ts";
import { CREDENTIAL_ROWS, TOKEN_ROWS } from "./credential-rows.ts";
import { type Batch, runApart } from "./run-cells.ts";
import { printTally } from "./tally.ts";

const GROUPS = [...credentialCells(CREDENTIAL_ROWS), ...tokenCells(TOKEN_ROWS)];

let batch: Batch;
beforeAll(async () => {
  batch = await runApart(GROUPS, 6);
}, 150_000);
afterAll(() => printTally("Faults at credentials", [batch]));

describe.each([...new Set(GROUPS.flat().map(({ row }) => row))])("%s", (row) => {
  test("ends a read and a download request as it must", () => {
    expect(batch.seen.flatMap(({ cell, mismatch }) => (cell.row === row && mismatch ? [mismatch] : []))).toEqual([]);
  });
});

test("every server writes JSON-RPC to standard output and records to standard error, and ends with code 0", () => {
  expect(batch.complaints).toEqual([]);
});
