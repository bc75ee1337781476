import { describe, expect, test } from "vitest";
import { createAttempt, duration } from "../../../src/commands/check/step.ts";
import { systemClock } from "../../../src/core/time.ts";

test.each([
  [0, "0 seconds"],
  [119_000, "119 seconds"],
  [120_000, "2 minutes"],
  [47 * 3_600_000, "47 hours"],
  [48 * 3_600_000, "2 days"],
])("%i ms are shown as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe("an attempt", () => {
  const start = (deadline: number, signal = new AbortController().signal) => {
    const errors: unknown[] = [];
    const write = (fields: unknown) => errors.push(fields);
    const log = { debug: write, info: write, warn: write, error: write, written: async () => {} };
    return { errors, attempt: createAttempt({ clock: systemClock, signal, log }, deadline) };
  };
  const never = () => new Promise<never>(() => {});

  test("ends at its own time limit", async () => {
    const { attempt } = start(Date.now() + 60_000);
    expect(await attempt(20, never)).toMatchObject({ failure: { code: "TIMEOUT" } });
  });

  test("ends at the deadline of the whole check", async () => {
    const { attempt } = start(Date.now() + 20);
    expect(await attempt(60_000, never)).toMatchObject({ failure: { code: "TIMEOUT" } });
  });

  test("rejects when the check is interrupted", async () => {
    const reason = new Error("enough");
    const { attempt } = start(Date.now() + 60_000, AbortSignal.abort(reason));
    await expect(attempt(60_000, never)).rejects.toBe(reason);
  });

  test("logs an unexpected error and turns it into a failure", async () => {
    const error = new Error("never expected");
    const { attempt, errors } = start(Date.now() + 60_000);
    expect(await attempt(1_000, () => Promise.reject(error))).toMatchObject({ failure: { code: "INTERNAL_ERROR" } });
    expect(errors).toEqual([{ error }]);
  });
});
