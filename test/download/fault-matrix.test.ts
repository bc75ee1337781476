import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Failure } from "../../src/core/errors.ts";
import type { SaveReport } from "../../src/download/contract.ts";
import { createRetryBudget } from "../../src/download/transfer/transfer.ts";
import { CONTENT_ROWS } from "./content-rows.ts";
import {
  CONNECTION_ROWS,
  type FaultRow,
  IMPATIENT,
  type Outcome,
  RANGE_ROWS,
  STATUS_ROWS,
  type Versions,
} from "./fault-rows.ts";
import type { SeenRequest } from "./fault-server.ts";
import { defaultName, hashOf, KIB, namesIn, remoteFile, sha256, stage } from "./fixtures.ts";

const seen: { fault: string; expected: Outcome; seen: Outcome; requests: number }[] = [];
let versions: Versions;

beforeAll(async () => {
  versions = { one: await remoteFile(1100 * KIB, 1), two: await remoteFile(1100 * KIB, 2) };
});
afterAll(() => console.table(seen));

describe.each([
  ["connection", CONNECTION_ROWS],
  ["status", STATUS_ROWS],
  ["ranges and versions", RANGE_ROWS],
  ["content", CONTENT_ROWS],
] as const)("%s, where only a whole file gets its final name", (_group, rows) => {
  test.each(rows.map((row) => [row.name, row.expected, row] as const))("%s: %s", async (name, expected, row) => {
    const { script, ranges, silent, keeps, links = 1 }: FaultRow = row;
    const { server, source, save, folder } = await stage({ limits: silent ? IMPATIENT : {} }, ...script(versions));
    const outcome = await outcomeOf(save());
    seen.push({ fault: name, expected, seen: outcome, requests: server.requests.length });
    await expectHonestFolder(folder, outcome);
    expect(outcome).toBe(expected);
    if (ranges) expect(server.requests.map(startOf)).toEqual(ranges);
    expect(source.asked).toBe(links);
    if (keeps !== undefined) expect((await stat(join(folder, `${defaultName}.part`))).size).toBe(keeps);
  });
});

async function outcomeOf(saving: Promise<SaveReport>): Promise<Outcome> {
  try {
    const { state, sha256: hash, lastError } = await saving;
    if (state === "complete") return hash === sha256(versions.two.bytes) ? "saved two" : "saved";
    return `paused ${lastError?.errorCode}`;
  } catch (error) {
    if (error instanceof Failure) return `rejected ${error.code}`;
    throw error;
  }
}

/** Either the final name holds one version to the last byte, or only a part exists, which is the beginning of a version. */
async function expectHonestFolder(folder: string, outcome: Outcome): Promise<void> {
  const names = await namesIn(folder);
  if (outcome.startsWith("saved")) {
    const version = outcome === "saved" ? versions.one : versions.two;
    expect(await hashOf(folder)).toBe(sha256(version.bytes));
    expect(names).toEqual([defaultName, `${defaultName}.json`]);
  } else if (outcome.startsWith("rejected")) {
    expect(names).toEqual([]);
  } else {
    expect(names).toEqual([`${defaultName}.part`, `${defaultName}.part.json`]);
    const part = await readFile(join(folder, `${defaultName}.part`));
    const isPrefix = [versions.one, versions.two].some(({ bytes }) => part.equals(bytes.subarray(0, part.length)));
    expect(isPrefix).toBe(true);
  }
}

function startOf({ headers }: SeenRequest): number | undefined {
  return headers.range === undefined ? undefined : Number(/^bytes=(\d+)-$/.exec(headers.range)?.[1]);
}

describe("the retry budget", () => {
  const limits = {
    attemptsWithoutProgress: 3,
    progressBytes: 1_000,
    backoffFirstMs: 500,
    backoffMaxMs: 1_500,
    retryAfterMaxMs: 60_000,
  };
  const budgetOf = (random: number) => createRetryBudget(limits, () => random, 0);

  test("waits are random between zero and a bound that grows up to a cap", () => {
    const [full, none] = [budgetOf(1), budgetOf(0)];
    expect([full.next(), full.next(), full.next()]).toEqual([500, 1_000, 1_500]);
    expect([none.next(), none.next(), none.next()]).toEqual([0, 0, 0]);
  });

  test("the budget is spent after the allowed number of attempts", () => {
    const budget = budgetOf(0);
    for (let attempt = 0; attempt < 3; attempt += 1) expect(budget.next()).toBe(0);
    expect(budget.next()).toBeUndefined();
  });

  test("enough progress beyond the furthest byte refills the budget; receiving old bytes again does not", () => {
    const budget = budgetOf(0);
    budget.reached(5_000);
    for (let attempt = 0; attempt < 3; attempt += 1) budget.next();
    budget.reached(5_999);
    expect(budget.next()).toBeUndefined();
    budget.reached(6_000);
    expect(budget.next()).toBe(0);
  });

  test("a longer Retry-After is obeyed, up to its cap", () => {
    expect(budgetOf(1).next(20_000)).toBe(20_000);
    expect(budgetOf(1).next(100)).toBe(500);
    expect(budgetOf(0).next(3_600_000)).toBe(60_000);
  });
});
