import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { atlasOfClusters, complete, type TestCluster } from "../../tools/atlas-of-clusters.ts";
import { at } from "../command.ts";
import { looked, lookedAt, refused, shop, shown } from "./looked.ts";

const young = { createDate: new Date(Date.now() - 25 * 3_600_000).toISOString() };
const failed = (age: number) => ({ status: "FAILED", age });
const well: TestCluster = { name: "well", snapshots: [complete(3)] };

describe("a healthy world", () => {
  test("is a line that says so, a table and exit code 0", async () => {
    const { code, stdout, stderr, folder } = await shown({ env: at(await simulatorFor()) });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("✓ All 5 clusters are well in Atlas. 4 have no file here.");
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}CLUSTER +PROJECT +NEWEST IN ATLAS +NEWEST HERE$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/^✓ orders +Simulated shop +\w{3} \d+ \w{3}, \d\d:\d\d, (?:\d+ \w+ ago|just now) +none$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^✓ fresh +Simulated shop +none +none$/));
    expect(lines).toContainEqual(expect.stringMatching(/^✓ reports +Simulated archive /));
    expect(lines.at(-2)).toBe(`Files are in ${folder}`);
    expect(stdout).not.toContain("\u001b");
  });

  test("fits into 80 columns", async () => {
    const { stdout } = await shown({ args: ["--simulate", "--download-dir", "/tmp/x"] });
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test("is the same as JSON", async () => {
    const { code, ok, clusters, maxAgeHours, names } = await looked({ env: at(await simulatorFor()) });
    expect({ code, ok, maxAgeHours }).toEqual({ code: 0, ok: true, maxAgeHours: 26 });
    expect(names).toEqual(["orders", "customers", "fresh", "reports", "reports"]);
    expect(clusters[0]).toMatchObject({
      name: "orders",
      projectName: "Simulated shop",
      groupId: SIMULATED.groupId,
      newestBackup: { snapshotId: SIMULATED.snapshotId, ageHours: expect.any(Number) },
      wrong: [],
    });
    expect(clusters[2]).toEqual({
      ok: true,
      name: "fresh",
      projectName: "Simulated shop",
      groupId: SIMULATED.groupId,
      backups: [],
      wrong: [],
    });
  });

  test("is looked at without a job and without a trace on the disk, and the token is revoked", async () => {
    const simulator = await simulatorFor();
    const { home } = await looked({ env: at(simulator), args: ["--max-saved-age", "2d"] });
    expect(simulator.jobs).toEqual([]);
    expect(simulator.count("requestDownload")).toBe(0);
    expect([simulator.count("token"), simulator.count("revoke")]).toEqual([1, 1]);
    expect(await readdir(home)).toEqual([]);
  });

  test("is one cluster", async () => {
    const atlas = await atlasOfClusters(shop(well));
    const { code, stdout } = await shown({ env: atlas.env });
    expect([code, stdout.split("\n")[0]]).toEqual([0, "✓ The cluster is well in Atlas. It has no file here."]);
  });
});

