import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, serverWith, simulatorFor, temporaryFolder } from "../fixtures.ts";

const { groupId, name } = CLUSTER;
const SMALL = { snapshotBytes: 200_000 };
const HOUR_MS = 3_600_000;

const NEWEST = SIMULATED.snapshotId;

/** The server against a simulator of its own, whose world `change` may alter. */
async function against(options: SimulatorOptions = SMALL, env: Record<string, string> = {}, args: string[] = []) {
  const simulator = await simulatorFor(options);
  const folder = await temporaryFolder();
  const session = await serverAgainst(simulator, {
    env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_DOWNLOAD_DIR: folder, ...env },
    args,
  });
  return { ...session, simulator, folder };
}

const operations = (simulator: Awaited<ReturnType<typeof simulatorFor>>) =>
  simulator.requests.flatMap(({ operation }) => (operation === "token" ? [] : [operation]));

describe("a save by the cluster's name alone", () => {
  test("finds the project and the newest complete backup, and names every choice", async () => {
    const { ok, folder } = await against();
    const saved = await ok("save_flex_snapshot", { name });
    expect(saved).toMatchObject({
      state: "complete",
      name,
      projectName: "Simulated shop",
      groupId,
      snapshotId: NEWEST,
      when: expect.stringMatching(/^\w{3} \d{1,2} \w{3}( \d{4})?, \d\d:\d\d, .* ago$/),
      size: expect.stringMatching(/^\d+\.\d kB$/),
    });
    expect(JSON.parse(await readFile(`${saved.path}.json`, "utf8"))).toMatchObject({ projectName: "Simulated shop" });
    expect(await readdir(folder)).toHaveLength(2);
  });

  test("answers with at most 1,000 bytes", async () => {
    const { client } = await against();
    const { content } = await client.callTool({ name: "save_flex_snapshot", arguments: { name } });
    expect(Buffer.byteLength(JSON.stringify(content)) - '[{"type":"text","text":""}]'.length).toBeLessThan(1_150);
    expect(Array.isArray(content) && Buffer.byteLength(String(content[0]?.text))).toBeLessThanOrEqual(1_000);
  });

  test("is the same save when it is asked for again, and needs no lookup while it runs", async () => {
    const { ok, simulator } = await against({ ...SMALL, fileRateBytesPerSecond: 50_000 });
    await ok("save_flex_snapshot", { name, waitSeconds: 1 });
    const before = operations(simulator).filter((operation) => operation === "listFlexClusters").length;
    const again = await ok("save_flex_snapshot", { name });
    expect(again).toMatchObject({ state: "complete", snapshotId: NEWEST });
    expect(operations(simulator).filter((operation) => operation === "listFlexClusters")).toHaveLength(before);
    expect(operations(simulator).filter((operation) => operation === "requestDownload")).toHaveLength(1);
  });

  test("takes a snapshot that is named without its project", async () => {
    const { ok } = await against();
    const { downloadedSnapshotId: snapshotId } = SIMULATED;
    expect(await ok("save_flex_snapshot", { name, snapshotId })).toMatchObject({
      state: "complete",
      snapshotId,
      groupId,
    });
  });

  test("goes on after the call that asked for it has got its answer, before the lookup has ended", async () => {
    const { ok } = await against({ ...SMALL, orders: "listFlexClusters=slow-headers@800" });
    const first = await ok("save_flex_snapshot", { name, waitSeconds: 0 });
    expect(first).toMatchObject({ state: "requesting", name });
    for (const field of ["snapshotId", "ticket"]) expect(first).not.toHaveProperty(field);
    await expect
      .poll(async () => (await ok("list_saved_snapshots")).files, { timeout: 20_000 })
      .toMatchObject([{ name, state: "complete" }]);
  });

  test("goes on after its call was cancelled, before the lookup has ended", async () => {
    const { client, ok, simulator } = await against({ ...SMALL, orders: "listFlexClusters=slow-headers@800" });
    const cancel = new AbortController();
    const call = client.callTool({ name: "save_flex_snapshot", arguments: { name } }, undefined, {
      signal: cancel.signal,
    });
    const ended = expect(call).rejects.toThrow();
    await expect.poll(() => simulator.count("listFlexClusters")).toBeGreaterThan(0);
    cancel.abort("enough");
    await ended;
    await expect
      .poll(async () => (await ok("list_saved_snapshots")).files, { timeout: 20_000 })
      .toMatchObject([{ name, state: "complete" }]);
  });
});

test("a save whose backup is still looked up is listed in words, and can be stopped", async () => {
  const { ok, folder } = await against({ ...SMALL, orders: "listSnapshots=slow-headers@1500" });
  const first = await ok("save_flex_snapshot", { name, waitSeconds: 0 });
  expect(first.nextStep).not.toContain("stop_saving_snapshot");
  expect((await ok("list_saved_snapshots")).nextStep).toBe(
    "The backup of orders is being looked up; its download then begins by itself.",
  );
  expect(await ok("stop_saving_snapshot", { snapshotId: NEWEST, discard: true })).toMatchObject({
    state: "discarded",
    name,
  });
  expect((await ok("list_saved_snapshots")).nextStep).toBe("Nothing has been saved yet.");
  expect((await readdir(folder)).filter((file) => file.endsWith(".tgz"))).toEqual([]);
});

