import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { CLUSTER, serverAgainst, simulatorFor } from "../fixtures.ts";

const REQUEST = "request_flex_snapshot_download";
const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };

const posts = (simulator: Simulator) => simulator.count("requestDownload");

describe("a download request whose answer is lost", () => {
  test.each([
    "reset-after",
    "502:after",
    "302:after",
    "408:after",
    "425:after",
    "499:after",
    "cut",
    "garbage",
    "empty",
    "html",
  ])("ends with the one job it created (%s)", async (fault) => {
    const simulator = await simulatorFor({ orders: `requestDownload=${fault}*1` });
    const { ok } = await serverAgainst(simulator);
    const { restoreJob } = await ok(REQUEST, SNAPSHOT);
    expect(restoreJob).toMatchObject({
      id: simulator.jobs[0]?.id,
      snapshotId: SIMULATED.snapshotId,
      deliveryType: "DOWNLOAD",
    });
    expect(simulator.jobs).toHaveLength(1);
    expect(posts(simulator)).toBe(1);
  });

  test("is not mistaken for an older job of the same snapshot", async () => {
    // The simulated world starts with a download job of this snapshot, twenty minutes old.
    const simulator = await simulatorFor({ orders: "requestDownload=reset-before*1" });
    const { fails } = await serverAgainst(simulator);
    const failure = await fails(REQUEST, { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId });
    expect(failure).toMatchObject({ errorCode: "OUTCOME_UNKNOWN", source: "atlas", retryable: false });
    expect(simulator.jobs).toEqual([]);
  });

  test("is not mistaken for the job of an earlier request of the same second", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator);
    const first = await ok(REQUEST, SNAPSHOT);
    simulator.order("requestDownload=reset-after*1");
    const second = await ok(REQUEST, SNAPSHOT);
    expect(simulator.jobs.map(({ id }) => id)).toEqual(
      [first, second].map(({ restoreJob }) => JSON.parse(JSON.stringify(restoreJob)).id),
    );
  });

  test("and that had no effect is not answered with the job of the request right before it", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=wrong-type*1,requestDownload=reset-before*1" });
    const { ok, fails } = await serverAgainst(simulator);
    await ok(REQUEST, SNAPSHOT);
    expect(await fails(REQUEST, SNAPSHOT)).toMatchObject({ errorCode: "OUTCOME_UNKNOWN" });
    expect(simulator.jobs).toHaveLength(1);
  });

  test("is reported as unknown when Atlas's list shows no download jobs, and is not repeated", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=reset-after*1,listRestoreJobs=hide-downloads" });
    const { fails } = await serverAgainst(simulator);
    const failure = await fails(REQUEST, SNAPSHOT);
    expect(failure).toMatchObject({
      errorCode: "OUTCOME_UNKNOWN",
      retryable: false,
      hint: expect.stringMatching(/^Do not simply repeat the request/),
    });
    expect(failure.detail).toContain("CONNECTION_LOST");
    expect(simulator.jobs).toHaveLength(1);
    expect(posts(simulator)).toBe(1);
  });
});

describe("saving a snapshot", () => {
  test("six times, whose download jobs all fail, requests two jobs and then says that no other is requested", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=job-fails" });
    const answers: string[] = [];
    for (let save = 1; save <= 6; save += 1) {
      // Each save is that of a new process, as cron starts it.
      const { call } = await serverAgainst(simulator);
      answers.push(
        JSON.stringify(await call("save_flex_snapshot", { ...CLUSTER, snapshotId: "5fa1000000000000000000c5" })),
      );
    }
    expect(posts(simulator)).toBe(2);
    expect(answers[0]).toContain("JOB_FAILED");
    expect(answers[0]).toContain("which requests one more job");
    for (const answer of answers.slice(1)) {
      expect(answer).toContain("JOBS_KEEP_FAILING");
      expect(answer).toContain("so no other job is requested");
      expect(answer).not.toContain("one more job");
    }
  });

  test("that Atlas failed to take ends for good, without a job, and points to another", async () => {
    const simulator = await simulatorFor();
    const { fails } = await serverAgainst(simulator);
    const failed = { ...CLUSTER, snapshotId: SIMULATED.failedSnapshotId };
    expect(await fails("save_flex_snapshot", failed)).toMatchObject({
      errorCode: "SNAPSHOT_FAILED",
      retryable: false,
      detail: "Atlas failed to take this snapshot. It will never become complete.",
      hint: expect.stringMatching(/^Choose another snapshot/),
    });
    expect(simulator.jobs).toEqual([]);
  });

  test("uses the job of an earlier download request, although Atlas's list shows no download jobs", async () => {
    const simulator = await simulatorFor({ snapshotBytes: 2 ** 20, orders: "listRestoreJobs=hide-downloads" });
    const { ok } = await serverAgainst(simulator);
    expect(await ok(REQUEST, SNAPSHOT)).toMatchObject({ nextStep: expect.stringContaining("it uses this job") });
    expect(await ok("save_flex_snapshot", SNAPSHOT)).toMatchObject({ state: "complete" });
    expect(posts(simulator)).toBe(1);
  });

  test("creates one job for a client that cancels every call before the request is answered", async () => {
    const simulator = await simulatorFor({
      snapshotBytes: 2 ** 20,
      orders: "requestDownload=slow-headers@1500*1,listRestoreJobs=hide-downloads",
    });
    const { client, ok } = await serverAgainst(simulator);
    for (let calls = 0; calls < 3; calls += 1) {
      const call = client.callTool({ name: "save_flex_snapshot", arguments: SNAPSHOT }, undefined, { timeout: 400 });
      await expect(call).rejects.toThrow(/timed out/);
    }
    expect(await ok("save_flex_snapshot", SNAPSHOT)).toMatchObject({ state: "complete" });
    expect(posts(simulator)).toBe(1);
    expect(simulator.jobs).toHaveLength(1);
  });
});

describe("a download request that certainly had no effect", () => {
  test("is repeated after a 429 that asks for a short wait", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=429:retry-after=1*2" });
    const { ok } = await serverAgainst(simulator);
    expect(await ok(REQUEST, SNAPSHOT)).toMatchObject({ httpStatus: 200 });
    expect(posts(simulator)).toBe(3);
    expect(simulator.jobs).toHaveLength(1);
  });

  test("returns the wait when a 429 asks for more time than the call has", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=429:retry-after=huge" });
    const { fails } = await serverAgainst(simulator);
    expect(await fails(REQUEST, SNAPSHOT)).toMatchObject({ error: 429, retryAfterSeconds: 86_400 });
    expect(posts(simulator)).toBe(1);
  });

  test("uses a connection of its own", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator);
    await ok("list_flex_snapshots", CLUSTER);
    await ok(REQUEST, SNAPSHOT);
    const connectionOf = (operation: string) =>
      simulator.requests.find((request) => request.operation === operation)?.connectionId;
    expect(connectionOf("requestDownload")).not.toBe(connectionOf("listSnapshots"));
  });
});
