import { describe, expect, onTestFinished, test } from "vitest";
import { openAtlas } from "../../../src/atlas/access.ts";
import { flexClusters, judgeSnapshots } from "../../../src/commands/check/atlas.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { createRedactor } from "../../../src/core/redact.ts";
import { systemClock } from "../../../src/core/time.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { mapObjects, startAlteringProxy } from "../../secrets/altering-proxy.ts";
import { checkedAgainst } from "./checked.ts";

const { groupId, emptyGroupId, foreignGroupId } = SIMULATED;

test("a name is cut only after the short password of a proxy is gone from it", async () => {
  const password = "swordfish";
  const simulator = await simulatorFor();
  const names = [36, 60].map((length) => `${"x ".repeat(length / 2)}${password}${" y".repeat(40)}`);
  for (const name of names) {
    const baseUrl = await startAlteringProxy(
      () => simulator.baseUrl,
      (json) => mapObjects(json, (object) => ("name" in object ? { ...object, name } : object)),
    );
    const proxy = { HTTPS_PROXY: `http://person:${password}@proxy.example:9`, NO_PROXY: "127.0.0.1" };
    const { stdout } = await checkedAgainst({ baseUrl }, { ...SERVICE_ACCOUNT, ...proxy });
    expect(stdout).toContain("x x x");
    expect(stdout).not.toContain("swo");
  }
});

describe("the step of the projects", () => {
  test("fails with the id of an allowed project that cannot be read, and the check goes on with the others", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: `${foreignGroupId},${groupId}` };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["projects"]);
    expect(step("projects")).toMatchObject({
      errorCode: "NOT_IN_GROUP",
      found: `1 of 2 allowed projects cannot be read: ${foreignGroupId} (NOT_IN_GROUP)`,
      whatToDo: expect.stringMatching(
        /^Check the ids in ATLAS_FLEX_ALLOWED_PROJECTS\.\nThese credentials reach: "Simulated shop" \(5fa1000000000000000000b1\), "Simulated sandbox" \(\w+\), "Simulated archive" \(\w+\)\.\n/,
      ),
    });
    expect(step("projects")?.whatToDo).not.toContain("List the Flex clusters");
    expect(step("snapshots")?.state).toBe("ok");
  });

  test("fails when no id is allowed, and lists the projects within reach", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: "5fa100000000000000000Ob1" };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["settings", "projects"]);
    expect(step("projects")?.found).toBe("ATLAS_FLEX_ALLOWED_PROJECTS allows none");
    expect(step("projects")?.whatToDo).toContain(groupId);
  });

  test("fails when the configured project cannot be read", async () => {
    const env = { ...SERVICE_ACCOUNT, MONGODB_ATLAS_PROJECT_ID: foreignGroupId };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["projects"]);
    expect(step("projects")?.whatToDo).toMatch(/^Check the ids in MONGODB_ATLAS_PROJECT_ID\.\n/);
  });

  test("names the status of a project that is not found, when the code says less", async () => {
    const env = { ...SERVICE_ACCOUNT, MONGODB_ATLAS_PROJECT_ID: emptyGroupId };
    const simulator = await simulatorFor({ orders: "getProject=404:UNEXPECTED_ERROR" });
    const { step } = await checkedAgainst(simulator, env);
    expect(step("projects")?.found).toBe(`1 of 3 projects cannot be read: ${emptyGroupId} (404)`);
    expect(step("projects")?.whatToDo).toContain("Check the project id");
    expect(step("projects")?.whatToDo).not.toContain("in a minute");
  });

  test("does not ask for a configured project that is not allowed", async () => {
    const simulator = await simulatorFor();
    const projects = { ATLAS_FLEX_ALLOWED_PROJECTS: groupId, MONGODB_ATLAS_PROJECT_ID: emptyGroupId };
    const { failed, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ...projects });
    expect(failed).toEqual(["settings"]);
    expect(step("projects")?.found).toMatch(/^1 allowed project: "Simulated shop"/);
    expect(simulator.requests.filter(({ path }) => path.includes(emptyGroupId))).toEqual([]);
  });

  test("does not ask for projects that are not allowed", async () => {
    const simulator = await simulatorFor();
    await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: emptyGroupId });
    expect(simulator.requests.filter(({ path }) => path.includes(groupId))).toEqual([]);
  });
});

describe("the step of the Flex clusters", () => {
  test("is a warning when there is no Flex cluster", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: emptyGroupId };
    const { code, step } = await checkedAgainst(await simulatorFor(), env);
    expect(code).toBe(0);
    expect(step("flex-clusters")).toMatchObject({ state: "warning", found: "none in 1 project" });
    expect(step("snapshots")?.found).toBe("not tried: there is no Flex cluster to look at");
  });

  test("is a warning when one project cannot be read but others have clusters", async () => {
    const simulator = await simulatorFor({ projects: 2, orders: "listFlexClusters=USER_UNAUTHORIZED*1" });
    const { code, step } = await checkedAgainst(simulator);
    expect(code).toBe(0);
    expect(step("flex-clusters")).toMatchObject({
      state: "warning",
      found: expect.stringContaining("1 of 5 projects cannot be read"),
      errorCode: "USER_UNAUTHORIZED",
    });
  });

  test("shows the clusters of the other projects when one project does not answer in time", async () => {
    const { environment: env } = await simulatorFor({ orders: "listFlexClusters=hang*1" });
    const config = parseConfig({ options: {}, env, toolNames: [] });
    const access = await openAtlas(config, { clock: systemClock, redactor: createRedactor(), version: "1.0.0" });
    onTestFinished(access.close);
    const limits = { deadline: Date.now() + 2_500, signal: new AbortController().signal };
    expect(await flexClusters(access, [{ id: emptyGroupId }, { id: groupId }], limits)).toMatchObject({
      state: "warning",
      found: expect.stringMatching(/^4: orders, .*; 1 of 2 projects cannot be read: /),
      errorCode: "TIMEOUT",
    });
  });
});

describe("the step of the snapshots", () => {
  const NOW = Date.UTC(2026, 10, 24, 12);
  const EMPTY = {
    id: undefined,
    status: undefined,
    mongoDBVersion: undefined,
    scheduledTime: undefined,
    startTime: undefined,
    finishTime: undefined,
    expiration: undefined,
  };
  const finished = (hours: number, status = "COMPLETED") => ({
    status,
    finishTime: new Date(NOW - hours * 3_600_000).toISOString(),
  });

  test.each([
    [[], "warning", "orders has no complete snapshot (0 snapshots)"],
    [[finished(1, "RUNNING")], "warning", "orders has no complete snapshot (1 snapshot)"],
    [[{ status: "COMPLETED" }], "warning", "orders has no complete snapshot (1 snapshot)"],
    [[finished(30), finished(6, "completed")], "ok", "orders has 2 snapshots, the latest complete one 6 hours old"],
    [[finished(49)], "warning", "orders has 1 snapshot, the latest complete one 2 days old"],
  ])("judges the latest complete snapshot (%#)", (list, state, found) => {
    const all = list.map((entry) => ({ ...EMPTY, ...entry }));
    const step = judgeSnapshots("orders", all, NOW);
    expect(step).toMatchObject({ state, found });
    expect(step.whatToDo?.includes("about 24 hours after") ?? false).toBe(list.length === 0);
  });
});