test("a lookup is used again only while what it found is being saved", async () => {
  const { ok, simulator } = await against({ ...SMALL, fileRateBytesPerSecond: 100_000 });
  await ok("save_flex_snapshot", { name, groupId, waitSeconds: 0 });
  await expect
    .poll(() => ok("list_saved_snapshots"), { timeout: 20_000 })
    .toMatchObject({ files: [{ name, state: "complete" }], transfers: [] });
  const lookups = () => operations(simulator).filter((operation) => operation === "listSnapshots").length;
  const before = lookups();
  // The file is there a moment before the save has ended.
  const next = async () => {
    expect(await ok("save_flex_snapshot", { name, groupId })).toMatchObject({ state: "complete" });
    return lookups();
  };
  await expect.poll(next, { timeout: 20_000 }).toBe(before + 1);
});

test("a lookup that fails after its call has ended is told to the next call, and to the log", async () => {
  const { ok, fails, log } = await against({ ...SMALL, orders: "listFlexClusters=slow-headers@500" });
  expect(await ok("save_flex_snapshot", { name: "ordres", waitSeconds: 0 })).toMatchObject({ state: "requesting" });
  await expect.poll(log).toContain("a save failed after its call had ended");
  expect(await fails("save_flex_snapshot", { name: "ordres", waitSeconds: 0 })).toMatchObject({
    errorCode: "CLUSTER_UNKNOWN",
  });
});

test("a project's name, which is only shown, does not hold up a save", async () => {
  const { ok } = await against({ ...SMALL, orders: "getProject=hang" });
  expect(await ok("save_flex_snapshot", { name, groupId })).toMatchObject({ state: "complete", groupId });
});

describe("a save by name is refused", () => {
  test("when several projects have the cluster, with the list and the advice to ask", async () => {
    const { fails, simulator } = await against();
    const failure = await fails("save_flex_snapshot", { name: "reports" });
    expect(failure).toMatchObject({ errorCode: "SEVERAL_CLUSTERS", retryable: false });
    expect(failure.detail).toContain(`"Simulated shop" (groupId ${groupId})`);
    expect(failure.hint).toMatch(/^Ask the person which project is meant/);
    expect(operations(simulator)).not.toContain("requestDownload");
  });

  test("when no project has it, with the nearest name", async () => {
    const { fails } = await against();
    expect(await fails("save_flex_snapshot", { name: "ordres" })).toMatchObject({
      errorCode: "CLUSTER_UNKNOWN",
      detail: "No Flex cluster is named ordres. Did you mean orders? There are: orders, customers, fresh, reports.",
    });
  });

  test("when a project could not be read, since the cluster may be there too", async () => {
    const { fails } = await against({ ...SMALL, projects: 2, orders: "listFlexClusters=403*1" });
    const failure = await fails("save_flex_snapshot", { name });
    expect(failure).toMatchObject({ errorCode: "PROJECTS_UNREADABLE" });
    expect(failure.detail).toMatch(/these projects could not be read: "[^"]+" \(groupId [0-9a-f]{24}\): /);
  });

  test("when the cluster has no complete backup, with the reason", async () => {
    const { fails } = await against();
    const failure = await fails("save_flex_snapshot", { name: SIMULATED.freshName });
    expect(failure).toMatchObject({ errorCode: "NO_COMPLETE_SNAPSHOT" });
    expect(failure.detail).toContain("Atlas takes the first one about 24 hours after a Flex cluster is created");
  });

  test("when the default project does not have it, without a look at the others", async () => {
    const { fails, simulator } = await against(SMALL, { MONGODB_ATLAS_PROJECT_ID: SIMULATED.emptyGroupId });
    const failure = await fails("save_flex_snapshot", { name });
    expect(failure.detail).toContain("Only the projects that MONGODB_ATLAS_PROJECT_ID names were searched.");
    expect(operations(simulator)).not.toContain("listProjects");
  });

  test.each([
    ["save_flex_snapshot", { name, groupId: SIMULATED.emptyGroupId }],
    ["save_flex_snapshot", { name, groupId: SIMULATED.emptyGroupId, snapshotId: NEWEST }],
  ])("when %s names a project that is not allowed, and nothing is sent", async (tool, args) => {
    const { fails, simulator } = await against(SMALL, { ATLAS_FLEX_ALLOWED_PROJECTS: groupId });
    expect(await fails(tool, args)).toMatchObject({ errorCode: "PROJECT_NOT_ALLOWED" });
    expect(operations(simulator)).toEqual([]);
  });

  test("when it is not in an allowed project", async () => {
    const { fails } = await against(SMALL, { ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.emptyGroupId });
    expect(await fails("save_flex_snapshot", { name })).toMatchObject({ errorCode: "CLUSTER_UNKNOWN" });
  });
});

