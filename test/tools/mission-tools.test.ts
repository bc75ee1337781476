import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, serverAgainst, simulatorFor } from "../fixtures.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };
const COMPLETE_AT_ONCE = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
/** A job of the simulated world from the start. */
const FAILED_RESTORE = "5fa1000000000000000000e2";
const JOB = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };

describe("request_flex_snapshot_download", () => {
  test("returns the job that it created, with Atlas's fields and what to do next", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator);
    const answer = await ok("request_flex_snapshot_download", SNAPSHOT);
    expect(simulator.jobs).toHaveLength(1);
    expect(answer).toEqual({
      httpStatus: 200,
      restoreJob: {
        id: simulator.jobs[0]?.id,
        deliveryType: "DOWNLOAD",
        status: "PENDING",
        snapshotId: SIMULATED.snapshotId,
        instanceName: CLUSTER.name,
        projectId: CLUSTER.groupId,
        targetDeploymentItemName: CLUSTER.name,
        targetProjectId: CLUSTER.groupId,
        restoreScheduledDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        expirationDate: expect.stringMatching(/Z$/),
        snapshotFinishedDate: expect.stringMatching(/Z$/),
      },
      linkExpiresAt: expect.stringMatching(/Z$/),
      linkExpiresInSeconds: expect.any(Number),
      nextStep: expect.stringContaining("Call get_restore_job with restoreJob.id"),
    });
  });

  test("returns the link at once when Atlas completes the job at once", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("request_flex_snapshot_download", COMPLETE_AT_ONCE);
    expect(answer).toMatchObject({
      restoreJob: { status: "COMPLETED", snapshotUrl: expect.stringContaining("X-Amz-Signature=") },
    });
    expect(answer.linkExpiresInSeconds).toBeGreaterThan(4 * 3600 - 30);
    expect(answer.linkExpiresInSeconds).toBeLessThanOrEqual(4 * 3600);
    expect(answer.nextStep).toContain("treat it as a secret");
  });

  test.each([{ envelope: true }, { pretty: true }, { envelope: true, pretty: true }])(
    "gives the same result with %j",
    async (wire) => {
      const simulator = await simulatorFor();
      const { ok, call } = await serverAgainst(simulator);
      const plain = await ok("get_restore_job", JOB);
      const asked = await ok("get_restore_job", { ...JOB, ...wire });
      expect({ ...asked, linkExpiresInSeconds: 0 }).toEqual({ ...plain, linkExpiresInSeconds: 0 });
      const { content } = await call("get_restore_job", { ...JOB, ...wire });
      expect(JSON.stringify(content).includes("\\n")).toBe(wire.pretty === true);
      const queries = simulator.requests
        .filter(({ operation }) => operation === "getRestoreJob")
        .map(({ path }) => new URL(path, simulator.baseUrl).searchParams);
      expect(queries.at(-1)?.get("envelope")).toBe(wire.envelope ? "true" : null);
      expect(queries.at(-1)?.get("pretty")).toBe(wire.pretty ? "true" : null);
    },
  );

  test.each(["keep-status", "always-200"] as const)(
    "understands a failure inside an envelope (simulator mode %s)",
    async (envelopedFailures) => {
      const { fails } = await serverAgainst(await simulatorFor({ envelopedFailures }));
      const failure = await fails("request_flex_snapshot_download", { ...SNAPSHOT, name: "nowhere", envelope: true });
      expect(failure).toMatchObject({ error: 404, errorCode: "CLUSTER_NOT_FOUND" });
    },
  );
});

describe("get_restore_job", () => {
  test("waits for the link and reports progress meanwhile", async () => {
    const simulator = await simulatorFor({ jobMs: 2_500 });
    const { client, ok } = await serverAgainst(simulator);
    await ok("request_flex_snapshot_download", SNAPSHOT);
    const seen: number[] = [];
    const args = { ...CLUSTER, restoreJobId: simulator.jobs[0]?.id, waitSeconds: 20 };
    const { structuredContent } = await client.callTool({ name: "get_restore_job", arguments: args }, undefined, {
      onprogress: ({ progress }) => seen.push(progress),
    });
    expect(structuredContent).toMatchObject({
      finished: true,
      restoreJob: { status: "COMPLETED", snapshotUrl: expect.any(String) },
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  test("returns the present state when the job does not end in time", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=job-stays-pending" });
    const { ok } = await serverAgainst(simulator);
    await ok("request_flex_snapshot_download", SNAPSHOT);
    const answer = await ok("get_restore_job", { ...CLUSTER, restoreJobId: simulator.jobs[0]?.id, waitSeconds: 1 });
    expect(answer).toMatchObject({
      finished: false,
      pollAfterSeconds: 5,
      nextStep: expect.stringContaining("Call get_restore_job again"),
    });
    expect(simulator.count("getRestoreJob")).toBe(2);
  });

  test("returns the last known state when a later look fails, and says so", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=job-stays-pending" });
    const { client, ok } = await serverAgainst(simulator);
    await ok("request_flex_snapshot_download", SNAPSHOT);
    const args = { ...CLUSTER, restoreJobId: simulator.jobs[0]?.id, waitSeconds: 20 };
    const { structuredContent, isError } = await client.callTool(
      { name: "get_restore_job", arguments: args },
      undefined,
      {
        onprogress: () => simulator.order("getRestoreJob=404"),
      },
    );
    expect(isError).toBeFalsy();
    expect(structuredContent).toMatchObject({
      finished: false,
      nextStep: expect.stringContaining("last known state: a later look failed with RESOURCE_NOT_FOUND"),
    });
  });

  test("a cancelled wait sends no more requests", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=job-stays-pending" });
    const { client, ok } = await serverAgainst(simulator);
    await ok("request_flex_snapshot_download", SNAPSHOT);
    const cancel = new AbortController();
    const args = { ...CLUSTER, restoreJobId: simulator.jobs[0]?.id, waitSeconds: 40 };
    const waiting = client.callTool({ name: "get_restore_job", arguments: args }, undefined, {
      signal: cancel.signal,
      onprogress: () => cancel.abort("enough"),
    });
    await expect(waiting).rejects.toThrow("enough");
    const looks = simulator.count("getRestoreJob");
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(simulator.count("getRestoreJob")).toBe(looks);
  });

  test("a failed job is an answer, not an error", async () => {
    const simulator = await simulatorFor({ orders: "requestDownload=job-fails", jobMs: 0 });
    const { ok } = await serverAgainst(simulator);
    await ok("request_flex_snapshot_download", SNAPSHOT);
    expect(await ok("get_restore_job", { ...CLUSTER, restoreJobId: simulator.jobs[0]?.id })).toMatchObject({
      finished: true,
      restoreJob: { status: "FAILED" },
    });
  });

  test("a failed restore into a cluster is not answered with advice to create a download job", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("get_restore_job", { ...CLUSTER, restoreJobId: FAILED_RESTORE });
    expect(answer).toMatchObject({ finished: true, restoreJob: { deliveryType: "RESTORE", status: "FAILED" } });
    expect(answer.nextStep).toContain("It was a restore into a cluster");
    expect(answer.nextStep).not.toContain("request_flex_snapshot_download");
  });

  test.each([
    ["nulls", { finished: false }],
    ["unknown-status", { finished: expect.any(Boolean) }],
  ])("tolerates %s in Atlas's answer", async (order, expected) => {
    const { ok } = await serverAgainst(await simulatorFor({ orders: `getRestoreJob=${order}` }));
    expect(await ok("get_restore_job", JOB)).toMatchObject(expected);
  });
});
