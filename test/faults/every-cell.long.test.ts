import { afterAll, beforeAll, expect, test } from "vitest";
import { type Batch, mismatchesIn, postCells, printTally, readCells, runInTurn, saveCells } from "./cells.ts";
import { EVERY_STATUS, ROWS } from "./rows.ts";

const OTHERS = EVERY_STATUS.filter((row) => !ROWS.includes(row));

/** The meaning of a refusal of the credentials depends on their kind; credential-faults.test.ts has those rows. */
const FOR_ALL_KINDS = ROWS.filter(({ fault }) => !/^401|^echo-secret|^stale-nonce/.test(fault));

let batches: Batch[] = [];
beforeAll(async () => {
  const saves = saveCells([...ROWS, ...OTHERS.filter((_, index) => index % 10 === 0)]);
  const kinds = (["apiKey", "accessToken"] as const).flatMap((credentials) => [
    runInTurn(readCells(FOR_ALL_KINDS), 4, { credentials }),
    // Digest authentication takes two requests to send one.
    runInTurn(
      postCells(FOR_ALL_KINDS).map((cell) => ({ ...cell, posts: cell.posts * 2 })),
      4,
      { credentials },
    ),
  ]);
  batches = await Promise.all([
    ...kinds,
    runInTurn(readCells(OTHERS), 4),
    runInTurn(postCells(OTHERS), 12),
    runInTurn(saves, 8, { simulator: { projects: saves.length, jobMs: 2_000 } }),
  ]);
}, 900_000);
afterAll(() => printTally("Every fault of the API, for every tool and kind of credentials", batches));

test("every tool ends every call as its row says, whatever the fault and the credentials", () => {
  expect(mismatchesIn(batches)).toEqual([]);
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(batches.flatMap(({ seen }) => seen.filter(({ ms }) => ms > 50_000))).toEqual([]);
});
