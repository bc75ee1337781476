import { afterAll, beforeAll, expect, test } from "vitest";
import { type Batch, mismatchesIn, postCells, printTally, readCells, runInTurn } from "./cells.ts";
import { POST, READS } from "./probes.ts";
import { EVERY_STATUS, FROM_GATEWAYS, fromAtlas, verdictOf } from "./rows.ts";
import { openStation } from "./station.ts";

const JOB = READS.filter(({ operation }) => operation === "getRestoreJob");
const REFUSALS = EVERY_STATUS.filter(({ fault }) => Number(fault) < 500 && !FROM_GATEWAYS.includes(Number(fault)));

let batches: Batch[] = [];
beforeAll(async () => {
  batches = await Promise.all([runInTurn(readCells(EVERY_STATUS, JOB), 3), runInTurn(postCells(REFUSALS), 2)]);
}, 60_000);
afterAll(() => {
  const byHundred = (seen: Batch["seen"][number]) => ({
    ...seen,
    cell: { ...seen.cell, row: `${seen.cell.row.slice(0, 1)}xx of ${seen.cell.probe.operation}` },
  });
  printTally(
    "Every status",
    batches.map((batch) => ({ ...batch, seen: batch.seen.map(byHundred) })),
  );
});

test("every status from 400 to 599 ends a read, and below 500 a download request, as a refusal with that status", () => {
  expect(mismatchesIn(batches)).toEqual([]);
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
});

test("after a status from 500 to 599 or of a gateway, the outcome of a download request is unknown and the request is not repeated", async () => {
  const station = await openStation();
  const statuses = [...FROM_GATEWAYS, ...Array.from({ length: 100 }, (_, index) => 500 + index)];
  for (const status of statuses) station.simulator.order(`${POST.operation}=${status}*1`);
  const results = await Promise.all(statuses.map(() => station.server.call(POST.tool, POST.args(1))));
  // Requests arrive in any order, so any call may meet any status.
  const verdicts = new Set(results.map((result) => JSON.stringify(verdictOf(result))));
  const expected = statuses.map((status) => fromAtlas(status, status === 500 ? "UNEXPECTED_ERROR" : undefined));
  expect(verdicts).toEqual(new Set(expected.map((facts) => JSON.stringify(facts))));
  expect(station.simulator.count(POST.operation)).toBe(103);
  expect(station.simulator.jobs).toEqual([]);
  expect(await station.close()).toEqual([]);
});