describe("exit code 1 and a sentence come of", () => {
  test.each<[string, Omit<TestCluster, "name">, string, string?]>([
    [
      "a newest backup that is older than 26 hours",
      { snapshots: [complete(31)] },
      "Its newest complete backup is 31 hours old, and Atlas takes one a day.",
    ],
    [
      "one that is a little older",
      { snapshots: [complete(26.02)] },
      "Its newest complete backup is more than 26 hours old, and Atlas takes one a day.",
    ],
    [
      "one that is older than --max-age",
      { snapshots: [complete(2)] },
      "Its newest complete backup is more than 90 minutes old.",
      "90m",
    ],
    [
      "one that is a minute older than a --max-age of minutes",
      { snapshots: [complete(3 / 60)] },
      "Its newest complete backup is 3 minutes old.",
      "2m",
    ],
    [
      "one that is older than two days",
      { snapshots: [complete(100)] },
      "Its newest complete backup is 4 days old, and Atlas takes one a day.",
      "2d",
    ],
    [
      "a newest backup that failed, although the one before is recent",
      { snapshots: [failed(1), complete(25)] },
      "Its newest backup failed; the next is due within a day.",
    ],
    [
      "backups of which none is complete",
      { snapshots: [{ status: "RUNNING", age: 1 }] },
      "There is no complete backup; the newest one is not complete yet.",
    ],
    [
      "no backup of an old cluster",
      { snapshots: [] },
      "There is no backup yet. Atlas takes the first one about 24 hours after a cluster is created.",
    ],
    [
      "backups that are turned off",
      { snapshots: [complete(2)], fields: { backupSettings: { enabled: false } } },
      "Its backups are turned off in Atlas.",
    ],
    [
      "a cluster that is being deleted",
      { snapshots: [complete(2)], fields: { stateName: "DELETING" } },
      "It is being deleted, and Atlas deletes its backups with it.",
    ],
    ["backups that cannot be read", { snapshots: 403 }, "Its backups could not be read: HTTP 403."],
    [
      "a backup of the future, since a slow clock would hide old ones",
      { snapshots: [complete(-5)] },
      "Its newest backup lies in the future, so the clock of this computer is slow and no age here is right.",
    ],
  ])("%s", async (_, cluster, sentence, maxAge) => {
    const atlas = await atlasOfClusters(shop({ name: "ill", ...cluster }, { ...well, snapshots: [complete(0)] }));
    const args = maxAge === undefined ? [] : ["--max-age", maxAge];
    const { code, clusters } = await looked({ env: atlas.env, args });
    expect(code).toBe(1);
    expect(clusters.map(({ name, wrong }) => [name, wrong])).toEqual([
      ["ill", [sentence]],
      ["well", []],
    ]);
    const { stdout } = await shown({ env: atlas.env, args });
    expect(stdout.split("\n")[0]).toBe(`✗ 1 of 2 clusters needs attention: ill. ${sentence}`);
    expect(stdout).toMatch(/\n✗ ill .*\n {4}\w.*\n✓ well /);
  });

  test("statuses that Atlas does not document", async () => {
    const { code, sentences } = await looked({
      env: at(await simulatorFor({ orders: "listSnapshots=unknown-status" })),
    });
    expect(code).toBe(1);
    expect(sentences).toContain("There is no complete backup; the newest one is not complete yet.");
  });

  test("a project that cannot be read, which is named", async () => {
    const atlas = await atlasOfClusters([...shop(well), { name: "Closed", clusters: 403 }]);
    const { code, wrong, names } = await looked({ env: atlas.env });
    expect({ code, names }).toEqual({ code: 1, names: ["well"] });
    expect(wrong).toEqual([expect.stringMatching(/^The project "Closed" could not be read\. HTTP 403/)]);
    const { stdout } = await shown({ env: atlas.env });
    expect(stdout).toMatch(/^✗ The project "Closed" could not be read\. .*\n\n {2}CLUSTER/);
  });

  test("several projects of which none can be read, each named", async () => {
    const { wrong } = await lookedAt([
      { name: "One", clusters: 403 },
      { name: "Two", clusters: 404 },
    ]);
    expect(wrong).toEqual([expect.stringContaining('"One"'), expect.stringContaining('"Two"')]);
  });

  test("no cluster at all", async () => {
    const none = await lookedAt([{ name: "Shop", clusters: [] }]);
    expect(none).toMatchObject({ code: 1, wrong: ["There is no Flex cluster."] });
    const scoped = await looked({
      env: { ...at(await simulatorFor()), MONGODB_ATLAS_PROJECT_ID: SIMULATED.emptyGroupId },
    });
    expect(scoped.wrong).toEqual(["There is no Flex cluster in the projects that MONGODB_ATLAS_PROJECT_ID names."]);
  });

  test("no network", async () => {
    const env = { ...SERVICE_ACCOUNT, MONGODB_ATLAS_BASE_URL: "http://127.0.0.1:9" };
    expect(await refused({ env })).toMatchObject({ code: 1, error: { errorCode: "CONNECTION_FAILED" } });
  });

  test("wrong credentials, with the advice of check", async () => {
    const env = { ...at(await simulatorFor()), MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_canary-not-this-secret-0000" };
    const { code, stdout, stderr } = await shown({ env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    const { error } = await refused({ env });
    expect(stdout).toMatch(/^✗ HTTP 401 INVALID_CREDENTIALS: /);
    expect(stdout).toContain(`\n  ${error.hint}\n`);
  });

  test("wrong credentials of allowed projects, said once and not of each project", async () => {
    const env = {
      MONGODB_ATLAS_BASE_URL: (await simulatorFor()).baseUrl,
      MONGODB_ATLAS_ACCESS_TOKEN: "canary-not-this-token",
      ATLAS_FLEX_ALLOWED_PROJECTS: `${SIMULATED.groupId},${SIMULATED.archive.groupId}`,
    };
    expect(await refused({ env })).toMatchObject({ code: 1, error: { source: "credentials" } });
  });

  test("no credentials, with the variables to set", async () => {
    const { code, stdout } = await shown({});
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ CREDENTIALS_MISSING: [\s\S]*\n {2}MONGODB_ATLAS_CLIENT_ID=/);
  });

  test("settings that cannot be used, all of them, before anything is sent", async () => {
    const simulator = await simulatorFor();
    const env = { ...at(simulator), ATLAS_FLEX_DOWNLOAD_DIR: "file:x", ATLAS_FLEX_ALLOWED_PROJECTS: "x" };
    const { code, error, wrong } = await refused({ env });
    expect({ code, errorCode: error.errorCode }).toEqual({ code: 1, errorCode: "CONFIGURATION_INVALID" });
    expect(wrong[0]).toContain("ATLAS_FLEX_DOWNLOAD_DIR");
    expect(wrong[0]).toContain("ATLAS_FLEX_ALLOWED_PROJECTS");
    expect(simulator.requests).toEqual([]);
  });
});

describe("no complaint comes of", () => {
  test.each<[string, Omit<TestCluster, "name">, string?]>([
    ["a cluster younger than 26 hours without a backup", { snapshots: [], fields: young }],
    ["a cluster that is being created", { fields: { stateName: "CREATING", createDate: undefined } }],
    ["a backup just below 26 hours", { snapshots: [complete(25.9)] }],
    ["an old backup within --max-age", { snapshots: [complete(60)] }, "3d"],
    ["a backup that is being taken after a recent one", { snapshots: [{ status: "RUNNING", age: 0 }, complete(24)] }],
  ])("%s", async (_, cluster, maxAge) => {
    const args = maxAge === undefined ? [] : ["--max-age", maxAge];
    expect(await lookedAt(shop({ name: "young", ...cluster }), { args })).toMatchObject({ code: 0, sentences: [] });
  });
});

describe("what is shown", () => {
  test("begins with what is wrong, whatever the order of Atlas", async () => {
    const clusters = Array.from({ length: 200 }, (_, index) => ({
      name: `cluster-${index}`,
      snapshots: [complete(index % 80 === 79 ? 200 : 2)],
    }));
    const projects = [0, 1, 2, 3].map((part) => ({
      name: `P${part}`,
      clusters: clusters.slice(part * 50, part * 50 + 50),
    }));
    const atlas = await atlasOfClusters(projects);
    const { names, seen } = { ...(await looked({ env: atlas.env })), seen: atlas.seen };
    expect(names.slice(0, 4)).toEqual(["cluster-79", "cluster-159", "cluster-0", "cluster-1"]);
    expect(names).toHaveLength(200);
    expect(seen.mostInFlight).toBeLessThanOrEqual(8);
    const { stdout } = await shown({ env: atlas.env });
    expect(stdout).toMatch(/^✗ 2 of 200 clusters need attention: cluster-79, cluster-159\.\n\n/);
  });

  test("names ten clusters in the first line, and tells those of one name apart", async () => {
    const old = (name: string) => ({ name, snapshots: [] });
    const many = Array.from({ length: 11 }, (_, index) => old(`c${index}`));
    const one = await atlasOfClusters(shop(...many));
    expect((await shown({ env: one.env })).stdout).toMatch(/^✗ 11 of 11 .*: c0, c1, .*, c9 and 1 more\.\n/);
    const two = await atlasOfClusters([
      ...shop(old("twin")),
      { name: "Other", clusters: [well, { ...well, name: "twin" }] },
    ]);
    expect((await shown({ env: two.env })).stdout).toMatch(
      /^✗ 1 of 3 clusters needs attention: twin in "Shop"\. There/,
    );
  });

  test("counts in the first line what is wrong besides the clusters", async () => {
    const atlas = await atlasOfClusters([...shop({ name: "ill" }), { name: "Closed", clusters: 403 }]);
    const { stdout } = await shown({ env: atlas.env });
    expect(stdout).toMatch(
      /^✗ 1 of 1 cluster needs attention: ill\..* 1 other problem below\.\n✗ The project "Closed"/,
    );
  });

  test("says not read where backups could not be read, and none where there are none", async () => {
    const atlas = await atlasOfClusters(shop({ name: "closed", snapshots: 403 }, { name: "ill", snapshots: [] }));
    const { stdout } = await shown({ env: atlas.env });
    expect(stdout).toMatch(/\n✗ closed +Shop +not read +none\n/);
    expect(stdout).toMatch(/\n✗ ill +Shop +none +none\n/);
  });

  test("has the name of a project that a setting names by its id", async () => {
    const env = { ...at(await simulatorFor()), MONGODB_ATLAS_PROJECT_ID: SIMULATED.archive.groupId };
    expect((await looked({ env })).clusters.map(({ projectName }) => projectName)).toEqual(["Simulated archive"]);
  });

  test.each([
    ["escape sequences, controls and direction marks", "\u001b[31mred\u202e\u0007\u009b2J\nnext\u200b line"],
    ["ten kilobytes", "x".repeat(10_000)],
    ["something that looks like the next columns", "Shop      Thu 26 Nov, 03:01, 2 hours ago      just now"],
  ])("keeps a project's name with %s on its line", async (_, name) => {
    const atlas = await atlasOfClusters([
      { name, clusters: [well, { name: `a/../${name}`, snapshots: [complete(1)] }] },
    ]);
    const { code, stdout } = await shown({ env: atlas.env });
    expect(code).toBe(1);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
    expect(stdout).toContain("Its backups were not read, since its name has not the form of Atlas.");
    const row = stdout.split("\n").find((line) => line.startsWith("✓ well")) ?? "";
    expect(row.split(/ {2,}/)).toHaveLength(4);
    const { stdout: json } = await shown({ env: atlas.env, args: ["--json"] });
    expect(json).not.toMatch(/\\u00|[\u007f-\u009f\u200b-\u200f\u202a-\u202e]/u);
    expect((await looked({ env: atlas.env })).clusters.every((cluster) => cluster.name.length <= 256)).toBe(true);
    expect(atlas.seen.paths.filter((path) => path.includes("..") || path.includes("red"))).toEqual([]);
  });
});
