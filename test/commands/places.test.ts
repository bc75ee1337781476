import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { serverWith, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { at, runCommand, startCommand } from "./command.ts";

const MIB = 1024 ** 2;

const Saved = z.array(z.object({ path: z.string(), sha256: z.string() }));
const Seen = z.object({ clusters: z.array(z.object({ newestFile: z.object({ path: z.string() }) })) });

const sha256Of = async (path: string) =>
  createHash("sha256")
    .update(await readFile(path))
    .digest("hex");

/** A path of far more than the 260 characters that old interfaces of Windows allow. */
const LONG = Array.from({ length: 7 }, (_, index) => `a folder with a name of fifty characters, number ${index}`);

test.each([
  ["blanks and umlauts", ["Sicherung für Ödön Müller"]],
  ["emoji and a percent sign", ["backups 😀 100%"]],
  ["quotes of shells", ["Ann's $HOME & co; `backups`"]],
  ["more than 260 characters", LONG],
])("a folder with %s: save, status, list and verify find the same file there", async (_what, names) => {
  const simulator = await simulatorFor({ snapshotBytes: MIB, jobMs: 100 });
  const home = await temporaryFolder();
  const folder = join(home, ...names);
  const start = { env: { ...at(simulator), ATLAS_FLEX_DOWNLOAD_DIR: folder }, home };
  const { code, stdout } = await runCommand({ ...start, args: ["save", "customers", "--json"] });
  expect(code).toBe(0);
  const [{ path, sha256 } = { path: "", sha256: "" }] = Saved.parse(JSON.parse(stdout));
  expect(await sha256Of(path)).toBe(sha256);
  const seen = await runCommand({ ...start, args: ["status", "--cluster", "customers", "--json"] });
  expect(Seen.parse(JSON.parse(seen.stdout)).clusters).toEqual([{ newestFile: { path } }]);
  const { ok } = await serverWith({ env: start.env });
  const [name = ""] = (await readdir(folder)).filter((each) => each.endsWith(".tgz"));
  expect(await ok("list_saved_snapshots")).toMatchObject({ files: [{ fileName: name, path, state: "complete" }] });
  expect(await ok("verify_saved_snapshot", { fileName: name, waitSeconds: 30 })).toMatchObject({ sound: true, sha256 });
});

/** Holds each file of the folder open for 150 of every 200 milliseconds, as an indexer or a virus scanner does. */
const HOLDER = `
const { open, readdir } = require("node:fs/promises");
const { join } = require("node:path");
const [, , folder] = process.argv;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  for (;;) {
    const names = await readdir(folder).catch(() => []);
    const handles = await Promise.all(names.map((name) => open(join(folder, name), "r").catch(() => undefined)));
    await sleep(150);
    await Promise.all(handles.map((handle) => handle?.close()));
    await sleep(50);
  }
})();
`;

async function startHolder(folder: string, home: string): Promise<void> {
  const program = join(home, "holder.cjs");
  await writeFile(program, HOLDER);
  const holder = spawn(process.execPath, [program, folder], { stdio: "ignore" });
  const ended = once(holder, "exit");
  onTestFinished(async () => {
    holder.kill("SIGKILL");
    await ended;
  });
}

/** Lists the folder without a pause until the test ends. Returns how often it did, and what failed. */
async function startLister(simulator: Simulator, folder: string) {
  const { call } = await serverWith({ env: { ...at(simulator), ATLAS_FLEX_DOWNLOAD_DIR: folder } });
  const listed = { times: 0, failed: 0 };
  let isOver = false;
  onTestFinished(() => {
    isOver = true;
  });
  const list = async () => {
    while (!isOver) {
      const { isError } = await call("list_saved_snapshots");
      listed.times += 1;
      if (isError) listed.failed += 1;
    }
  };
  // The client is closed when the test ends, which rejects the last call.
  void list().catch(() => undefined);
  return listed;
}

test("a save that is killed and continued ends well while a process lists the folder without pause and another holds every file open", async () => {
  const simulator = await simulatorFor({ snapshotBytes: 16 * MIB, jobMs: 100, fileRateBytesPerSecond: 2 * MIB });
  const home = await temporaryFolder();
  const folder = join(home, "snapshots");
  const listed = await startLister(simulator, folder);
  await startHolder(folder, home);
  const { child, stderr, ended } = await startCommand({ args: ["save", "customers"], env: at(simulator), home });
  await expect.poll(stderr, { timeout: 40_000 }).toContain("downloading");
  await expect.poll(() => committedIn(folder), { timeout: 40_000 }).toBeGreaterThan(0);
  child.kill("SIGKILL");
  await ended;
  const again = await runCommand({ args: ["save", "customers", "--json"], env: at(simulator), home });
  expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 });
  const [{ path, sha256 } = { path: "", sha256: "" }] = Saved.parse(JSON.parse(again.stdout));
  expect(await sha256Of(path)).toBe(sha256);
  expect(simulator.count("requestDownload")).toBe(1);
  expect(listed.times).toBeGreaterThan(10);
  expect(listed.failed).toBe(0);
}, 180_000);

/** How many bytes the state file says that a later run can continue from; 0 while it cannot be read. */
async function committedIn(folder: string): Promise<number> {
  try {
    const [state = ""] = (await readdir(folder)).filter((name) => name.endsWith(".part.json"));
    return z.object({ committedBytes: z.number() }).parse(JSON.parse(await readFile(join(folder, state), "utf8")))
      .committedBytes;
  } catch {
    return 0; // It is being replaced.
  }
}
