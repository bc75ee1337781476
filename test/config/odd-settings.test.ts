import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { readSecretFile } from "../../src/config/credentials.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, serverWith, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { needs } from "../platform.ts";

describe("a setting that cannot be used does not keep the server from starting", () => {
  test.each([
    [
      "a secret with an invisible character",
      { ...SERVICE_ACCOUNT, MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa\u200b_sk_0123456789abcdef" },
      "MONGODB_ATLAS_CLIENT_SECRET holds a character",
    ],
    [
      "an id with a long dash",
      { ...SERVICE_ACCOUNT, MONGODB_ATLAS_CLIENT_ID: "mdb–sa" },
      "MONGODB_ATLAS_CLIENT_ID holds a character",
    ],
    [
      "a token with a space",
      { MONGODB_ATLAS_ACCESS_TOKEN: "Bearer 0123456789abcdef" },
      "MONGODB_ATLAS_ACCESS_TOKEN holds a character",
    ],
    ["an empty list of tools", { ATLAS_FLEX_TOOLS: "," }, "names no tool"],
    ["a proxy with a broken escape", { HTTPS_PROXY: "http://u:p%zz@127.0.0.1:9" }, "HTTPS_PROXY"],
    [
      "a secret in a folder",
      { MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: resolve("/") },
      "MONGODB_ATLAS_CLIENT_SECRET_FILE must name a regular file",
    ],
    [
      "a secret in an endless file",
      { MONGODB_ATLAS_CLIENT_ID: "a", MONGODB_ATLAS_CLIENT_SECRET_FILE: "/dev/zero" },
      "MONGODB_ATLAS_CLIENT_SECRET_FILE must name a regular file",
    ],
  ])("%s", async (what, env, problem) => {
    if (what === "a secret in an endless file") needs("devices");
    const { client, log } = await serverWith({ env });
    const { content } = await client
      .callTool({ name: "list_flex_snapshots", arguments: CLUSTER })
      .catch((error: Error) => ({ content: error.message }));
    await client.close();
    expect(JSON.stringify(content) + log()).toContain(problem);
    expect(log()).not.toMatch(/node:internal|at Object/);
  });
});

test.each([
  ["are missing", {}, true],
  ["cannot be used", { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1" }, false],
])("the log says that credentials %s, and not the opposite", async (_, env, saysNone) => {
  const { client, log } = await serverWith({ env });
  await client.close();
  expect(log().includes("No credentials are configured")).toBe(saysNone);
  expect(log().includes("is set without")).toBe(!saysNone);
});

describe("the built server", () => {
  test("takes quotes off every setting that it uses", async () => {
    const { baseUrl } = await simulatorFor();
    const folder = join(await temporaryFolder(), "snapshots");
    const settings = {
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: baseUrl,
      ATLAS_FLEX_DOWNLOAD_DIR: folder,
      ATLAS_FLEX_TOOLS: "save_flex_snapshot",
      ATLAS_FLEX_HIDE_SNAPSHOT_URLS: "false",
    };
    const quoted = Object.entries(settings).map(([name, value], index) => [
      name,
      index % 2 ? `'${value}'` : `"${value}"`,
    ]);
    const { ok, log } = await serverWith({ env: Object.fromEntries(quoted) });
    const { snapshotId } = SIMULATED;
    expect(await ok("save_flex_snapshot", { ...CLUSTER, snapshotId })).toMatchObject({
      path: expect.stringContaining(join(folder, "orders-")),
    });
    expect(log()).not.toMatch(/"level":[45]0/);
  });

  test.each<[string, { args?: string[]; env?: Record<string, string> }]>([
    ["its variable", { env: { ATLAS_FLEX_DOWNLOAD_DIR: "no-such-backups" } }],
    ["its option", { args: ["--download-dir", "no-such-backups"] }],
  ])("saves nothing into a relative folder given by %s, and names the folder to write", async (_, given) => {
    const { fails } = await serverWith({
      args: ["--simulate", ...(given.args ?? [])],
      ...(given.env ? { env: given.env } : {}),
    });
    expect(await fails("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.snapshotId })).toMatchObject({
      errorCode: "CONFIGURATION_INVALID",
      detail: expect.stringContaining(`write ${resolve("no-such-backups")}, or ~/no-such-backups`),
    });
    expect(existsSync("no-such-backups")).toBe(false);
  });

  test("only reads and hides links when its host left those switches unfilled, and asks Atlas all the same", async () => {
    const { baseUrl } = await simulatorFor();
    const env = {
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: baseUrl,
      ATLAS_FLEX_READ_ONLY: "${user_config.read_only}",
      ATLAS_FLEX_SIMULATE: "${user_config.simulate}",
      ATLAS_FLEX_ALLOWED_PROJECTS: "${user_config.allowed_projects}",
    };
    const { client, ok, log } = await serverWith({ env });
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toContain("list_flex_snapshots");
    expect(names).not.toContain("save_flex_snapshot");
    expect(await ok("list_flex_snapshots", CLUSTER)).not.toHaveProperty("simulated");
    await expect.poll(log).toContain("ATLAS_FLEX_READ_ONLY must be true or false; it counts as true.");
    await expect.poll(log).toContain('"hideSnapshotUrls":true');
  });

  test.each(["ja", "flase", "$SIMULATE"])(
    "refuses every call while %s leaves open whether to simulate",
    async (word) => {
      const simulator = await simulatorFor();
      const { client, fails } = await serverAgainst(simulator, {
        env: { ...SERVICE_ACCOUNT, ATLAS_FLEX_SIMULATE: word },
      });
      const snapshot = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };
      const job = { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId };
      const calls: Record<string, object> = {
        ...{ list_flex_clusters: {}, list_flex_snapshots: CLUSTER, list_restore_jobs: CLUSTER, get_restore_job: job },
        ...{ save_flex_snapshot: snapshot, request_flex_snapshot_download: snapshot },
        ...{ stop_saving_snapshot: { snapshotId: snapshot.snapshotId } },
        ...{ list_saved_snapshots: {}, verify_saved_snapshot: { fileName: "x.tgz" } },
      };
      const tools = (await client.listTools()).tools.map(({ name }) => name);
      expect(Object.keys(calls).sort()).toEqual(tools.sort());
      for (const [tool, args] of Object.entries(calls))
        expect(await fails(tool, { ...args })).toMatchObject({ errorCode: "CONFIGURATION_INVALID" });
      expect(simulator.requests).toEqual([]);
    },
  );

  test("signs in with a secret from a file that PowerShell wrote in UTF-16", async () => {
    const { baseUrl } = await simulatorFor();
    const path = join(await temporaryFolder(), "secret");
    await writeFile(path, Buffer.from(`\ufeff${SERVICE_ACCOUNT.MONGODB_ATLAS_CLIENT_SECRET}\r\n`, "utf16le"), {
      mode: 0o600,
    });
    const env = {
      MONGODB_ATLAS_BASE_URL: baseUrl,
      MONGODB_ATLAS_CLIENT_ID: SERVICE_ACCOUNT.MONGODB_ATLAS_CLIENT_ID,
      MONGODB_ATLAS_CLIENT_SECRET_FILE: path,
    };
    const { ok } = await serverWith({ env });
    expect(await ok("list_flex_snapshots", CLUSTER)).toHaveProperty("snapshots");
  });
});

describe("the file of a secret", () => {
  test("is read up to the limit, whatever size it claims", async () => {
    const folder = await temporaryFolder();
    const large = join(folder, "large");
    await writeFile(large, "x".repeat(16 * 1024 + 1));
    expect(readSecretFile(large)).toEqual({ problem: expect.stringContaining("larger than 16 KiB") });
    await writeFile(large, `${"x".repeat(4_096)}`, { mode: 0o600 });
    expect(readSecretFile(large)).toMatchObject({ secret: "x".repeat(4_096) });
  });

  test("that is a folder is a problem", async () => {
    const path = join(await temporaryFolder(), "secret");
    await mkdir(path);
    expect(readSecretFile(path)).toEqual({ problem: "must name a regular file." });
  });

  test("that does not exist is named", async () => {
    const path = join(await temporaryFolder(), "secret");
    expect(readSecretFile(path)).toEqual({ problem: `names a file that does not exist: ${path}.` });
  });

  test("of another user is distinguished from a missing one", { tags: ["modes", "no-root"] }, async () => {
    const path = join(await temporaryFolder(), "secret");
    await writeFile(path, "s", { mode: 0o000 });
    expect(readSecretFile(path)).toEqual({ problem: expect.stringContaining(`may not read: ${path}`) });
  });

  test("may begin with the home folder", () => {
    const missing = "a-secret-that-is-not-there";
    expect(readSecretFile(`~/${missing}`)).toEqual({
      problem: `names a file that does not exist: ${join(homedir(), missing)}.`,
    });
  });

  test("with the path from the instructions is recognised as a placeholder", () => {
    expect(readSecretFile("/path/to/secret")).toEqual({
      problem: expect.stringMatching(/^is still the placeholder of the instructions/),
    });
  });

  test.each(["mdb_sa_sk_canary", "/tmp/mdb_sa_sk_canary", "5e1b-canary"])(
    "%s is not quoted, since it may be the secret itself",
    (setting) => {
      expect(readSecretFile(setting)).toEqual({ problem: expect.not.stringContaining("canary") });
    },
  );
});
