import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, serverWith } from "../fixtures.ts";

describe("input that strict converters and models send", () => {
  const JOBS = "list_restore_jobs";
  const notes = async (tool: string, args: Record<string, unknown>) => {
    const { ok } = await serverWith({ args: ["--simulate"] });
    const { nextStep, ...answer } = await ok(tool, args);
    return { nextStep: String(nextStep), answer };
  };

  test.each([null, ""])("%j for what is optional counts as absent", async (empty) => {
    const { ok, call } = await serverWith({ args: ["--simulate"] });
    const plain = await ok(JOBS, CLUSTER);
    expect(await ok(JOBS, { ...CLUSTER, deliveryType: empty, limit: empty })).toEqual(plain);
    expect(await ok("list_flex_clusters", { name: empty })).toEqual(await ok("list_flex_clusters"));
    const job = {
      ...CLUSTER,
      restoreJobId: SIMULATED.restoreJobId,
      waitSeconds: empty,
      envelope: empty,
      pretty: empty,
    };
    expect(await ok("get_restore_job", job)).toMatchObject({ finished: true });
    const stop = await ok("stop_saving_snapshot", { snapshotId: SIMULATED.snapshotId, discard: empty });
    expect(stop).toMatchObject({ state: "not-running" });
    const { isError } = await call("save_flex_snapshot", { name: "orders", fileName: empty, waitSeconds: 0 });
    expect(isError).toBeUndefined();
  });

  test("null for an optional id counts as absent, an empty id does not", async () => {
    const { ok, fails } = await serverWith({ args: ["--simulate"] });
    expect(await ok("list_flex_clusters", { groupId: null })).toEqual(await ok("list_flex_clusters"));
    const saved = await ok("save_flex_snapshot", { name: "orders", groupId: null, snapshotId: null });
    expect(saved).toMatchObject({ snapshotId: SIMULATED.snapshotId });
    for (const lost of [{ groupId: "" }, { snapshotId: "" }])
      expect(await fails("save_flex_snapshot", { name: "orders", ...lost })).toMatchObject({
        errorCode: "INVALID_INPUT",
        badRequestDetail: { fields: [{ field: Object.keys(lost)[0] }] },
      });
  });

  test.each([
    [{ limit: "1" }, 1, /^limit came as text and was read as a number\. [A-Z]/],
    [{ limit: " 2.4 " }, 2, /^limit came as text and was read as a number\. limit was taken as 2, the nearest/],
    [{ limit: 0 }, 1, /^limit was taken as 1, the nearest allowed number\. [A-Z]/],
    [{ limit: -1e300 }, 1, /^limit was taken as 1, /],
    [{ limit: 1.5 }, 2, /^limit was taken as 2, /],
    [{ limit: 101 }, 4, /^limit was taken as 100, /],
    [{ limit: "9".repeat(400) }, 4, /^limit came as text .* limit was taken as 100, /],
  ])("%j is taken as the nearest allowed number, which the answer says first", async (args, jobs, says) => {
    const { nextStep, answer } = await notes(JOBS, { ...CLUSTER, ...args });
    expect(answer.restoreJobs).toHaveLength(jobs);
    expect(nextStep).toMatch(says);
  });

  test.each([60, 600, 1e300, "600"])("waitSeconds %j is taken as the longest wait, said once", async (waitSeconds) => {
    const job = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
    const { nextStep } = await notes("get_restore_job", { ...job, waitSeconds });
    expect(nextStep.match(/was taken as \d+/g)).toEqual(["was taken as 40"]);
  });

  test("a number within its range gets no remark", async () => {
    const { nextStep } = await notes(JOBS, { ...CLUSTER, limit: 5 });
    expect(nextStep).not.toMatch(/limit (came|was)/);
  });

  test.each([
    { limit: "1e1" },
    { limit: "0x10" },
    { limit: "ten" },
    { limit: [5] },
    { deliveryType: 0 },
    { other: null },
  ])("%j is refused as before", async (args) => {
    const { fails } = await serverWith({ args: ["--simulate"] });
    expect(await fails(JOBS, { ...CLUSTER, ...args })).toMatchObject({ errorCode: "INVALID_INPUT" });
  });

  test("a switch must be true or false, not a word for it", async () => {
    const { fails } = await serverWith({ args: ["--simulate"] });
    for (const discard of ["true", 1])
      expect(await fails("stop_saving_snapshot", { snapshotId: SIMULATED.snapshotId, discard })).toMatchObject({
        errorCode: "INVALID_INPUT",
      });
  });
});
