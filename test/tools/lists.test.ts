import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, serverWith, simulatorFor } from "../fixtures.ts";
import { atlasOfClusters, complete, projectId, type TestSnapshot } from "./atlas-of-clusters.ts";

describe("list_flex_clusters", () => {
  test("finds the Flex clusters of every project, without connection strings, and names the projects that have none", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_clusters");
    expect(answer).toMatchObject({
      projectsWithoutFlexClusters: ["Simulated sandbox"],
      unreadable: [],
      projects: [{ groupId: SIMULATED.groupId }, { groupId: SIMULATED.archive.groupId }],
    });
    const names = JSON.stringify(answer.projects).match(/(?<="name":")[^"]+/g);
    expect(names?.sort()).toEqual(["customers", "fresh", "orders", "reports", "reports"]);
    expect(JSON.stringify(answer)).not.toContain("mongodb+srv");
  });

  test("says that a cluster of another tier is not covered", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_clusters", { name: SIMULATED.dedicatedName });
    expect(answer).toMatchObject({ projects: [], nextStep: expect.stringContaining("another tier") });
  });

  test("reads five hundred projects, and one that cannot be read does not fail the call", async () => {
    const simulator = await simulatorFor({ projects: 500, orders: "listFlexClusters=NOT_IN_GROUP*1" });
    const { ok } = await serverAgainst(simulator);
    const answer = await ok("list_flex_clusters");
    expect(simulator.count("listFlexClusters")).toBe(503);
    expect(answer).toMatchObject({
      unreadable: [
        {
          errorCode: "NOT_IN_GROUP",
          detail: expect.stringMatching(/^Atlas says: "[^"]+"$/),
          hint: expect.any(String),
        },
      ],
      truncated: true,
      nextStep: expect.stringContaining("1 project"),
    });
    expect(JSON.stringify(answer).length).toBeLessThan(64 * 1024);
  });

  test("fails when the only project that was asked for cannot be read", async () => {
    const { fails } = await serverAgainst(await simulatorFor());
    expect(await fails("list_flex_clusters", { groupId: "5fa1000000000000000000ff" })).toMatchObject({
      source: expect.any(String),
      errorCode: expect.stringMatching(/NOT_FOUND|NOT_IN_GROUP/),
    });
  });

  test("looks only at the configured project by default", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator, {
      env: { ...SERVICE_ACCOUNT, MONGODB_ATLAS_PROJECT_ID: SIMULATED.emptyGroupId },
    });
    expect(await ok("list_flex_clusters")).toMatchObject({
      projects: [],
      projectsWithoutFlexClusters: [SIMULATED.emptyGroupId],
    });
    expect(simulator.count("listFlexClusters")).toBe(1);
  });
});

describe("list_flex_clusters that finds nothing", () => {
  test.each(["401", "503+html", "429:retry-after=3600", "html"])(
    "because no project could be read (%s) does not say that there are no clusters",
    async (fault) => {
      const { ok } = await serverAgainst(await simulatorFor({ orders: `listFlexClusters=${fault}` }));
      const { nextStep, unreadable } = await ok("list_flex_clusters");
      expect(nextStep).toBe(
        "3 projects could not be read, see unreadable. So whether there are Flex clusters is not known: do what the hints say, then call list_flex_clusters again.",
      );
      expect(unreadable).toEqual([
        expect.objectContaining({ detail: expect.stringMatching(/./), hint: expect.stringMatching(/./) }),
        expect.objectContaining({ detail: expect.stringMatching(/./), hint: expect.stringMatching(/./) }),
        expect.objectContaining({ detail: expect.stringMatching(/./), hint: expect.stringMatching(/./) }),
      ]);
      expect(JSON.stringify(unreadable)).not.toContain("retryAfterSeconds");
      if (fault.startsWith("429")) expect(JSON.stringify(unreadable)).toContain("Call again in 3600 seconds.");
    },
  );

  test("in the projects that could be read says so", async () => {
    const simulator = await simulatorFor({ orders: "listFlexClusters=NOT_IN_GROUP*1" });
    const { ok } = await serverAgainst(simulator);
    const { nextStep } = await ok("list_flex_clusters", { name: "no-such-cluster-at-all" });
    expect(nextStep).toMatch(/^1 project could not be read, see unreadable\. No Flex cluster .* in the others\./);
  });

  test.each([
    ["order", " Did you mean orders?"],
    ["Orders", " Did you mean orders?"],
    ["no-such-cluster-at-all", ""],
  ])("of the name %s suggests the nearest name", async (name, suggestion) => {
    const { ok } = await serverAgainst(await simulatorFor());
    const { nextStep } = await ok("list_flex_clusters", { name });
    expect(nextStep).toBe(
      `No Flex cluster of that name was found.${suggestion} Names are case-sensitive; a cluster of another tier (M0, M10 and above) is not covered by this server. Call list_flex_clusters without name to see all.`,
    );
  });

  test.each([
    ["MONGODB_ATLAS_PROJECT_ID", SIMULATED.emptyGroupId],
    ["ATLAS_FLEX_ALLOWED_PROJECTS", SIMULATED.emptyGroupId],
  ])("names %s when only that was looked at", async (variable, value) => {
    const { ok } = await serverAgainst(await simulatorFor(), { env: { ...SERVICE_ACCOUNT, [variable]: value } });
    expect(await ok("list_flex_clusters")).toMatchObject({
      nextStep: expect.stringMatching(new RegExp(`The search covered only the projects that ${variable} names\\.$`)),
    });
  });
});

