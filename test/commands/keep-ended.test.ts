import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { serverAgainst } from "../fixtures.ts";
import { lacks } from "../platform.ts";
import { at, runCommand, startCommand } from "./command.ts";
import { deletedIn, left, olderBackups } from "./older-backups.ts";

const { simulator, shelf } = olderBackups();

/** Loaded into the command: at the deletion of the first record it does what the code says. */
async function atFirstRecord(home: string, code: string): Promise<Record<string, string>> {
  const hook = join(home, "hook.mjs");
  await writeFile(
    hook,
    `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
     const { unlink } = fs.promises;
     fs.promises.unlink = async (path) => { if (String(path).endsWith(".tgz.json")) { ${code} } return unlink(path); };
     syncBuiltinESMExports();`,
  );
  return { ...at(simulator()), NODE_OPTIONS: `--import=${pathToFileURL(hook)}` };
}

test("killed between a file and its record, it leaves a record that counts for nothing, and the next run goes on with it", async () => {
  const { home, folder, nameOf, run } = await shelf();
  const env = await atFirstRecord(home, 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});');
  const { code, signal } = await runCommand({ args: ["save", "orders", "--keep", "2"], env, home });
  expect({ code, signal }).toEqual(lacks("signals") ? { code: 1, signal: "" } : { code: -1, signal: "SIGKILL" });
  expect(await left(folder)).toEqual(["c3", "c5", "c6", "c7"]);
  const { ok } = await serverAgainst(simulator(), { args: ["--download-dir", folder], env: at(simulator()) });
  const listed = z.object({ files: z.array(z.object({ fileName: z.string(), state: z.string() })) });
  const { files } = listed.parse(await ok("list_saved_snapshots"));
  expect(files).toHaveLength(5);
  expect(files.filter(({ fileName, state }) => fileName === nameOf("c2") || state !== "complete")).toEqual([]);
  const next = await run("--keep", "2");
  expect([next.code, deletedIn(next.stdout)]).toEqual([0, [`${nameOf("c2")}.json`, ...["c3", "c5", "c6"].map(nameOf)]]);
  expect((await readdir(folder)).filter((name) => !/c[78]\.tgz(\.json)?$/.test(name))).toEqual([]);
});

test("interrupted while it deletes, it says what is saved and deleted, and ends as the signal asks", async () => {
  const { home, folder, nameOf } = await shelf();
  const env = await atFirstRecord(home, 'process.emit("SIGINT");');
  const { code, stdout, stderr } = await runCommand({ args: ["save", "orders", "--keep", "2"], env, home });
  expect([code, deletedIn(stdout)]).toEqual([130, [nameOf("c2")]]);
  expect(stdout).toMatch(/^✗ orders .* is saved and verified\.\n/);
  expect(stdout).toContain("! No more was deleted. The command was stopped.");
  expect(stderr).toContain("Stopped.");
  expect(await left(folder)).toEqual(["c3", "c5", "c6", "c7"]);
});

test("two runs at once save once, and the newest two backups stay", async () => {
  const { home, folder } = await shelf();
  const jobs = simulator().count("requestDownload");
  const args = ["save", "orders", "--keep", "2"];
  const runs = await Promise.all([1, 2].map(() => startCommand({ args, env: at(simulator()), home })));
  const ends = await Promise.all(runs.map(({ ended }) => ended));
  // A file that one is deleting is in use for the other, which is worth another try.
  expect(ends.filter(({ code }) => code !== 0 && code !== 75)).toEqual([]);
  expect(new Set(ends.flatMap(({ stdout }) => deletedIn(stdout))).size).toBe(4);
  expect(await left(folder)).toEqual(["c7"]);
  expect(simulator().count("requestDownload") - jobs).toBeLessThanOrEqual(1);
});
