import { expect, test } from "vitest";
import { concurrently } from "../../src/core/concurrency.ts";

const items = Array.from({ length: 1_000 }, (_, index) => index);

test("after a failure no further item is begun", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 5) throw new Error("item 5");
    await new Promise(setImmediate);
  };
  await expect(concurrently(items, 8, work)).rejects.toThrow("item 5");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(begun.length).toBeLessThanOrEqual(16);
});

test("the results are in the order of the items, whichever ends first", async () => {
  const results = await concurrently(items, 8, async (item) => {
    if (item % 3 === 0) await new Promise(setImmediate);
    return item;
  });
  expect(results).toEqual(items);
});