test("list_flex_clusters reports its progress in words", async () => {
  // This client drops progress that comes together with the answer, so one project is read later.
  const { client } = await serverAgainst(await simulatorFor({ orders: "listFlexClusters=slow-headers@1000*1" }));
  const messages: unknown[] = [];
  await client.callTool({ name: "list_flex_clusters" }, undefined, {
    onprogress: ({ message }) => messages.push(message),
  });
  expect(messages.slice(0, 2)).toEqual(["1 of 3 projects read", "2 of 3 projects read"]);
  expect(messages.slice(2)).toEqual(messages.slice(2).map(() => "3 of 3 projects read"));
});

describe("list_flex_snapshots", () => {
  test("lists the newest first, with ages and the latest complete one", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_snapshots", CLUSTER);
    const ids = JSON.stringify(answer.snapshots).match(/(?<="id":")[^"]+/g);
    expect(ids).toEqual([8, 7, 6, 5, 4, 3, 2, 1].map((day) => `5fa1000000000000000000c${day}`));
    expect(answer.latestCompleteSnapshotId).toBe(SIMULATED.snapshotId);
    expect(answer).toMatchObject({
      snapshots: [
        { ageHours: expect.any(Number), mongoDBVersion: expect.stringMatching(/^\d+\.\d+/) },
        ...Array(7).fill(expect.anything()),
      ],
    });
  });

  test("does not take a snapshot that is still being taken for the latest complete one", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_snapshots", { ...CLUSTER, name: SIMULATED.runningSnapshot.name });
    expect(answer).toMatchObject({
      snapshots: [{ id: SIMULATED.runningSnapshot.snapshotId, status: "RUNNING" }, ...Array(3).fill(expect.anything())],
    });
    expect(answer.latestCompleteSnapshotId).not.toBe(SIMULATED.runningSnapshot.snapshotId);
    expect(answer.nextStep).toMatch(/^The newest one is not complete yet\. save_flex_snapshot saves/);
  });

  test("does not take snapshots in an unknown state for those of a new cluster", async () => {
    const { ok } = await serverAgainst(await simulatorFor({ orders: "listSnapshots=unknown-status" }));
    const answer = await ok("list_flex_snapshots", CLUSTER);
    expect(answer).not.toHaveProperty("latestCompleteSnapshotId");
    expect(answer.nextStep).toBe("There is no complete backup; the newest one is not complete yet.");
  });

  test("shows a failed snapshot in its place", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_snapshots", CLUSTER);
    const failed = { id: SIMULATED.failedSnapshotId, status: "FAILED", finishTime: expect.any(String) };
    expect(answer.snapshots).toContainEqual(expect.objectContaining(failed));
  });

  test("explains an empty list of a new cluster", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const answer = await ok("list_flex_snapshots", { ...CLUSTER, name: SIMULATED.freshName });
    expect(answer).toMatchObject({ snapshots: [], nextStep: expect.stringContaining("24 hours") });
    expect(answer).not.toHaveProperty("latestCompleteSnapshotId");
  });
});