test("stopping a part of a project that is not allowed is refused", async () => {
  const { ok, folder } = await against({ ...SMALL, fileRateBytesPerSecond: 20_000 });
  const { snapshotId } = await ok("save_flex_snapshot", { name, waitSeconds: 5 });
  await ok("stop_saving_snapshot", { snapshotId });
  const other = await serverWith({
    env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_DOWNLOAD_DIR: folder, ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.emptyGroupId },
  });
  expect(await other.fails("stop_saving_snapshot", { snapshotId, discard: true })).toMatchObject({
    errorCode: "PROJECT_NOT_ALLOWED",
  });
});

describe("a save by name that finds an older part", () => {
  /** A part of an older backup, begun `hours` ago by name or by its id. */
  async function withPart(hours: number, byName: boolean) {
    const session = await against({ ...SMALL, fileRateBytesPerSecond: 100_000 });
    const { downloadedSnapshotId: snapshotId } = SIMULATED;
    await session.ok("save_flex_snapshot", { ...CLUSTER, snapshotId, waitSeconds: 1 });
    await session.ok("stop_saving_snapshot", { snapshotId });
    const state = (await readdir(session.folder)).find((file) => file.endsWith(".part.json"));
    const path = join(session.folder, String(state));
    const json = JSON.parse(await readFile(path, "utf8"));
    const startedAt = new Date(Date.now() - hours * HOUR_MS).toISOString();
    await writeFile(path, `${JSON.stringify({ ...json, startedAt, ...(byName && { byName }) }, undefined, 2)}\n`);
    session.simulator.setFileRate(0);
    // Another process, which knows nothing of the first save.
    const next = await serverAgainst(session.simulator, {
      env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_DOWNLOAD_DIR: session.folder },
    });
    onTestFinished(() => session.client.close());
    return { ...next, older: snapshotId };
  }

  test("goes on with it when it was begun by name within the last day, and says that there is a newer backup", async () => {
    const { ok, older } = await withPart(20, true);
    const saved = await ok("save_flex_snapshot", { name });
    expect(saved).toMatchObject({ state: "complete", snapshotId: older });
    expect(saved.warnings).toEqual([expect.stringContaining("Atlas has a newer backup by now")]);
  });

  test.each([
    ["it was begun more than a day ago", 30, true],
    ["it was begun by its id", 2, false],
  ])("takes the newest backup when %s, and names the part", async (_why, hours, byName) => {
    const { ok, older } = await withPart(hours, byName);
    const saved = await ok("save_flex_snapshot", { name });
    expect(saved).toMatchObject({ state: "complete", snapshotId: NEWEST });
    expect(saved.warnings).toEqual([expect.stringMatching(new RegExp(`is kept: .*, snapshotId ${older}\\.$`))]);
  });
});

describe("waiting", () => {
  test("lasts as long as the configuration allows, which is also the default of a save then", async () => {
    const rate = { ...SMALL, fileRateBytesPerSecond: 6_500 };
    const { client, ok } = await against(rate, { ATLAS_FLEX_MAX_WAIT_SECONDS: "3600" });
    expect(client.getInstructions()).not.toContain("Each call ends within 50 seconds");
    // With the usual 25 seconds this would still be running.
    expect(await ok("save_flex_snapshot", { name })).toMatchObject({ state: "complete" });
  }, 120_000);

  test("longer than allowed is taken as the longest, and the answer says so", async () => {
    const { ok } = await against(SMALL, { ATLAS_FLEX_MAX_WAIT_SECONDS: "2" });
    const job = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
    expect((await ok("get_restore_job", { ...job, waitSeconds: 600 })).nextStep).toMatch(
      /^waitSeconds was taken as 2, the longest that this server waits\. /,
    );
  });

  test.each([
    ["while bytes arrive", { snapshotBytes: 8_000_000, fileRateBytesPerSecond: 2_000_000 }],
    ["while nothing changes, at least every 15 seconds", { ...SMALL, jobMs: 60_000 }],
  ])("progress rises with each message, %s", async (_what, options) => {
    const { client } = await against(options);
    const seen: number[] = [];
    await client.callTool({ name: "save_flex_snapshot", arguments: { name, waitSeconds: 14 } }, undefined, {
      onprogress: ({ progress }) => void seen.push(progress),
    });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...new Set(seen)].sort((one, next) => one - next));
  });

  test("a running answer with more than a minute left tells the person, and does not ask for a loop", async () => {
    const { ok } = await against({ snapshotBytes: 4_000_000, fileRateBytesPerSecond: 30_000 });
    const running = await ok("save_flex_snapshot", { name, waitSeconds: 12 });
    expect(running).toMatchObject({ state: "downloading", rate: expect.stringMatching(/ kB\/s$/) });
    expect(running.nextStep).toMatch(/in the background .* about \d+ minutes more\. .* do not call in a loop\./);
  });
});
