import { chmod, chown, cp, link, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { lockOfLivingProcess } from "../download/lock-owners.ts";
import { serverAgainst, simulatorFor } from "../fixtures.ts";
import { at, runCommand } from "./command.ts";
import { deletedIn, left, OLDER, olderBackups, SMALL, snapshotOf } from "./older-backups.ts";

const { simulator, shelf } = olderBackups();

/** Copies an older backup and its record under another name, with some fields of the record changed. */
async function plant(from: string, to: string, changes: Record<string, unknown> = {}): Promise<void> {
  await cp(from, to, { preserveTimestamps: true });
  const record = JSON.parse(await readFile(`${from}.json`, "utf8"));
  await writeFile(`${to}.json`, JSON.stringify({ ...record, ...changes }), { mode: 0o600 });
}

/** A field of the record is another one. */
async function alterRecord(path: string, changes: Record<string, unknown>): Promise<void> {
  const record = JSON.parse(await readFile(`${path}.json`, "utf8"));
  await writeFile(`${path}.json`, JSON.stringify({ ...record, ...changes }), { mode: 0o600 });
}

async function damage(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(60_000) ^ 1, 60_000);
  await writeFile(path, bytes);
}

describe("save --keep 2", () => {
  test("deletes all older backups but the newest two, says which, and touches nothing else", async () => {
    const { folder, nameOf, path, run } = await shelf();
    const aside = (name: string) => join(folder, name);
    const oldest = { finishTime: "2020-01-01T00:00:00Z" };
    await cp(path("c2"), aside("unrecorded.tgz"));
    await plant(path("c2"), aside("other-user.tgz"), oldest);
    if (process.getuid?.() === 0) await chown(aside("other-user.tgz"), 4321, 4321);
    else await rm(aside("other-user.tgz.json"));
    await plant(path("c2"), aside("other-cluster.tgz"), { ...oldest, clusterId: "5fa1000000000000000000d9" });
    await plant(path("c2"), aside("no-cluster.tgz"), { ...oldest, clusterId: undefined });
    await plant(path("c2"), aside("unsound.tgz"), { ...oldest, sound: false });
    await plant(path("c2"), aside("simulated-orders.tgz"), oldest);
    await plant(path("c7"), aside("simulated-copy.tgz"));
    await link(path("c3"), aside("linked.tgz"));
    await link(`${path("c3")}.json`, aside("linked.tgz.json"));
    const strangers = (await readdir(folder)).filter((name) => !/-5fa1\w+\.tgz/.test(name));
    const before = await Promise.all(strangers.map((name) => readFile(aside(name))));

    const { code, stdout } = await run("--keep", "2");
    expect(deletedIn(stdout)).toEqual(["c2", "c3", "c5", "c6"].map(nameOf));
    expect(stdout).toMatch(/^✓ orders .* is saved and verified\.\n/);
    expect(await left(folder)).toEqual(["c7"]);
    expect((await readdir(folder)).filter((name) => name.includes("c8.tgz"))).toHaveLength(2);
    expect(await Promise.all(strangers.map((name) => readFile(aside(name))))).toEqual(before);
    expect(strangers.length).toBeGreaterThanOrEqual(14);
    expect(code).toBe(0);
    // Again, with nothing left to do.
    const again = await run("--keep", "2");
    expect([again.code, deletedIn(again.stdout)]).toEqual([0, []]);
  });

  test.each<[string, (path: string) => Promise<void>]>([
    ["has another size", (path) => writeFile(path, "short")],
    ["is damaged inside", damage],
  ])("deletes nothing, exits with 1 and says what to do when the other backup that stays %s", async (_what, harm) => {
    const { folder, nameOf, path, run } = await shelf();
    await harm(path("c7"));
    const { code, stdout } = await run("--keep", "2");
    expect(code).toBe(1);
    expect(deletedIn(stdout)).toEqual([]);
    expect(stdout).toMatch(/^✗ orders .* is saved and verified, but no older file was deleted\.\n/);
    expect(stdout).toContain(
      `! Nothing was deleted. Of the files that stay, these are changed, damaged or incomplete: ${nameOf("c7")}. Move them out of the download folder`,
    );
    expect(await left(folder)).toEqual(OLDER);
    await rm(path("c7"));
    expect(await run("--keep", "2")).toMatchObject({ code: 0 });
    expect((await readdir(folder)).filter((name) => name.endsWith(".tgz")).map((name) => name.slice(-6, -4))).toEqual(
      expect.arrayContaining(["c6", "c8"]),
    );
  });

  test("leaves the older backup that it was told to save, beside the newest two", async () => {
    const { folder, run, nameOf } = await shelf();
    const { code, stdout } = await run("--snapshot", snapshotOf("c2"), "--keep", "2");
    expect([code, deletedIn(stdout)]).toEqual([0, ["c3", "c5"].map(nameOf)]);
    expect(await left(folder)).toEqual(["c2", "c6", "c7"]);
  });

  test("leaves a file that another process uses, says so, and exits with 75", { tags: "linux" }, async () => {
    const { folder, nameOf, run } = await shelf();
    const lock = snapshotLock({ groupId: SIMULATED.groupId, snapshotId: snapshotOf("c3") });
    await lockOfLivingProcess(join(folder, lock));
    const { code, stdout } = await run("--keep", "2");
    expect([code, deletedIn(stdout)]).toEqual([75, ["c2", "c5", "c6"].map(nameOf)]);
    expect(stdout).toContain(
      `Not deleted yet, since another program uses it or has just changed it: ${nameOf("c3")}\n`,
    );
    expect(await left(folder)).toEqual(["c3", "c7"]);
  });

  test("leaves an older file that is not as it was saved, says so each time, and exits with 0", async () => {
    const { folder, nameOf, path, run } = await shelf();
    await damage(path("c3"));
    for (const gone of [["c2", "c5", "c6"], []]) {
      const { code, stdout } = await run("--keep", "2");
      expect([code, deletedIn(stdout)]).toEqual([0, gone.map(nameOf)]);
      expect(stdout).toContain(`    Not deleted, since it is not as it was saved: ${nameOf("c3")}\n`);
    }
    const [entry] = JSON.parse((await run("--keep", "2", "--json")).stdout);
    expect(entry).toMatchObject({ deleted: [], inUse: [], changed: [nameOf("c3")] });
    expect(await left(folder)).toEqual(["c3", "c7"]);
  });

  test("deletes nothing, exits with 1 and says so when what it saved is not recognised as a backup", async () => {
    const { folder, run, nameOf, path } = await shelf();
    await alterRecord(path("c7"), { contents: { kind: "unknown", unpackedBytes: 0 } });
    const { code, stdout } = await run("--snapshot", snapshotOf("c7"), "--keep", "1");
    expect([code, deletedIn(stdout)]).toEqual([1, []]);
    expect(stdout).toContain(`! Nothing was deleted. What is in ${nameOf("c7")} was not recognised as a backup`);
    expect(await left(folder)).toEqual(OLDER);
  });

  test("names the files in the answer to --json", async () => {
    const { nameOf, run, path } = await shelf();
    const Kept = z.tuple([
      z.object({
        state: z.literal("complete"),
        deleted: z.array(z.string()),
        inUse: z.array(z.string()),
        changed: z.array(z.string()),
        notDeleted: z.string().optional(),
      }),
    ]);
    const [done] = Kept.parse(JSON.parse((await run("--keep", "3", "--json")).stdout));
    expect(done).toMatchObject({ deleted: ["c2", "c3", "c5"].map(nameOf), inUse: [], changed: [] });
    expect(done).not.toHaveProperty("notDeleted");
    await damage(path("c7"));
    const { code, stdout } = await run("--keep", "2", "--json");
    const [refused] = Kept.parse(JSON.parse(stdout));
    expect([code, refused.deleted]).toEqual([1, []]);
    expect(refused.notDeleted).toMatch(/^Nothing was deleted\. .*c7\.tgz/);
  });

  test("deletes of several clusters, and with --all, the older backups of each", async () => {
    const { home, folder } = await shelf();
    const env = at(simulator());
    for (const ending of ["1c1", "1c2"])
      await runCommand({ args: ["save", "customers", "--snapshot", `5fa100000000000000000${ending}`], env, home });
    const args = ["save", "orders", "customers", "--keep", "1"];
    const { code, stdout } = await runCommand({ args, env, home });
    expect(code).toBe(0);
    expect(deletedIn(stdout)).toHaveLength(7);
    const files = async () => (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
    expect((await files()).map((name) => /^[a-z]+/.exec(name)?.[0])).toEqual(["customers", "orders"]);
    const all = await runCommand({ args: ["save", "--all", "--keep", "1"], env, home });
    expect(deletedIn(all.stdout)).toEqual([]);
    expect(await files()).toHaveLength(4);
  });
});

describe("nothing is saved or deleted, and the exit code is 2,", () => {
  test.each(["0", "x", "-1", "1.5", "", "1e3"])("with --keep=%s", async (count) => {
    const { folder, run } = await shelf();
    const requests = simulator().requests.length;
    const { code, stderr } = await run(`--keep=${count}`);
    expect(code).toBe(2);
    expect(stderr).toContain("--keep");
    expect(simulator().requests.length).toBe(requests);
    expect(await left(folder)).toEqual(OLDER);
  });

  test("with --keep-unprotected alone", async () => {
    const { folder, run } = await shelf();
    const { code, stderr } = await run("--keep-unprotected");
    expect([code, stderr]).toEqual([2, "--keep-unprotected belongs to --keep. See --help.\n"]);
    expect(await readdir(folder)).toHaveLength(2 * OLDER.length);
  });
});

test("a save that fails deletes nothing", async () => {
  const { home, folder } = await shelf();
  const failing = await simulatorFor({ ...SMALL, orders: "file=404" });
  const { code, stdout } = await runCommand({ args: ["save", "orders", "--keep", "1"], env: at(failing), home });
  expect(code).not.toBe(0);
  expect(stdout).toBe("");
  expect(await left(folder)).toEqual(OLDER);
});

test("a save whose archive is incomplete deletes nothing", async () => {
  const { home, folder, run } = await shelf();
  await run();
  const saved = (await readdir(folder)).find((name) => name.endsWith("c8.tgz.json")) ?? "";
  const record = JSON.parse(await readFile(join(folder, saved), "utf8"));
  await writeFile(join(folder, saved), JSON.stringify({ ...record, sound: false }));
  const { code, stdout } = await runCommand({ args: ["save", "orders", "--keep", "1"], env: at(simulator()), home });
  expect(code).toBe(1);
  expect(stdout).toContain("do not use it");
  expect(await left(folder)).toEqual(OLDER);
});

test.each(["777", "755"])(
  "where the folder keeps no owners and shows mode %s, nothing is deleted without --keep-unprotected",
  { tags: "modes" },
  async (mode) => {
    const { home, folder } = await shelf();
    const hook = `${pathToFileURL(resolve("test/fixtures/without-modes.mjs"))}?mode=${mode}`;
    const start = { env: { ...at(simulator()), NODE_OPTIONS: `--import=${hook}` }, home };
    const refused = await runCommand({ ...start, args: ["save", "orders", "--keep", "1"] });
    expect([refused.code, deletedIn(refused.stdout)]).toEqual([1, []]);
    expect(refused.stdout).toContain("To delete all the same, add --keep-unprotected.");
    expect(await left(folder)).toEqual(OLDER);
    const ordered = await runCommand({ ...start, args: ["save", "orders", "--keep", "1", "--keep-unprotected"] });
    expect([ordered.code, deletedIn(ordered.stdout).length]).toEqual([0, 5]);
  },
);

test("below a folder that others may write to, nothing is deleted without --keep-unprotected", {
  tags: "modes",
}, async () => {
  const { home, folder } = await shelf();
  const above = join(home, "above");
  await mkdir(above);
  await rename(folder, join(above, "snapshots"));
  await chmod(above, 0o777);
  const args = ["save", "orders", "--keep", "1", "--download-dir", join(above, "snapshots")];
  const refused = await runCommand({ args, env: at(simulator()), home });
  expect([refused.code, deletedIn(refused.stdout)]).toEqual([1, []]);
  expect(refused.stdout).toContain("! Nothing was deleted. Other users of this computer can move or replace");
  expect(refused.stdout).toContain("To delete all the same, add --keep-unprotected.");
  expect(await left(join(above, "snapshots"))).toEqual(OLDER);
  const ordered = await runCommand({ args: [...args, "--keep-unprotected"], env: at(simulator()), home });
  expect([ordered.code, deletedIn(ordered.stdout).length]).toEqual([0, 5]);
});

test("no tool of the server deletes a finished file, whatever it is asked", async () => {
  const { folder } = await shelf();
  const { ok, call, client } = await serverAgainst(simulator(), {
    args: ["--download-dir", folder],
    env: at(simulator()),
  });
  const archives = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const before = await Promise.all(archives.map((name) => readFile(join(folder, name))));
  const { tools } = await client.listTools();
  const cluster = { groupId: SIMULATED.groupId, name: SIMULATED.name };
  for (const { name, inputSchema } of tools) {
    expect(JSON.stringify(inputSchema)).not.toMatch(/keep/i);
    for (const extra of [{}, { discard: true }, { keep: 1 }, { discard: true, keep: 1, keepUnprotected: true }])
      await call(name, { ...cluster, snapshotId: snapshotOf("c2"), ...extra }).catch(() => undefined);
  }
  for (const ending of OLDER) await ok("stop_saving_snapshot", { snapshotId: snapshotOf(ending), discard: true });
  expect(await left(folder)).toEqual(OLDER);
  expect(await Promise.all(archives.map((name) => readFile(join(folder, name))))).toEqual(before);
});
