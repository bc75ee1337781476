import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator.ts";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { at, runCommand, startCommand } from "./command.ts";

const MIB = 1024 ** 2;

/** A simulator whose jobs have their links soon. */
const quickly = (options: SimulatorOptions = {}) => simulatorFor({ snapshotBytes: MIB, jobMs: 100, ...options });

/** The documented form of an entry of `save --json`; an additional field fails the test. */
const Entry = z.strictObject({
  state: z.enum(["complete", "paused", "failed", "too-young"]),
  stopped: z.literal(true).optional(),
  name: z.string().optional(),
  projectName: z.string().optional(),
  groupId: z.string().optional(),
  snapshotId: z.string().optional(),
  finishTime: z.string().optional(),
  when: z.string().optional(),
  mongoDBVersion: z.string().optional(),
  fileName: z.string().optional(),
  path: z.string().optional(),
  bytes: z.number(),
  totalBytes: z.number().optional(),
  sha256: z.string().optional(),
  sound: z.boolean().optional(),
  integrity: z.looseObject({ gzip: z.string() }).optional(),
  contents: z.looseObject({ kind: z.string() }).optional(),
  warnings: z.array(z.string()).optional(),
  error: z.looseObject({ errorCode: z.string().optional(), retryable: z.boolean(), hint: z.string() }).optional(),
});

const entriesOf = (stdout: string) => z.array(Entry).parse(JSON.parse(stdout));

const archivesIn = async (folder: string) => (await readdir(folder)).filter((name) => name.endsWith(".tgz"));

const sha256Of = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

/** The path that a result names on a line of its own. */
const pathIn = (stdout: string) => /^ {4}((?:\/|\w:\\).*\.tgz)$/m.exec(stdout)?.[1] ?? "";

