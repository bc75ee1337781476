import { appendFile, chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { beside } from "../../src/download/folder/file-name.ts";
import { temporaryOf } from "../../src/download/folder/files.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { sha256 } from "../download/fixtures.ts";
import {
  CLUSTER,
  SERVICE_ACCOUNT,
  type Session,
  serverAgainst,
  serverWith,
  simulatorFor,
  temporaryFolder,
} from "../fixtures.ts";

const READING = [
  "list_flex_clusters",
  "list_flex_snapshots",
  "list_saved_snapshots",
  "verify_saved_snapshot",
  "get_restore_job",
  "list_restore_jobs",
];

const Saved = z.object({ fileName: z.string(), path: z.string() });

/** Calls each tool that reads; the two names are those of a saved file and of another one. */
async function callEach({ ok, call }: Session, fileName = "nothing.tgz", other = "nothing.tgz"): Promise<void> {
  await ok("list_flex_clusters");
  await ok("list_flex_snapshots", CLUSTER);
  await ok("list_restore_jobs", CLUSTER);
  await ok("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId });
  await ok("list_saved_snapshots");
  for (const name of [fileName, other]) await call("verify_saved_snapshot", { fileName: name });
}

/** Everything that tells whether a file or folder below this one was written, replaced, created or removed. */
async function treeOf(root: string): Promise<Record<string, string>> {
  const names = (await readdir(root, { recursive: true })).sort();
  const entries = await Promise.all(
    ["", ...names].map(async (name) => {
      const { ino, mode, mtimeMs, ctimeMs, size } = await stat(join(root, name));
      const isFile = (await stat(join(root, name))).isFile();
      const hash = isFile ? sha256(await readFile(join(root, name))) : "folder";
      return [name, [ino, mode, mtimeMs, ctimeMs, isFile ? size : 0, hash].join(" ")];
    }),
  );
  return Object.fromEntries(entries);
}

const toolNames = async ({ client }: Session) => (await client.listTools()).tools.map(({ name }) => name);

describe("read-only", () => {
  test("registers only tools that read, and hides links", async () => {
    const session = await serverAgainst(await simulatorFor(), { args: ["--read-only"] });
    expect(await toolNames(session)).toEqual(READING);
    const answer = await session.ok("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId });
    expect(JSON.stringify(answer)).not.toMatch(/X-Amz|snapshotUrl|save_flex_snapshot|request_flex_snapshot_download/);
    expect(session.client.getInstructions()).not.toMatch(/save_flex_snapshot|request_flex_snapshot_download/);
    expect((await session.client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["check_backups"]);
    const onlyReads = /only reads: .*ATLAS_FLEX_READ_ONLY.* can neither save a snapshot nor request a download link/;
    expect(session.client.getInstructions()).toMatch(onlyReads);
    expect(session.client.getInstructions()).not.toMatch(/Saves|get_restore_job/);
    expect((await session.ok("list_flex_snapshots", CLUSTER)).nextStep).toMatch(onlyReads);
  });

  test("writes nothing to the disk, not even what a check found", async () => {
    const home = await temporaryFolder();
    const folders = { HOME: home, ATLAS_FLEX_DOWNLOAD_DIR: join(home, "snapshots") };
    const env = { ...folders, ATLAS_FLEX_SIMULATOR_BYTES: "200000" };
    const reader = { args: ["--simulate", "--read-only"], env };
    const untouched = await treeOf(home);
    await callEach(await serverWith(reader));
    expect(await treeOf(home)).toEqual(untouched);

    const writer = await serverWith({ args: ["--simulate"], env });
    const { fileName, path } = Saved.parse(
      await writer.ok("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId }),
    );
    await writer.client.close();
    const folder = dirname(path);
    await utimes(path, 1_000, 1_000);
    await writeFile(join(folder, "foreign.tgz"), "no archive");
    for (const companion of Object.values(beside))
      await appendFile(join(folder, companion("lost.tgz")), '{\n  "v": 1,\n');
    await writeFile(temporaryOf(join(folder, beside.record(fileName))), "");
    const before = await treeOf(home);
    const session = await serverWith(reader);
    await callEach(session, fileName, "foreign.tgz");
    const { files } = await session.ok("list_saved_snapshots");
    expect(files).toContainEqual(expect.objectContaining({ fileName, state: "complete" }));
    await session.client.close();
    expect(await treeOf(home)).toEqual(before);
    await callEach(await serverWith({ args: ["--simulate"], env }), fileName);
    expect(await treeOf(home)).not.toEqual(before);
  });

  test("asks a folder that others may write to whether it keeps permissions, which leaves no file", {
    tags: "modes",
  }, async () => {
    const folder = join(await temporaryFolder(), "open");
    await mkdir(folder);
    await chmod(folder, 0o777);
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_DOWNLOAD_DIR: folder };
    const { fails } = await serverAgainst(await simulatorFor(), { args: ["--read-only"], env });
    const { ctimeMs } = await stat(folder);
    expect(await fails("list_saved_snapshots")).toMatchObject({ errorCode: "DOWNLOAD_DIR_UNUSABLE" });
    expect(await readdir(folder)).toEqual([]);
    expect((await stat(folder)).ctimeMs).toBeGreaterThan(ctimeMs);
  });

  test("is on when its variable holds an unknown word", async () => {
    const session = await serverWith({ env: { ATLAS_FLEX_READ_ONLY: "ture" } });
    expect(await toolNames(session)).toEqual(READING);
    await expect.poll(session.log).toContain("ATLAS_FLEX_READ_ONLY must be true or false");
  });
});

test("--tools registers only those named, and no answer names another", async () => {
  const session = await serverAgainst(await simulatorFor(), {
    args: ["--tools", "get_restore_job,list_flex_snapshots"],
  });
  expect(await toolNames(session)).toEqual(["list_flex_snapshots", "get_restore_job"]);
  const answers = [
    await session.ok("list_flex_snapshots", CLUSTER),
    await session.ok("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId }),
  ];
  expect(JSON.stringify(answers)).not.toMatch(/save_flex_snapshot|request_flex_snapshot_download|list_restore_jobs/);
});

test("switches that leave no tool cause a warning at the start", async () => {
  const session = await serverWith({ args: ["--read-only", "--tools", "save_flex_snapshot"] });
  expect(await toolNames(session)).toEqual([]);
  await expect.poll(session.log).toContain("No tool is offered");
});

test.each([
  ["--hide-snapshot-urls", ["get_restore_job", "request_flex_snapshot_download"]],
  ["--read-only", ["get_restore_job"]],
])("%s shows a link's host and expiry instead of the link", async (option, tools) => {
  const simulator = await simulatorFor();
  const { ok } = await serverAgainst(simulator, { args: [option] });
  const ids = { restoreJobId: SIMULATED.restoreJobId, snapshotId: SIMULATED.downloadedSnapshotId };
  for (const tool of tools) {
    const id = tool === "get_restore_job" ? "restoreJobId" : "snapshotId";
    const answer = await ok(tool, { ...CLUSTER, [id]: ids[id] });
    expect(answer).toMatchObject({
      linkHost: new URL(simulator.fileBaseUrl).host,
      linkExpiresAt: expect.any(String),
      linkExpiresInSeconds: expect.any(Number),
    });
    expect(JSON.stringify(answer)).not.toMatch(/X-Amz|snapshotUrl/);
  }
});

describe("--simulate", () => {
  test("marks every result, the instructions and the names of files, and works in one call of a new process", async () => {
    const { client, ok, fails } = await serverWith({
      args: ["--simulate"],
      env: { ATLAS_FLEX_SIMULATOR_BYTES: "200000" },
    });
    expect(client.getInstructions()).toContain("SIMULATED");
    expect(await ok("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId })).toMatchObject({
      simulated: true,
      finished: true,
    });
    expect(
      await ok("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId, fileName: "mine.tgz" }),
    ).toMatchObject({
      simulated: true,
      state: "complete",
      fileName: "simulated-mine.tgz",
    });
    const { structuredContent } = await client.callTool({ name: "get_restore_job", arguments: {} });
    expect(structuredContent).toMatchObject({ simulated: true, error: { errorCode: "INVALID_INPUT" } });
    expect(await fails("get_restore_job", { ...CLUSTER, restoreJobId: "5fa1000000000000000000ff" })).toMatchObject({
      errorCode: "TENANT_RESTORE_NOT_FOUND",
    });
  });

  test("says everything that is wrong with the simulator's settings, in the log at the start and in every call", async () => {
    const { fails, log } = await serverWith({
      args: ["--simulate"],
      env: {
        ATLAS_FLEX_SIMULATOR_BYTES: "abc",
        ATLAS_FLEX_SIMULATOR_RATE: "def",
        ATLAS_FLEX_SIMULATOR_ORDERS: "requestDownload=explode",
      },
    });
    const everything = /SIMULATOR_BYTES must be .*SIMULATOR_RATE must be .*SIMULATOR_ORDERS: .*explode/s;
    await expect.poll(log).toMatch(everything);
    for (const tool of ["list_flex_clusters", "list_saved_snapshots"])
      expect(await fails(tool)).toMatchObject({
        errorCode: "CONFIGURATION_INVALID",
        detail: expect.stringMatching(everything),
      });
  });
});

test("nothing is sent and no folder is created before the first call", async () => {
  const simulator = await simulatorFor();
  await serverAgainst(simulator);
  expect(simulator.requests).toEqual([]);
});

test("the log says once what is configured, and each call with its outcome and duration, and never a secret", async () => {
  const simulator = await simulatorFor();
  const { client, ok, fails, log } = await serverAgainst(simulator);
  await ok("list_flex_snapshots", CLUSTER);
  await fails("list_flex_snapshots", { ...CLUSTER, name: "nowhere" });
  await client.close();
  const records = log()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(records).toEqual([
    expect.objectContaining({
      msg: "started",
      atlas: simulator.baseUrl,
      credentials: "service-account",
      readOnly: false,
    }),
    expect.objectContaining({ msg: "tool call", tool: "list_flex_snapshots", outcome: "ok", ms: expect.any(Number) }),
    expect.objectContaining({
      msg: "tool call",
      tool: "list_flex_snapshots",
      outcome: "CLUSTER_NOT_FOUND",
      ms: expect.any(Number),
    }),
    expect.objectContaining({ msg: "ending" }),
  ]);
  expect(log()).not.toContain(SERVICE_ACCOUNT.MONGODB_ATLAS_CLIENT_SECRET);
});

test("a dead proxy does not affect connections to loopback", async () => {
  const dead = { HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" };
  const { ok } = await serverAgainst(await simulatorFor(), { env: { ...SERVICE_ACCOUNT, ...dead } });
  await ok("list_flex_snapshots", CLUSTER);
});
