import { expect, test } from "vitest";
import { ADVICE, adviceFor } from "../../src/atlas/hints.ts";

test("below 500, UNEXPECTED_ERROR is no fault of Atlas: the status gives the advice", () => {
  for (let status = 400; status < 500; status += 1)
    expect(adviceFor(status, "UNEXPECTED_ERROR")).toEqual(adviceFor(status, undefined));
});

test.each([500, 502, 503, 504, 599])("a %i with UNEXPECTED_ERROR is a fault of Atlas, which may pass", (status) => {
  expect(adviceFor(status, "UNEXPECTED_ERROR")).toMatchObject({ source: "atlas", retryable: true });
});

test("the hint of every failure that may pass says itself to call again, so nothing need be added to it", () => {
  const statuses = Array.from({ length: 200 }, (_, index) => adviceFor(400 + index, undefined));
  for (const { retryable, hint } of [...Object.values(ADVICE), ...statuses])
    if (retryable) expect(hint).toMatch(/\bcall again\b/i);
});