describe("save", () => {
  test("saves the newest backup of the named cluster; the result is on stdout, the progress on stderr", async () => {
    const simulator = await quickly();
    const { code, stdout, stderr, folder } = await runCommand({ args: ["save", "orders"], env: at(simulator) });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^✓ orders \("Simulated shop"\): the backup of .*, (?:\d+ (?:hour|minute)s? ago|just now) is saved and verified\.\n/,
    );
    expect(pathIn(stdout)).toContain(join(folder, `orders-`));
    expect(stdout).toContain(`sha256 ${await sha256Of(pathIn(stdout))}`);
    expect(stderr).toMatch(
      /^[\d-]+ [\d:]+ Atlas: looking for the clusters\n[\d-]+ [\d:]+ orders: looking for the backup\n/,
    );
    expect(
      stderr
        .split("\n")
        .filter((line) => line !== "" && !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (Atlas|orders): \S/.test(line)),
    ).toEqual([]);
    expect([simulator.count("requestDownload"), simulator.count("revoke")]).toEqual([1, 1]);
  });

  test("answers with one array as JSON and nothing else on stdout", async () => {
    const simulator = await quickly();
    const args = ["save", "orders", "customers", "orders", "--json"];
    const { code, stdout } = await runCommand({ args, env: at(simulator) });
    expect(code).toBe(0);
    const entries = entriesOf(stdout);
    expect(entries.map(({ state, sound }) => [state, sound])).toEqual([
      ["complete", true],
      ["complete", true],
    ]);
    expect(entries.map(({ name }) => name).toSorted()).toEqual(["customers", "orders"]);
    for (const { path = "", sha256 } of entries) expect(await sha256Of(path)).toBe(sha256);
  });

  test("with --all saves every cluster; one that is too young for a backup is no failure", async () => {
    const simulator = await quickly();
    const { code, stdout, stderr, folder } = await runCommand({ args: ["save", "--all"], env: at(simulator) });
    expect(code).toBe(0);
    expect(stderr).toContain("- fresh: too young for a backup; there will be one tomorrow.\n");
    for (const label of ["orders", "customers", 'reports in "Simulated shop"', 'reports in "Simulated archive"'])
      expect(stdout).toContain(`✓ ${label}`);
    expect(await archivesIn(folder)).toHaveLength(4);
  });

  test("with --project and --snapshot saves exactly that backup", async () => {
    const simulator = await quickly();
    const { groupId, name, snapshotId } = SIMULATED.archive;
    const args = ["save", name, "--project", groupId, "--snapshot", snapshotId, "--json"];
    const { code, stdout } = await runCommand({ args, env: at(simulator) });
    expect(code).toBe(0);
    expect(entriesOf(stdout)).toMatchObject([{ groupId, snapshotId, name, projectName: "Simulated archive" }]);
  });

  test("run again, reports the file that is there and requests nothing", async () => {
    const simulator = await quickly();
    const first = await runCommand({ args: ["save", "orders"], env: at(simulator) });
    const again = await runCommand({ args: ["save", "orders"], env: at(simulator), home: first.home });
    expect(again.code).toBe(0);
    expect(again.stdout).toContain("was saved already");
    expect(pathIn(again.stdout)).toBe(pathIn(first.stdout));
    expect(simulator.count("requestDownload")).toBe(1);
  });

  test("resumes where a connection drops, and says so", async () => {
    const simulator = await quickly({ snapshotBytes: 4 * MIB, orders: `file=cut@${2 * MIB}*1` });
    const { code, stdout } = await runCommand({ args: ["save", "orders"], env: at(simulator) });
    expect(code).toBe(0);
    expect(stdout).toContain("The connection broke once; the download resumed where it had stopped.");
  });

  test("killed and started again, continues where it stopped, with the same job", async () => {
    const simulator = await quickly({ snapshotBytes: 16 * MIB, fileRateBytesPerSecond: 2 * MIB });
    const { child, home, stderr, ended } = await startCommand({ args: ["save", "orders"], env: at(simulator) });
    await vi.waitFor(() => expect(stderr()).toContain("downloading"), { timeout: 20_000 });
    await committed(join(home, "snapshots"));
    child.kill("SIGKILL");
    await ended;
    const again = await runCommand({ args: ["save", "orders"], env: at(simulator), home });
    expect(again.code).toBe(0);
    expect(again.stdout).toMatch(/It went on from the \d+\.\d MB of an earlier attempt\./);
    expect(await sha256Of(pathIn(again.stdout))).toBe(/sha256 (\w{64})/.exec(again.stdout)?.[1]);
    expect(simulator.count("requestDownload")).toBe(1);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)("%s stops it with exit code %i and keeps the part", { tags: "signals" }, async (signal, expected) => {
    const simulator = await quickly({ snapshotBytes: 16 * MIB, fileRateBytesPerSecond: 2 * MIB });
    const { child, home, stderr, ended } = await startCommand({ args: ["save", "orders"], env: at(simulator) });
    await vi.waitFor(() => expect(stderr()).toContain("downloading"), { timeout: 20_000 });
    await committed(join(home, "snapshots"));
    child.kill(signal);
    const { code, stdout } = await ended;
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr()).toMatch(/✗ orders: stopped\.\n {4}\d+\.\d MB are kept; the same command continues there\.\n$/);
    expect(simulator.count("revoke")).toBe(1);
  });

  test("a signal while the clusters are looked up stops it at once", { tags: "signals" }, async () => {
    const simulator = await quickly({ orders: "listFlexClusters=hang" });
    const { child, stderr, ended } = await startCommand({ args: ["save", "orders"], env: at(simulator) });
    await vi.waitFor(() => expect(simulator.count("listFlexClusters")).toBeGreaterThan(0), { timeout: 20_000 });
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(stderr()).toMatch(/: looking for the clusters\nStopped\.\n$/);
  });

  test("goes on when nobody reads its output any more", async () => {
    const simulator = await quickly();
    const { child, folder, ended } = await startCommand({ args: ["save", "orders"], env: at(simulator) });
    child.stdout.destroy();
    child.stderr.destroy();
    expect((await ended).code).toBe(0);
    expect(await archivesIn(folder)).toHaveLength(1);
  });

  test("saves into a relative folder from the current one", async () => {
    const simulator = await quickly();
    const cwd = await temporaryFolder();
    const args = ["save", "orders", "--download-dir", "backups/atlas"];
    const { code } = await runCommand({ args, env: at(simulator), cwd });
    expect(code).toBe(0);
    expect(await archivesIn(join(cwd, "backups/atlas"))).toHaveLength(1);
  });

  test("two runs at once make one job; the second waits and reports the same file", async () => {
    const simulator = await quickly({ snapshotBytes: 24 * MIB, fileRateBytesPerSecond: 2 * MIB });
    const first = await startCommand({ args: ["save", "orders"], env: at(simulator) });
    await vi.waitFor(() => expect(first.stderr()).toContain("downloading"), { timeout: 20_000 });
    const second = await runCommand({ args: ["save", "orders"], env: at(simulator), home: first.home });
    const { code, stdout } = await first.ended;
    expect([code, second.code]).toEqual([0, 0]);
    expect(second.stderr).toContain("orders: another process is saving this backup; waiting for it\n");
    expect(pathIn(second.stdout)).toBe(pathIn(stdout));
    expect(simulator.count("requestDownload")).toBe(1);
  });
});

