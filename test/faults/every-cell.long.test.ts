import { afterAll, beforeAll, expect, test } from "vitest";
import { ANSWERS, STATUSES, WAITS } from "./api-rows.ts";
import { postCells, readCells, saveCells } from "./cells.ts";
import { type Batch, runInTurn } from "./run-cells.ts";
import { printTally } from "./tally.ts";
import { fromAtlas } from "./verdicts.ts";

/** A gateway sends these when a request took too long or broke off. */
const FROM_GATEWAYS = ["408", "425", "499"];
const ROWS = [...ANSWERS, ...STATUSES, ...WAITS];
const OTHERS = Array.from({ length: 200 }, (_, index) => String(400 + index))
  .filter((status) => !ROWS.some(({ fault }) => fault === status))
  .map((fault) => {
    const facts = fromAtlas(Number(fault), undefined, {
      retryable: Number(fault) >= 500 || FROM_GATEWAYS.includes(fault),
    });
    return { fault, read: facts, post: { ...facts, retryable: false }, jobs: 0 };
  });

/** What a refusal of the credentials means depends on their kind; those rows are in `credential-rows.ts`. */
const FOR_ALL_KINDS = ROWS.filter(({ fault }) => !/^401|^echo-secret|^stale-nonce/.test(fault));

let batches: Batch[] = [];
beforeAll(async () => {
  const saves = saveCells([...ROWS, ...OTHERS.filter((_, index) => index % 10 === 0)]);
  const kinds = (["apiKey", "accessToken"] as const).flatMap((credentials) => [
    runInTurn(readCells(FOR_ALL_KINDS), 4, { credentials }),
    // A Digest needs two requests to send one.
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
  expect(batches.flatMap(({ seen }) => seen.flatMap(({ mismatch }) => mismatch ?? []))).toEqual([]);
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(batches.flatMap(({ seen }) => seen.filter(({ ms }) => ms > 50_000))).toEqual([]);
});
