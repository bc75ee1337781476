import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import { type Batch, type Cell, mismatchesIn, printTally, runAtOnce } from "./cells.ts";
import { POST, READS, SAVES } from "./probes.ts";
import { network, OUTCOME_UNKNOWN, type Verdict } from "./rows.ts";

const TIMEOUT = network("TIMEOUT");
const NOT_LISTED = READS.filter(({ operation }) => operation !== "listRestoreJobs");
const [FIRST_SAVE] = SAVES;

/** The ways in which an operation does not answer in time. Every row has its own server, and all rows run at once. */
const ROWS: {
  row: string;
  fault: string;
  credentials?: CredentialKind;
  /** The operation that hangs, if it is not the call's own. */
  at?: "token";
  probes?: typeof READS;
  post: Verdict;
  /** Jobs that the one download request creates. */
  jobs: number;
}[] = [
  { row: "hang", fault: "hang", post: OUTCOME_UNKNOWN, jobs: 0 },
  { row: "hang with an API key", fault: "hang", credentials: "apiKey", post: OUTCOME_UNKNOWN, jobs: 0 },
  { row: "hang with a ready-made token", fault: "hang", credentials: "accessToken", post: OUTCOME_UNKNOWN, jobs: 0 },
  { row: "hang after the effect", fault: "hang-after", probes: NOT_LISTED, post: "ok", jobs: 1 },
  { row: "hang after the effect, the look-up too", fault: "hang-after", post: OUTCOME_UNKNOWN, jobs: 1 },
  { row: "headers after a minute", fault: "slow-headers@60000", post: OUTCOME_UNKNOWN, jobs: 1 },
  { row: "a byte every half second", fault: "trickle@500", post: OUTCOME_UNKNOWN, jobs: 1 },
  { row: "hang of the token endpoint", fault: "hang", at: "token", post: TIMEOUT, jobs: 0 },
  { row: "a token byte every half second", fault: "trickle@500", at: "token", post: TIMEOUT, jobs: 0 },
];

let batches: Batch[] = [];
beforeAll(async () => {
  batches = await Promise.all(
    ROWS.map(({ row, fault, credentials = "serviceAccount", at, probes = READS, post, jobs }) => {
      const cell = (probe: Cell["probe"], expected: Verdict, jobs = 0): Cell => ({
        ...{ row, probe, expected, jobs, posts: jobs },
        orders: `${at ?? probe.operation}=${fault}`,
      });
      return runAtOnce(
        [
          ...probes.map((probe) => cell(probe, TIMEOUT)),
          cell(POST, post, jobs),
          ...(FIRST_SAVE ? [cell(FIRST_SAVE, "goes on")] : []),
        ],
        { credentials, simulator: { projects: 10 } },
      );
    }),
  );
}, 150_000);
afterAll(() => printTally("Answers that do not come", batches));

describe.each(ROWS)("$row", ({ row }) => {
  test("ends every call in time", () => {
    expect(mismatchesIn(batches, row)).toEqual([]);
    const seen = batches.flatMap((batch) => batch.seen).filter(({ cell }) => cell.row === row);
    expect(seen.filter(({ ms }) => ms > 50_000)).toEqual([]);
  });
});

test("every server creates the expected jobs, writes only JSON-RPC and ends with code 0", () => {
  expect(batches.flatMap(({ complaints }) => complaints)).toEqual([]);
});