/** Resolves when a state file in the folder has bytes that a later run can continue from. */
async function committed(folder: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const [state = ""] = (await readdir(folder)).filter((name) => name.endsWith(".part.json"));
      const { committedBytes } = z
        .object({ committedBytes: z.number() })
        .parse(JSON.parse(await readFile(join(folder, state), "utf8")));
      expect(committedBytes).toBeGreaterThan(0);
    },
    { timeout: 20_000 },
  );
}

describe("nothing is saved, and no job is made, for", () => {
  test.each([
    [["nope"], "CLUSTER_UNKNOWN: No Flex cluster is named nope. There are: orders, customers, fresh, reports."],
    [["order"], "Did you mean orders?"],
    [["reports"], 'SEVERAL_CLUSTERS: 2 projects have a Flex cluster named reports: "Simulated shop" (groupId '],
    [["orders", "nope"], "✗ nope: not saved."],
    [["orders", "--project", SIMULATED.archive.groupId], "CLUSTER_UNKNOWN"],
  ])("the names %j, which are wrong usage", async (names, message) => {
    const simulator = await quickly();
    const { code, stdout, stderr, home } = await runCommand({ args: ["save", ...names], env: at(simulator) });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(simulator.count("requestDownload")).toBe(0);
    expect(await readdir(home)).toEqual([]);
  });

  test.each([
    [[], "Name at least one cluster, or give --all. See --help.\n"],
    [["orders", "--all"], "Name clusters or give --all, not both. See --help.\n"],
    [["my_cluster"], '"my_cluster" is not the name of a cluster: letters, digits and hyphens. See --help.\n'],
    [["orders", "--project", "shop"], "--project must be an id of 24 characters, 0 to 9 and a to f. See --help.\n"],
    [["orders", "--snapshot", "latest"], "--snapshot must be an id of 24 characters, 0 to 9 and a to f. See --help.\n"],
    [["a", "b", "--snapshot", SIMULATED.snapshotId], "--snapshot belongs to one cluster: name that one. See --help.\n"],
    [["--all", "--snapshot", SIMULATED.snapshotId], "--snapshot belongs to one cluster: name that one. See --help.\n"],
    [["orders", "--keep", "0"], "--keep must be a whole number, at least 1. See --help.\n"],
    [["orders", "--keep-unprotected"], "--keep-unprotected belongs to --keep. See --help.\n"],
    [
      ["mdb_sa_sk_0123456789abcdef0123"],
      "One of the names is not the name of a cluster: letters, digits and hyphens. See --help.\n",
    ],
  ])("%j, which is wrong usage", async (args, message) => {
    const { code, stdout, stderr } = await runCommand({ args: ["save", ...args, "--simulate"] });
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: message });
  });

  test("wrong credentials: exit code 1 and the text of check", async () => {
    const simulator = await quickly();
    const env = { ...at(simulator), MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_canary" };
    const { code, stderr } = await runCommand({ args: ["save", "orders"], env });
    const { stdout } = await runCommand({ args: ["check", "--json"], env });
    const { steps } = z
      .object({ steps: z.array(z.looseObject({ id: z.string(), found: z.string(), whatToDo: z.string().optional() })) })
      .parse(JSON.parse(stdout));
    const step = steps.find(({ id }) => id === "credentials");
    expect(code).toBe(1);
    const [, why = ""] = /^✗ Nothing was saved\. (.*)$/m.exec(stderr) ?? [];
    expect(step?.found).toContain(why);
    expect(stderr.replaceAll("\n    ", "\n")).toContain(step?.whatToDo);
  });

  test("no credentials at all: exit code 1 and the text of check", async () => {
    const simulator = await quickly();
    const { code, stderr } = await runCommand({
      args: ["save", "orders"],
      env: { MONGODB_ATLAS_BASE_URL: simulator.baseUrl },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("CREDENTIALS_MISSING");
    expect(stderr).toContain("docs/setup.md has the steps");
  });

  test("no network: exit code 75", async () => {
    const { code, stdout, stderr } = await runCommand({
      args: ["save", "--all", "--json"],
      env: at({ baseUrl: "http://127.0.0.1:9" }),
    });
    expect(code).toBe(75);
    expect(entriesOf(stdout)).toMatchObject([{ state: "failed", error: { errorCode: "CONNECTION_FAILED" } }]);
    expect(stderr).toContain("✗ Nothing was saved. CONNECTION_FAILED: ");
  });

  test("settings that cannot be used: exit code 1 and every problem", async () => {
    const env = { ATLAS_FLEX_LOG_LEVEL: "loud", ATLAS_FLEX_MAX_WAIT_SECONDS: "soon" };
    const { code, stderr } = await runCommand({ args: ["save", "orders", "--simulate"], env });
    expect(code).toBe(1);
    expect(stderr).toContain("ATLAS_FLEX_LOG_LEVEL must be one of");
    expect(stderr).toContain("ATLAS_FLEX_MAX_WAIT_SECONDS must be");
  });

  test("a server that may only read: exit code 1", async () => {
    const env = { ATLAS_FLEX_READ_ONLY: "true" };
    const { code, stderr, home } = await runCommand({ args: ["save", "orders", "--simulate"], env });
    expect(code).toBe(1);
    expect(stderr).toContain("ATLAS_FLEX_READ_ONLY or --read-only is on, and a save writes a file.");
    expect(await readdir(home)).toEqual([]);
  });

  test("a project that is not allowed: exit code 1, and nothing is sent", async () => {
    const simulator = await quickly();
    const env = { ...at(simulator), ATLAS_FLEX_ALLOWED_PROJECTS: SIMULATED.groupId };
    const args = ["save", "reports", "--project", SIMULATED.archive.groupId];
    const { code, stderr } = await runCommand({ args, env });
    expect(code).toBe(1);
    expect(stderr).toContain("PROJECT_NOT_ALLOWED");
    expect(simulator.requests).toEqual([]);
  });
});

describe("a save that fails", () => {
  test.each([
    ["requestDownload=job-fails", 75, "JOB_FAILED"],
    ["requestDownload=403:USER_UNAUTHORIZED", 1, "USER_UNAUTHORIZED"],
    ["file=html", 1, "NOT_A_SNAPSHOT"],
    ["getSnapshot=404", 1, "HTTP 404"],
  ])("under the order %s ends with %i and says why", async (orders, expected, why) => {
    const simulator = await quickly({ orders });
    const { code, stdout, stderr, folder } = await runCommand({ args: ["save", "orders"], env: at(simulator) });
    expect({ code, stdout }).toEqual({ code: expected, stdout: "" });
    expect(stderr).toContain("✗ orders: not saved. ");
    expect(stderr).toContain(why);
    expect(await archivesIn(folder)).toEqual([]);
  });

  test("says how much of it is kept", async () => {
    const simulator = await quickly({ snapshotBytes: 4 * MIB, orders: `file=cut@${2 * MIB}*1,file=html` });
    const { code, stderr } = await runCommand({ args: ["save", "customers"], env: at(simulator) });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /✗ customers: not saved\. .*\n[\s\S]*2\.1 MB are kept; the same command continues there\.\n/,
    );
  });

  test("does not keep the others from being saved", async () => {
    const simulator = await quickly({ orders: "requestDownload=403:USER_UNAUTHORIZED*1" });
    const { code, stdout, stderr } = await runCommand({ args: ["save", "orders", "customers"], env: at(simulator) });
    expect(code).toBe(1);
    expect([stdout.match(/^✓/gm)?.length, stderr.match(/^✗/gm)?.length]).toEqual([1, 1]);
  });
});

test("a log level that is chosen brings the log of the server to stderr", async () => {
  const simulator = await quickly();
  const args = ["save", "orders", "--log-level", "info"];
  const { stderr } = await runCommand({ args, env: at(simulator) });
  expect(stderr).toContain('"msg":"file-saved"');
});
