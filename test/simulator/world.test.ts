import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, createClock, ORDERS, V2 } from "./harness.ts";

const PROJECT = `${V2}/groups/${SIMULATED.groupId}`;

describe("the simulated world", () => {
  test("is the same in two processes at the same time", async () => {
    const clock = createClock();
    const [one, other] = await Promise.all([simulatorFor({ now: clock.now }), simulatorFor({ now: clock.now })]);
    for (const path of [`${V2}/groups`, `${PROJECT}/flexClusters`, `${ORDERS}/backup/snapshots`]) {
      const [first, second] = await Promise.all([call(one, path), call(other, path)]);
      // The links of projects lead to the simulator that was asked.
      expect(first.text.replaceAll(one.baseUrl, "")).toBe(second.text.replaceAll(other.baseUrl, ""));
    }
  });

  test("shows three projects and hides the foreign one", async () => {
    const { json } = await call(await simulatorFor(), `${V2}/groups`);
    const ids = [SIMULATED.groupId, SIMULATED.emptyGroupId, SIMULATED.archive.groupId];
    expect(json.results?.map(({ id }) => id)).toEqual(ids);
    expect(json.results?.[0]).toMatchObject({ clusterCount: 5, orgId: expect.stringMatching(/^[a-f0-9]{24}$/) });
  });

  test("generates more projects on request, each with a cluster and eight snapshots", async () => {
    const simulator = await simulatorFor({ projects: 250 });
    const { json } = await call(simulator, `${V2}/groups?itemsPerPage=500`);
    expect(json.totalCount).toBe(253);
    const last = json.results?.at(-1)?.id;
    const clusters = await call(simulator, `${V2}/groups/${last}/flexClusters`);
    expect(clusters.json.results?.map(({ name }) => name)).toEqual(["service-250"]);
    const snapshots = await call(simulator, `${V2}/groups/${last}/flexClusters/service-250/backup/snapshots`);
    expect(snapshots.json.totalCount).toBe(8);
  });

  test("lists the Flex clusters and not the dedicated one", async () => {
    const { json } = await call(await simulatorFor(), `${PROJECT}/flexClusters`);
    expect(json.results?.map(({ name }) => name)).toEqual(["orders", "customers", "fresh", "reports"]);
  });

  test("has one cluster name in two projects, as different clusters, and the main cluster's name only once", async () => {
    const simulator = await simulatorFor();
    const { name, groupId, snapshotId } = SIMULATED.archive;
    expect(name).toBe(SIMULATED.reports.name);
    const [here, there] = await Promise.all(
      [PROJECT, `${V2}/groups/${groupId}`].map((project) => call(simulator, `${project}/flexClusters/${name}`)),
    );
    expect([here?.json.groupId, there?.json.groupId]).toEqual([SIMULATED.groupId, groupId]);
    expect(here?.json.id).not.toBe(there?.json.id);
    const { json } = await call(simulator, `${V2}/groups/${groupId}/flexClusters`);
    expect(json.results?.map((cluster) => cluster.name)).toEqual([name]);
    const snapshots = await call(simulator, `${V2}/groups/${groupId}/flexClusters/${name}/backup/snapshots`);
    expect(snapshots.json.results?.at(-1)).toMatchObject({ id: snapshotId, status: "COMPLETED" });
  });

  test("describes a project with a link to itself, in the list and alone", async () => {
    const simulator = await simulatorFor();
    const links = [{ href: `${simulator.baseUrl}${PROJECT}`, rel: "self" }];
    expect((await call(simulator, PROJECT)).json.links).toEqual(links);
    expect((await call(simulator, `${V2}/groups`)).json.results?.[0]?.links).toEqual(links);
  });

  test("describes a cluster as Atlas does, without links", async () => {
    const { json, text } = await call(await simulatorFor(), ORDERS);
    expect(text).toContain('"diskSizeGB":5.0,');
    expect(json).toMatchObject({
      clusterType: "REPLICASET",
      stateName: "IDLE",
      versionReleaseSystem: "LTS",
      tags: [],
      mongoDBVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      providerSettings: { providerName: "FLEX", diskSizeGB: 5 },
      connectionStrings: { standardSrv: expect.stringContaining("mongodb+srv://orders.") },
    });
    expect(json).not.toHaveProperty("links");
  });

  test("has an idle cluster without connection strings, and one of continuous releases", async () => {
    const simulator = await simulatorFor();
    const reports = await call(simulator, `${PROJECT}/flexClusters/reports`);
    expect(reports.json).toMatchObject({ stateName: "IDLE" });
    expect(reports.json).toHaveProperty("connectionStrings", {});
    const customers = await call(simulator, `${PROJECT}/flexClusters/customers`);
    expect(customers.json).toMatchObject({ versionReleaseSystem: "CONTINUOUS" });
  });

  test("has a cluster that is being created: no snapshots, no tags, and no, one, then both connection strings", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now });
    const strings = [];
    for (const ms of [0, 60_000, 60_000]) {
      clock.advance(ms);
      const { json } = await call(simulator, `${PROJECT}/flexClusters/fresh`);
      expect(json).toMatchObject({ stateName: "CREATING" });
      expect(json).not.toHaveProperty("tags");
      strings.push(Object.keys(json.connectionStrings ?? {}));
    }
    expect(strings).toEqual([[], ["standardSrv"], ["standard", "standardSrv"]]);
    const snapshots = await call(simulator, `${PROJECT}/flexClusters/fresh/backup/snapshots`);
    expect(snapshots.json).toMatchObject({ results: [], totalCount: 0 });
  });

  test("lists eight daily snapshots, oldest first, kept for eight days", async () => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/snapshots`);
    const results = json.results ?? [];
    expect(results.map(({ id }) => String(id).slice(-2))).toEqual(["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"]);
    const times = results.map(({ scheduledTime }) => Date.parse(String(scheduledTime)));
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((day) => day * 86_400_000),
    );
    const newest = results.at(-1);
    expect(newest).toMatchObject({ id: SIMULATED.snapshotId, status: "COMPLETED" });
    expect(Date.parse(String(newest?.expiration)) - (times.at(-1) ?? 0)).toBe(8 * 86_400_000);
    expect(newest?.finishTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test.each(["00:00:00", "02:59:59", "03:00:30", "03:03:00", "23:59:59"])(
    "has a complete newest snapshot of the last 25 hours at %s",
    async (time) => {
      const now = Date.parse(`2026-11-24T${time}Z`);
      const { json } = await call(
        await simulatorFor({ now: () => now }),
        `${ORDERS}/backup/snapshots/${SIMULATED.snapshotId}`,
      );
      const finished = Date.parse(String(json.finishTime));
      expect(now - finished).toBeGreaterThan(0);
      expect(now - finished).toBeLessThan(25 * 3_600_000);
    },
  );

  test("has a failed snapshot that keeps its place among the eight, its finish and its expiry", async () => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/snapshots`);
    const failed = json.results?.filter(({ status }) => status === "FAILED");
    expect(failed).toEqual([
      expect.objectContaining({
        id: SIMULATED.failedSnapshotId,
        finishTime: expect.any(String),
        expiration: expect.any(String),
      }),
    ]);
    expect(json.results).toHaveLength(8);
  });

  test("has a cluster whose newest snapshot is still running", async () => {
    const { name, snapshotId } = SIMULATED.runningSnapshot;
    const { json } = await call(await simulatorFor(), `${PROJECT}/flexClusters/${name}/backup/snapshots`);
    expect(json.results?.at(-1)).toMatchObject({ id: snapshotId, status: "RUNNING" });
    expect(json.results?.at(-1)).not.toHaveProperty("finishTime");
    expect(json.results?.at(-2)).toMatchObject({ status: "COMPLETED" });
  });

  test("lists restore jobs newest first: a live download of twenty minutes ago, then old restores", async () => {
    const { json } = await call(await simulatorFor(), `${ORDERS}/backup/restoreJobs`);
    expect(json.results?.map(({ deliveryType, status }) => `${deliveryType} ${status}`)).toEqual([
      "DOWNLOAD COMPLETED",
      "RESTORE COMPLETED",
      "RESTORE FAILED",
      "RESTORE COMPLETED",
    ]);
    expect(json.results?.[0]).toMatchObject({ id: SIMULATED.restoreJobId, snapshotId: SIMULATED.downloadedSnapshotId });
    const restore = json.results?.[1];
    expect(restore).not.toHaveProperty("snapshotUrl");
    const hours = Date.parse(String(restore?.expirationDate)) - Date.parse(String(restore?.restoreScheduledDate));
    expect(hours).toBe(6 * 3_600_000);
  });
});
