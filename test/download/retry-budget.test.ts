import { expect, test } from "vitest";
import { createRateMeter } from "../../src/download/saving/running-save.ts";
import { createRetryBudget } from "../../src/download/transfer/transfer.ts";

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

test("the rate covers the last ten seconds, and survives a clock that is set back", () => {
  let now = 0;
  const rate = createRateMeter(() => now);
  expect(rate.bytesPerSecond()).toBeUndefined();
  for (; now < 25_000; now += 1_000) rate.add(now < 10_000 ? 1_000 : 3_000);
  expect(rate.bytesPerSecond()).toBe(3_000);
  now -= 86_400_000;
  rate.add(500);
  now += 1_000;
  expect(rate.bytesPerSecond()).toBe(500);
});
