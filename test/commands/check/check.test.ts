import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { jsonReport, stepText, summaryText } from "../../../src/commands/check/check.ts";
import type { Step } from "../../../src/commands/check/step.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { ACCESS_TOKEN, API_KEY, SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { checked, checkedAgainst, startCheck } from "./checked.ts";

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

describe("with a working configuration, the check", () => {
  test("passes every step except the download role, which it cannot know", async () => {
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
    expect(step("flex-clusters")?.found).toMatch(
      /^5: orders, customers, fresh, reports in "Simulated shop" \(\w+\); reports in "Simulated archive"/,
    );
    expect(step("snapshots")?.found).toMatch(/^orders has 8 snapshots, the latest complete one \d+ \w+ old$/);
    expect(step("tools")?.found).toMatch(/^9 of 9: list_flex_clusters, /);
  });

  test("creates no job and no file, and revokes its token", async () => {
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
  ])("names the credentials and the variables they come from, without showing secrets (%#)", async (env, who) => {
    const { code, step } = await checkedAgainst(await simulatorFor(), env);
    expect(code).toBe(0);
    expect(step("credentials")?.found).toBe(`${who}; Atlas accepts it`);
  });

  test("can use the embedded simulator, which ignores credentials", async () => {
    const { code, step } = await checked({ args: ["--simulate"], env: SERVICE_ACCOUNT });
    expect(code).toBe(0);
    expect(step("atlas-address")?.found).toContain("embedded simulator");
    expect(step("credentials")?.found).toBe("the simulator's own service account; Atlas accepts it");
    expect(step("download-folder")?.found).toMatch(/simulated \(ATLAS_FLEX_DOWNLOAD_DIR\), which does not exist yet/);
  });

  test("needs no download role when read-only, and says what limits the tools", async () => {
    const simulator = await simulatorFor();
    const { code, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ATLAS_FLEX_READ_ONLY: "true" });
    expect(code).toBe(0);
    expect(step("download-role")?.found).toBe("not tried: no tool is registered that creates download jobs");
    expect(step("tools")?.found).toMatch(/^6 of 9 \(read-only, links hidden\): /);
  });

  test("shows a few of many projects and clusters, and their number", async () => {
    const { code, step } = await checkedAgainst(await simulatorFor({ projects: 250 }));
    expect(code).toBe(0);
    expect(step("projects")?.found).toMatch(/^253 projects: .* and 243 more$/);
    expect(step("flex-clusters")?.found).toMatch(/^202: .* and \d+ more; only the first 200 projects were looked at$/);
  });
});

describe("the text form", () => {
  test("has one line per step with advice below, and no colour outside a terminal", async () => {
    const { code, stdout, stderr } = await (await startCheck({ args: ["--simulate"] })).ended;
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => /^[✓✗!-] /.test(line))).toHaveLength(IDS.length);
    expect(lines).toContainEqual(expect.stringMatching(/^✓ Snapshots +orders has 8 snapshots/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {4}To download, the credentials need Project Owner/));
    expect(stdout).toMatch(/Everything that could be tried works\.\n$/);
    expect(stdout).not.toContain("\u001b");
    expect(stderr).toBe("");
  });

  test("shows texts from Atlas without characters that a terminal would act on", async () => {
    const env = { ATLAS_FLEX_SIMULATOR_ORDERS: "api=hostile", ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.groupId };
    const args = ["--simulate", "--download-dir", resolve("/\u001b[31mred")];
    const { stdout } = await (await startCheck({ args, env })).ended;
    expect(stdout).toMatch(/✓ Download folder .*red/);
    expect(stdout).toMatch(/✓ Projects +1 allowed project: "Simulated shop/);
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u);
    expect(stdout).not.toMatch(/[\u{e0000}-\u{e007f}]/u);
  });
});

test("a secret is removed from a setting that contains it by mistake", async () => {
  const secret = "canary-of-a-secret";
  const env = {
    ...SERVICE_ACCOUNT,
    MONGODB_ATLAS_CLIENT_SECRET: secret,
    ATLAS_FLEX_DOWNLOAD_DIR: resolve(`/${secret}`),
  };
  const { step } = await checkedAgainst(await simulatorFor(), env);
  expect(step("download-folder")?.found).toMatch(/^(?:\/|\w:\\)\[removed\] /);
});