describe("eight snapshots take at most 1,700 bytes of text", () => {
  /** In January, `when` names the year of each. */
  const yearsBytes = 8 * Buffer.byteLength(" 2025");
  const oneADay = (newest: number) => Array.from({ length: 8 }, (_, day) => complete(newest + 24 * day));

  test.each<[string, TestSnapshot[], RegExp]>([
    ["when all is well", oneADay(9), /^save_flex_snapshot saves the newest complete one by name alone/],
    ["two days ago, in hours", oneADay(24), /^save_flex_snapshot saves the newest complete one by name alone/],
    [
      "and the newest is stale",
      oneADay(27),
      /^Its newest complete backup is 27 hours old, and Atlas takes one a day\. s/,
    ],
    [
      "and the newest failed after a stale one",
      [{ status: "FAILED", age: 6.7 }, ...oneADay(30.7).slice(0, 7)],
      /^Its newest backup failed; the next is due within a day\. Its newest complete backup is 31 hours old\. s/,
    ],
  ])("%s", async (_, snapshots, advice) => {
    const { env } = await atlasOfClusters([{ clusters: [{ name: "orders", snapshots }] }]);
    const { call } = await serverWith({ env });
    const { content, structuredContent } = await call("list_flex_snapshots", { groupId: projectId(0), name: "orders" });
    expect(structuredContent).toMatchObject({
      snapshots: Array(8).fill({ id: expect.any(String), when: expect.any(String) }),
      nextStep: expect.stringMatching(advice),
    });
    expect(z.array(z.object({ text: z.string().max(1_700 - yearsBytes) })).parse(content)).toHaveLength(1);
  });
});

test.each([
  ["America/Los_Angeles", "2025-03-09T09:59:00Z", "Sun 9 Mar 2025, 01:59"],
  ["America/Los_Angeles", "2025-03-09T10:00:00Z", "Sun 9 Mar 2025, 03:00"],
  ["America/Los_Angeles", "2025-11-02T08:59:00Z", "Sun 2 Nov 2025, 01:59"],
  ["America/Los_Angeles", "2025-11-02T09:00:00Z", "Sun 2 Nov 2025, 01:00"],
  ["America/Los_Angeles", "2025-01-01T03:01:20Z", "Tue 31 Dec 2024, 19:01"],
  ["Asia/Kolkata", "2025-03-09T10:00:00Z", "Sun 9 Mar 2025, 15:30"],
  ["Asia/Kolkata", "2024-12-31T19:01:20Z", "Wed 1 Jan 2025, 00:31"],
  ["UTC", "2025-03-09T10:00:00Z", "Sun 9 Mar 2025, 10:00"],
])("in %s, %s is shown as %s", async (TZ, finishTime, local) => {
  const { env } = await atlasOfClusters([{ clusters: [{ name: "orders", snapshots: [{ finishTime }] }] }]);
  const { ok } = await serverWith({ env: { ...env, TZ } });
  const when = expect.stringMatching(new RegExp(`^${local}, \\d+ days ago$`));
  const cluster = { groupId: projectId(0), name: "orders" };
  expect(await ok("list_flex_snapshots", cluster)).toMatchObject({ snapshots: [{ finishTime, when }] });
  expect(await ok("list_flex_clusters", { backups: true })).toMatchObject({
    projects: [{ clusters: [{ newestBackup: { when } }] }],
  });
});

describe("list_restore_jobs", () => {
  test("says that a cluster has no download job when it has none", async () => {
    const { ok } = await serverAgainst(await simulatorFor({ orders: "listRestoreJobs=hide-downloads" }));
    for (const deliveryType of [undefined, "DOWNLOAD"])
      expect(await ok("list_restore_jobs", { ...CLUSTER, deliveryType })).toMatchObject({
        truncated: false,
        nextStep: "The cluster has no download job.",
      });
  });

  test("lists the newest first, by type, up to the limit, and never a link", async () => {
    const { ok } = await serverAgainst(await simulatorFor());
    const all = await ok("list_restore_jobs", CLUSTER);
    expect(JSON.stringify(all)).not.toMatch(/snapshotUrl|X-Amz|http/);
    const downloads = await ok("list_restore_jobs", { ...CLUSTER, deliveryType: "DOWNLOAD" });
    expect(downloads).toMatchObject({
      restoreJobs: [
        { id: SIMULATED.restoreJobId, deliveryType: "DOWNLOAD", finished: true, linkExpiresAt: expect.any(String) },
      ],
      truncated: false,
    });
    const one = await ok("list_restore_jobs", { ...CLUSTER, limit: 1 });
    expect(one).toMatchObject({
      truncated: true,
      restoreJobs: [{ id: SIMULATED.restoreJobId }],
      nextStep: expect.stringMatching(/There are more jobs: raise limit, up to 100\.$/),
    });
  });
});
