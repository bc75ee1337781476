import { access, readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { ACCESS_TOKEN, API_KEY, SERVICE_ACCOUNT, simulatorFor, temporaryFolder } from "../../fixtures.ts";
import { checked, checkedAgainst, checkedAsText } from "./checked.ts";

const IDS = [
  "node",
  "settings",
  "atlas-address",
  "ca-certificates",
  "proxy",
  "connection",
  "clock",
  "credentials",
  "api-access-list",
  "projects",
  "flex-clusters",
  "snapshots",
  "download-role",
  "download-folder",
  "free-space",
  "tools",
];

describe("a configuration that works", () => {
  test("passes every step but the one that cannot be known", async () => {
    const simulator = await simulatorFor();
    const { ids, step } = await checkedAgainst(simulator);
    expect(ids).toEqual(IDS);
    expect(ids.filter((id) => step(id)?.state !== "ok")).toEqual(["download-role"]);
    expect(step("download-role")).toMatchObject({
      state: "skipped",
      found: expect.stringContaining("without creating a download job"),
      whatToDo: expect.stringContaining("Project Owner"),
    });
    expect(step("atlas-address")?.found).toBe(`${simulator.baseUrl} (MONGODB_ATLAS_BASE_URL)`);
    expect(step("projects")?.found).toContain(SIMULATED.groupId);
    expect(step("flex-clusters")?.found).toMatch(/^4: orders, customers, fresh, reports in Simulated shop/);
    expect(step("snapshots")?.found).toMatch(/^orders has 8 snapshots, the latest complete one \d+ \w+ old$/);
    expect(step("tools")?.found).toMatch(/^8 of 8: list_flex_clusters, /);
  });

  test("is left as it was: no job, no file, and the token given back", async () => {
    const simulator = await simulatorFor();
    const { home } = await checkedAgainst(simulator);
    expect(simulator.jobs).toEqual([]);
    expect(simulator.count("requestDownload")).toBe(0);
    expect([simulator.count("token"), simulator.count("revoke")]).toEqual([1, 1]);
    expect(await readdir(home)).toEqual([]);
  });

  test.each([
    [SERVICE_ACCOUNT, "service account mdb_sa_id_…00aa from MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET"],
    [API_KEY, "API key …late from MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY"],
    [ACCESS_TOKEN, "access token from MONGODB_ATLAS_ACCESS_TOKEN"],
  ])("names its credentials and where they come from, not what they are (%#)", async (env, who) => {
    const { code, step } = await checkedAgainst(await simulatorFor(), env);
    expect(code).toBe(0);
    expect(step("credentials")?.found).toBe(`${who}; Atlas accepts it`);
  });

  test("may be a simulated one, which ignores credentials", async () => {
    const { code, step } = await checked({ args: ["--simulate"], env: SERVICE_ACCOUNT });
    expect(code).toBe(0);
    expect(step("atlas-address")?.found).toContain("embedded simulator");
    expect(step("credentials")?.found).toBe("the simulator's own service account; Atlas accepts it");
    expect(step("download-folder")?.found).toMatch(/simulated \(ATLAS_FLEX_DOWNLOAD_DIR\), which does not exist yet/);
  });

  test("that only reads needs no role to download, and says what narrows its tools", async () => {
    const simulator = await simulatorFor();
    const { code, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ATLAS_FLEX_READ_ONLY: "true" });
    expect(code).toBe(0);
    expect(step("download-role")?.found).toBe("not tried: no tool is registered that creates download jobs");
    expect(step("tools")?.found).toMatch(/^6 of 8 \(read-only, links hidden\): /);
  });

  test("of many projects gives few names and the number of all", async () => {
    const { code, step } = await checkedAgainst(await simulatorFor({ projects: 250 }));
    expect(code).toBe(0);
    expect(step("projects")?.found).toMatch(/^252 projects: .* and 242 more$/);
    expect(step("flex-clusters")?.found).toMatch(/^202: .* and \d+ more; only the first 200 projects were looked at$/);
  });
});

describe("the text form", () => {
  test("has one line per step, advice below it, and no colour unless a terminal reads it", async () => {
    const { code, stdout, stderr } = await checkedAsText({ args: ["--simulate"] });
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => /^[✓✗!-] /.test(line))).toHaveLength(IDS.length);
    expect(lines).toContainEqual(expect.stringMatching(/^✓ Snapshots +orders has 8 snapshots/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {4}To download, the credentials need Project Owner/));
    expect(stdout).toMatch(/Everything that could be tried works\.\n$/);
    expect(stdout).not.toContain("\u001b");
    expect(stderr).toBe("");
  });

  test("shows what Atlas sends without anything that a terminal would act on", async () => {
    const env = { ATLAS_FLEX_SIMULATOR_ORDERS: "api=hostile", ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.groupId };
    const args = ["--simulate", "--download-dir", "\u001b[31mred"];
    const { stdout } = await checkedAsText({ args, env });
    expect(stdout).toMatch(/✓ Download folder .*red/);
    expect(stdout).toMatch(/✓ Projects +1 allowed project: Simulated shop/);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
    expect(stdout).not.toMatch(/[\u{e0000}-\u{e007f}]/u);
  });
});

test("a secret is removed wherever it was set by mistake", async () => {
  const env = { ...SERVICE_ACCOUNT, MONGODB_ATLAS_CLIENT_SECRET: "canary-of-a-secret" };
  const { step } = await checkedAgainst(await simulatorFor(), {
    ...env,
    ATLAS_FLEX_DOWNLOAD_DIR: "/canary-of-a-secret",
  });
  expect(step("download-folder")?.found).toMatch(/^\/\[removed\] /);
});

test("a folder that does not exist yet is not created", async () => {
  const folder = await temporaryFolder();
  const { code } = await checked({ args: ["--simulate", "--download-dir", `${folder}/a/b`] });
  expect(code).toBe(0);
  await expect(access(`${folder}/a`)).rejects.toMatchObject({ code: "ENOENT" });
});