test.each([
  ["as text", []],
  ["as JSON", ["--json"]],
])(
  "Ctrl-C ends a check that waits for Atlas, revokes the token and exits with 1 (%s)",
  { tags: "signals" },
  async (_, args) => {
    const simulator = await simulatorFor({ orders: "listFlexClusters=hang" });
    const env = { MONGODB_ATLAS_BASE_URL: simulator.baseUrl, ...SERVICE_ACCOUNT };
    const { child, ended } = await startCheck({ args, env });
    await vi.waitFor(() => expect(simulator.count("listFlexClusters")).toBeGreaterThan(0), { timeout: 10_000 });
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(1);
    expect(stderr).toBe("Interrupted.\n");
    expect(simulator.count("revoke")).toBe(1);
    if (args.length === 0) {
      expect(stdout).toMatch(/✓ Projects +3 projects/);
      expect(stdout).not.toContain("Flex clusters");
      return;
    }
    const { ok, steps } = JSON.parse(stdout);
    expect(ok).toBe(false);
    expect(steps.at(-1)).toMatchObject({ id: "projects", state: "ok" });
  },
);

test("the check is interrupted when the reader of stdout goes away", async () => {
  const simulator = await simulatorFor({ orders: "listSnapshots=slow-headers@500" });
  const { child, ended } = await startCheck({ env: { MONGODB_ATLAS_BASE_URL: simulator.baseUrl, ...SERVICE_ACCOUNT } });
  child.stdout.once("data", () => child.stdout.destroy());
  const { code, stderr } = await ended;
  expect(code).toBe(1);
  expect(stderr).toBe("Interrupted.\n");
  expect(simulator.count("revoke")).toBe(simulator.count("token"));
});

describe("the report", () => {
  const step: Step = { id: "x", title: "Title", state: "failed", found: "wrong", whatToDo: "one\ntwo" };

  test("puts each piece of advice on its own line, and colours the mark on a terminal", () => {
    expect(stepText(step, { inColour: false })).toBe("✗ Title                wrong\n    one\n    two\n");
    expect(stepText(step, { inColour: true })).toMatch(/^\u001b\[31m✗\u001b\[0m Title/);
  });

  const path = `/${"folder".repeat(12)}`;
  const long: Step = {
    ...step,
    found: "some words ".repeat(9).trim(),
    whatToDo: `Write ${path} again, ${"please ".repeat(12).trim()}`,
  };

  test("breaks lines between words at the width of the terminal, indented, and cuts no path", () => {
    expect(stepText(long, { inColour: true, columns: 60 }).replace("\u001b[31m✗\u001b[0m", "✗")).toBe(
      `✗ Title                some words some words some words some
                       words some words some words some
                       words some words some words
    Write
    ${path}
    again, please please please please please please please
    please please please please please
`,
    );
  });

  test("keeps lines whole where there is no terminal", () => {
    const lines = stepText(long, { inColour: false }).trimEnd().split("\n");
    expect(lines).toEqual([`✗ Title                ${long.found}`, `    ${long.whatToDo}`]);
  });

  test("keeps its last sentence within the width of the terminal", () => {
    const lines = summaryText([step], { columns: 60 }).split("\n");
    expect(lines.filter((line) => line.length > 60)).toEqual([]);
    expect(lines.join(" ").trim()).toBe(summaryText([step]).trim().replace("\n", " "));
  });

  test("counts failures and warnings", () => {
    const warned: Step = { ...step, state: "warning" };
    expect(summaryText([warned])).toBe("\nEverything that could be tried works. One step has a warning.\n");
    expect(summaryText([step, step, warned])).toMatch(
      /^\n2 steps failed\. One step has a warning\.\ndocs\/setup\.md .*docs\/troubleshooting\.md .*\n$/,
    );
  });

  test("is not ok when the check was interrupted", () => {
    const report = jsonReport([{ ...step, state: "ok" }], { version: "1", complete: false });
    expect(JSON.parse(report)).toMatchObject({ ok: false });
  });
});
