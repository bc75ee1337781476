import { afterAll, beforeAll, expect, test } from "vitest";
import { STATUSES, WAITS } from "./api-rows.ts";
import { postCells, readCells } from "./cells.ts";
import { POST, READS } from "./probes.ts";
import { type Batch, runInTurn } from "./run-cells.ts";
import { openStation } from "./station.ts";
import { printTally } from "./tally.ts";
import { fromAtlas, verdictOf } from "./verdicts.ts";

/** A gateway sends these after the request may have reached Atlas: passing for a read, open for a download request. */
const BY_GATEWAY = [408, 425, 499];
const KNOWN = [...STATUSES, ...WAITS];
/** A status of which nobody has written down a meaning counts as the first of its hundred does (RFC 9110 section 15). */
const ROWS = Array.from({ length: 200 }, (_, index) => 400 + index).map((status) => {
  const meaningless = fromAtlas(status, undefined, { retryable: status >= 500 || BY_GATEWAY.includes(status) });
  const known = KNOWN.find(({ fault }) => fault === String(status));
  return known ?? { fault: String(status), read: meaningless, post: meaningless, jobs: 0 };
});
const JOB = READS.filter(({ operation }) => operation === "getRestoreJob");

let batches: Batch[] = [];
beforeAll(async () => {
  batches = await Promise.all([
    runInTurn(readCells(ROWS, JOB), 3),
    runInTurn(postCells(ROWS.filter(({ fault }) => Number(fault) < 500 && !BY_GATEWAY.includes(Number(fault)))), 2),
  ]);
}, 60_000);
afterAll(() => {
  const named = batches.map((batch) => ({ ...batch, seen: batch.seen.map(grouped) }));
  printTally("Every status", named);
});

const grouped = (seen: Batch["seen"][number]) => ({
  ...seen,
  cell: { ...seen.cell, row: `${seen.cell.row.slice(0, 1)}xx of ${seen.cell.probe.operation}` },
});

test("every status from 400 to 599 ends a read, and below 500 a download request, as a refusal with that status", () => {
  expect(batches.flatMap(({ seen }) => seen.flatMap(({ mismatch }) => mismatch ?? []))).toEqual([]);
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
});

test("every status from 500 to 599, and each that a gateway sends below, leaves open whether a download request created a job, and none is sent twice", async () => {
  const station = await openStation();
  const statuses = [...BY_GATEWAY, ...Array.from({ length: 100 }, (_, index) => 500 + index)];
  for (const status of statuses) station.simulator.order(`${POST.operation}=${status}*1`);
  const results = await Promise.all(statuses.map(() => station.server.call(POST.tool, POST.args(1))));
  // Requests arrive in any order, so which call meets which status is open.
  const verdicts = new Set(results.map((result) => JSON.stringify(verdictOf(result))));
  const expected = statuses.map((status) => fromAtlas(status, status === 500 ? "UNEXPECTED_ERROR" : undefined));
  expect(verdicts).toEqual(new Set(expected.map((facts) => JSON.stringify(facts))));
  expect(station.simulator.count(POST.operation)).toBe(103);
  expect(station.simulator.jobs).toEqual([]);
  expect(await station.close()).toEqual([]);
});
