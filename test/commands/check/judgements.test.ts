import { describe, expect, test } from "vitest";
import { snapshots } from "../../../src/commands/check/atlas.ts";
import { jsonReport, stepText, summaryText } from "../../../src/commands/check/check.ts";
import { judgeSignIn } from "../../../src/commands/check/credentials.ts";
import { clockSkew } from "../../../src/commands/check/network.ts";
import { createAttempt, duration, type Step } from "../../../src/commands/check/step.ts";
import { Failure, ownFailure } from "../../../src/core/errors.ts";
import { systemClock } from "../../../src/core/time.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
const HOUR_MS = 3_600_000;

const refusal = (error: number, errorCode?: string) =>
  new Failure({ error, ...(errorCode ? { errorCode } : {}), source: "atlas", retryable: false, hint: "" });

test.each([
  ["a wrong secret", ownFailure("INVALID_CREDENTIALS", { error: 401 }), "rejected"],
  ["an account with too many tokens", ownFailure("TOKEN_LIMIT_REACHED", { error: 403 }), "rejected"],
  ["a token endpoint that is not there", ownFailure("TOKEN_REQUEST_FAILED", { error: 404 }), "rejected"],
  ["the gateway's 401", refusal(401), "rejected"],
  ["an undocumented 401", refusal(401, "SOMETHING_NEW"), "rejected"],
  ["a missing role", refusal(401, "USER_UNAUTHORIZED"), "accepted"],
  ["a project of others", refusal(401, "NOT_IN_GROUP"), "accepted"],
  ["an unpaid invoice", refusal(402, "ACCOUNT_SUSPENDED"), "accepted"],
  ["a forbidden resource", refusal(403, "ACCESS_FORBIDDEN"), "accepted"],
  ["an address off the list", refusal(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"), "elsewhere"],
  ["the old name of that", refusal(403, "IP_ADDRESS_NOT_ON_WHITELIST"), "elsewhere"],
  ["an organization that wants a list", refusal(403, "ORG_REQUIRES_ACCESS_LIST"), "elsewhere"],
  ["a 403 without a code", refusal(403), "elsewhere"],
  ["a busy Atlas", refusal(429, "RATE_LIMITED_TOKEN_BUCKET"), "unknown"],
  ["a fault of Atlas", refusal(500, "UNEXPECTED_ERROR"), "unknown"],
  ["no answer", ownFailure("TIMEOUT"), "unknown"],
])("%s is judged %3$s", (_, failure, verdict) => {
  expect(judgeSignIn({ failure }).verdict).toBe(verdict);
});

describe("the clock", () => {
  const answer = (date: string | undefined) => ({
    value: { response: { status: 401, headers: { date }, json: {} }, askedAt: NOW - 500, cameAt: NOW + 500 },
  });

  test.each([
    [0, "ok", "agrees with Atlas to the minute"],
    [59_000, "ok", "agrees with Atlas to the minute"],
    [-61_000, "warning", "this computer is 61 seconds ahead of Atlas"],
    [5 * 60_000, "warning", "this computer is 5 minutes behind Atlas"],
    [-3 * HOUR_MS, "warning", "this computer is 3 hours ahead of Atlas"],
  ])("of a server %i ms ahead is judged %s", (skewMs, state, found) => {
    expect(clockSkew(answer(new Date(NOW + skewMs).toUTCString()))).toMatchObject({ state, found });
  });

  test.each([[undefined], ["soon"]])("cannot be compared with the date %s, which is no fault", (date) => {
    expect(clockSkew(answer(date)).state).toBe("ok");
  });
});

describe("the snapshots of a cluster", () => {
  const cluster = { groupId: "5fa1000000000000000000b1", name: "orders" };
  const finished = (hours: number, status = "COMPLETED") => ({
    status,
    finishTime: new Date(NOW - hours * HOUR_MS).toISOString(),
  });

  test.each([
    [[], "warning", "orders has no complete snapshot (0 snapshots)"],
    [[finished(1, "RUNNING")], "warning", "orders has no complete snapshot (1 snapshot)"],
    [[{ status: "COMPLETED" }], "warning", "orders has no complete snapshot (1 snapshot)"],
    [[finished(30), finished(6, "completed")], "ok", "orders has 2 snapshots, the latest complete one 6 hours old"],
    [[finished(49)], "warning", "orders has 1 snapshot, the latest complete one 2 days old"],
  ])("are judged by the latest complete one (%#)", (list, state, found) => {
    const all = list.map((entry) => ({ ...EMPTY_SNAPSHOT, ...entry }));
    const step = snapshots({ cluster, snapshots: all }, NOW);
    expect(step).toMatchObject({ state, found });
    expect(step.whatToDo?.includes("about 24 hours after") ?? false).toBe(list.length === 0);
  });
});

const EMPTY_SNAPSHOT = {
  id: undefined,
  status: undefined,
  mongoDBVersion: undefined,
  scheduledTime: undefined,
  startTime: undefined,
  finishTime: undefined,
  expiration: undefined,
};

test.each([
  [0, "0 seconds"],
  [119_000, "119 seconds"],
  [120_000, "2 minutes"],
  [47 * HOUR_MS, "47 hours"],
  [48 * HOUR_MS, "2 days"],
])("%i ms are told as %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe("an attempt", () => {
  const start = (deadline: number, signal = new AbortController().signal) => {
    const errors: unknown[] = [];
    const write = (fields: unknown) => errors.push(fields);
    const log = { debug: write, info: write, warn: write, error: write, written: async () => {} };
    return { errors, attempt: createAttempt({ clock: systemClock, deadline, signal, log }) };
  };
  const never = () => new Promise<never>(() => {});

  test("ends at its own limit", async () => {
    const { attempt } = start(Date.now() + 60_000);
    expect(await attempt(20, never)).toMatchObject({ failure: { code: "TIMEOUT" } });
  });

  test("ends at the limit of the whole check", async () => {
    const { attempt } = start(Date.now() + 20);
    expect(await attempt(60_000, never)).toMatchObject({ failure: { code: "TIMEOUT" } });
  });

  test("throws when the check is interrupted", async () => {
    const reason = new Error("enough");
    const { attempt } = start(Date.now() + 60_000, AbortSignal.abort(reason));
    await expect(attempt(60_000, never)).rejects.toBe(reason);
  });

  test("counts an error that nobody expected as a failure, and logs it", async () => {
    const error = new Error("never expected");
    const { attempt, errors } = start(Date.now() + 60_000);
    expect(await attempt(1_000, () => Promise.reject(error))).toMatchObject({ failure: { code: "INTERNAL_ERROR" } });
    expect(errors).toEqual([{ error }]);
  });
});

describe("the report", () => {
  const step: Step = { id: "x", title: "Title", state: "failed", found: "wrong", whatToDo: "one\ntwo" };

  test("puts each thing to do on a line of its own, and colours the mark on a terminal", () => {
    expect(stepText(step, false)).toBe("✗ Title                wrong\n    one\n    two\n");
    expect(stepText(step, true)).toMatch(/^\u001b\[31m✗\u001b\[0m Title/);
  });

  test("counts failures and warnings", () => {
    const warned: Step = { ...step, state: "warning" };
    expect(summaryText([warned])).toBe("\nEverything that could be tried works. One step has a warning.\n");
    expect(summaryText([step, step, warned])).toMatch(
      /^\n2 steps failed\. One step has a warning\.\ndocs\/setup\.md .*docs\/troubleshooting\.md .*\n$/,
    );
  });

  test("is no success when the check was interrupted", () => {
    const report = jsonReport([{ ...step, state: "ok" }], { version: "1", complete: false });
    expect(JSON.parse(report)).toMatchObject({ ok: false });
  });
});
