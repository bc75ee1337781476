import { describe, expect, test } from "vitest";
import { SIMULATED, type Simulator } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, createClock, ORDERS, requestDownload } from "./harness.ts";

const job = (simulator: Simulator, id: unknown) => call(simulator, `${ORDERS}/backup/restoreJobs/${id}`);

describe("a download job", () => {
  test("of an even snapshot goes from PENDING to QUEUED to RUNNING to COMPLETED and then has a link", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now });
    const seen = [(await requestDownload(simulator)).json];
    for (const ms of [999, 1, 999, 1, 1_999, 1]) {
      clock.advance(ms);
      seen.push((await job(simulator, seen[0]?.id)).json);
    }
    expect(seen.map(({ status }) => status)).toEqual([
      "PENDING",
      "PENDING",
      "QUEUED",
      "QUEUED",
      "RUNNING",
      "RUNNING",
      "COMPLETED",
    ]);
    expect(seen.map((each) => "snapshotUrl" in each)).toEqual([...Array(6).fill(false), true]);
    expect(seen.map((each) => "restoreFinishedDate" in each)).toEqual([...Array(6).fill(false), true]);
  });

  test("of an odd snapshot is complete at once", async () => {
    const { json } = await requestDownload(await simulatorFor(), SIMULATED.downloadedSnapshotId);
    expect(json).toMatchObject({ status: "COMPLETED", snapshotUrl: expect.stringContaining("X-Amz-Signature=") });
    expect(json.restoreFinishedDate).toBe(json.restoreScheduledDate);
  });

  test("has the documented fields and expires four hours after the request", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now });
    const { status, json, headers } = await requestDownload(simulator);
    expect(status).toBe(200);
    expect(headers["content-type"]).toBe("application/vnd.atlas.2024-11-13+json;charset=utf-8");
    expect(json).toEqual({
      deliveryType: "DOWNLOAD",
      expirationDate: "2026-11-24T16:00:00Z",
      id: "5fa16b057c4000c800000001",
      instanceName: SIMULATED.name,
      projectId: SIMULATED.groupId,
      restoreScheduledDate: "2026-11-24T12:00:00Z",
      snapshotFinishedDate: "2026-11-24T03:01:20Z",
      snapshotId: SIMULATED.snapshotId,
      status: "PENDING",
      targetDeploymentItemName: SIMULATED.name,
      targetProjectId: SIMULATED.groupId,
    });
  });

  test("is created for every request, numbered in order, and listed first", async () => {
    const simulator = await simulatorFor();
    await requestDownload(simulator);
    await requestDownload(simulator, "5fa1000000000000000000c3");
    const ids = simulator.jobs.map(({ id }) => id);
    expect(ids).toEqual([expect.stringMatching(/00c800000001$/), expect.stringMatching(/00c300000002$/)]);
    const { json } = await call(simulator, `${ORDERS}/backup/restoreJobs`);
    expect(json.results?.slice(0, 3).map(({ id }) => id)).toEqual([ids[1], ids[0], SIMULATED.restoreJobId]);
  });

  test("is found by a later process while its link works; other ids are not", async () => {
    const clock = createClock();
    const { id } = (await requestDownload(await simulatorFor({ now: clock.now }))).json;
    clock.advance(60_000);
    const later = await simulatorFor({ now: clock.now });
    expect((await job(later, id)).json).toMatchObject({
      id,
      status: "COMPLETED",
      snapshotId: SIMULATED.snapshotId,
      restoreScheduledDate: "2026-11-24T12:00:00Z",
      snapshotUrl: expect.any(String),
    });
    expect((await job(later, "5fa1000000000000000000ff")).status).toBe(404);
    clock.advance(4 * 3_600_000);
    expect((await job(later, id)).status).toBe(404);
  });

  test("keeps its link from one read to the next", async () => {
    const simulator = await simulatorFor();
    const [first, second] = await Promise.all([
      job(simulator, SIMULATED.restoreJobId),
      job(simulator, SIMULATED.restoreJobId),
    ]);
    expect(first.json.snapshotUrl).toBe(second.json.snapshotUrl);
  });

  test("takes `jobMs`", async () => {
    const simulator = await simulatorFor({ jobMs: 0 });
    expect((await requestDownload(simulator)).json).toMatchObject({ status: "COMPLETED" });
  });

  test.each([
    ["job-fails", "FAILED"],
    ["job-stays-pending", "PENDING"],
    ["job-has-no-link", "COMPLETED"],
  ])("ordered with %s ends as %s without a link", async (fault, status) => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now, orders: `requestDownload=${fault}*1` });
    const { json } = await requestDownload(simulator);
    clock.advance(3_600_000);
    const ended = await job(simulator, json.id);
    expect(ended.json.status).toBe(status);
    expect(ended.json).not.toHaveProperty("snapshotUrl");
    expect((await requestDownload(simulator, SIMULATED.downloadedSnapshotId)).json).toHaveProperty("snapshotUrl");
  });
});
