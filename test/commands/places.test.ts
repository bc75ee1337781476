import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import * as z from "zod";
import type { Simulator } from "../../src/simulator/simulator.ts";
import { serverWith, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { needsFound } from "../platform.ts";
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

/**
 * Holds each file of the folder open for 150 of every 200 milliseconds, as an indexer or a virus scanner does, and notes the name
 * of each file that it has held.
 */
const HOLDER = `
const { appendFileSync } = require("node:fs");
const { open, readdir } = require("node:fs/promises");
const { join } = require("node:path");
const [, , folder, log] = process.argv;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seen = new Set();
const hold = async (name) => {
  const handle = await open(join(folder, name), "r");
  if (!seen.has(name)) appendFileSync(log, name + "\\n");
  seen.add(name);
  return handle;
};
(async () => {
  for (;;) {
    const names = await readdir(folder).catch(() => []);
    const handles = await Promise.all(names.map((name) => hold(name).catch(() => undefined)));
    await sleep(150);
    await Promise.all(handles.map((handle) => handle?.close()));
    await sleep(50);
  }
})();
`;

/** The files that a holder must have held for a test to say anything, by what their names end in. */
const TO_BE_HELD = { part: ".part", state: ".part.json", lock: ".lock", file: ".tgz", record: ".tgz.json" };

/** Starts a holder; `own`: one that lets nobody rename or remove a file meanwhile. Returns which kinds of files it has held. */
async function startHolder(folder: string, home: string, { own }: { own: boolean }) {
  const log = join(home, "held.txt");
  await writeFile(log, "");
  const script = join(home, "holder.cjs");
  await writeFile(script, HOLDER);
  const program = own ? needsFound("holder", process.env.ATLAS_FLEX_TEST_HOLDER) : process.execPath;
  const holder = spawn(program, [...(own ? [] : [script]), folder, log], { stdio: "ignore" });
  const ended = once(holder, "exit");
  onTestFinished(async () => {
    holder.kill("SIGKILL");
    await ended;
  });
  return async () => {
    const names = (await readFile(log, "utf8")).split(/\r?\n/);
    const isHeld = (ending: string) => names.some((name) => name.endsWith(ending));
    return Object.entries(TO_BE_HELD).flatMap(([kind, ending]) => (isHeld(ending) ? [kind] : []));
  };
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

test.each([
  ["holds every file open", { own: false }],
  ["holds every file open in a way that lets nobody rename or remove it", { own: true }],
])(
  "a save that is killed and continued ends well while a process lists the folder without pause and another %s",
  async (_what, options) => {
    const simulator = await simulatorFor({ snapshotBytes: 16 * MIB, jobMs: 100, fileRateBytesPerSecond: 2 * MIB });
    const home = await temporaryFolder();
    const folder = join(home, "snapshots");
    const listed = await startLister(simulator, folder);
    const held = await startHolder(folder, home, options);
    const { child, stderr, ended } = await startCommand({ args: ["save", "customers"], env: at(simulator), home });
    await expect.poll(stderr, { timeout: 40_000 }).toContain("downloading");
    await expect.poll(() => committedIn(folder), { timeout: 40_000 }).toBeGreaterThan(0);
    child.kill("SIGKILL");
    await ended;
    const again = await runCommand({ args: ["save", "customers", "--json"], env: at(simulator), home });
    expect({ code: again.code, stderr: again.stderr }).toMatchObject({ code: 0 });
    const [{ path, sha256 } = { path: "", sha256: "" }] = Saved.parse(JSON.parse(again.stdout));
    expect(await sha256Of(path)).toBe(sha256);
    await expect.poll(held).toEqual(Object.keys(TO_BE_HELD));
    expect(simulator.count("requestDownload")).toBe(1);
    expect(listed.times).toBeGreaterThan(10);
    expect(listed.failed).toBe(0);
  },
  180_000,
);

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
