import { existsSync } from "node:fs";
import { appendFile, chmod, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { bash, type Outcome } from "../docs/commands.ts";
import { CLUSTER, serverAgainst, simulatorFor, temporaryFolder } from "../fixtures.ts";
import { stub, withStubs } from "./programs.ts";

/** Starts only from unpacked data, and serves nothing but the socket; `started` is what it was started with. */
const MONGOD = `
if (words[0] === "--version") return console.log("db version v8.0.16");
const after = (name) => words[words.indexOf(name) + 1];
fs.accessSync(after("--dbpath") + "/WiredTiger");
const modeOf = (path) => fs.statSync(path).mode & 0o777;
const [folder, sockets] = [require("node:path").dirname(after("--dbpath")), after("--unixSocketPrefix")];
const modes = [modeOf(folder), modeOf(sockets)];
fs.writeFileSync(process.env.STARTED, JSON.stringify({ words, folder, sockets, modes }));
require("node:net").createServer((connection) => connection.resume()).listen(after("--bind_ip"));
process.on("SIGINT", () => process.exit(fs.writeFileSync(process.env.STARTED + ".stopped", "")));`;

/** Never listens. */
const SILENT_MONGOD = MONGOD.replace(/^require.*$/m, "setInterval(() => {}, 1000);");

const BROKEN_MONGOD = `
if (words[0] === "--version") return console.log("db version v7.0.2");
console.log("Wrong mongod version");
process.exitCode = 62;`;

/** Answers only where the socket is that the connection string names. */
const mongosh = (found: Record<string, number>) => `
if (words[0] === "--version") return console.log("2.5.0");
if (!fs.statSync(decodeURIComponent(words.at(-1).replace("mongodb://", ""))).isSocket()) process.exit(1);
new Function(words[words.indexOf("--eval") + 1]);
console.log(${JSON.stringify(JSON.stringify(found))});`;

const Started = z.object({
  words: z.array(z.string()),
  folder: z.string(),
  sockets: z.string(),
  modes: z.array(z.number()),
});

const NOT_TRIED = "The backup itself was not tried: nothing is known against it.\n";
const MAY_NOT = "this user may not run it, or may not enter a folder of PATH (EACCES";

const NEWEST = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };

interface Options {
  saves?: { groupId: string; name: string; snapshotId: string }[];
  mongod?: string;
  /** What mongosh answers: documents by collection. */
  found?: Record<string, number>;
  /** The name of the folder for temporary files. */
  temporary?: string;
}

interface Bench {
  /** The saved files. */
  paths: string[];
  /** The folder of the stubs. */
  bin: string;
  drill: (line?: string) => Promise<Outcome>;
  /** The same where PATH has only the folder of the stubs. */
  drillWithStubsOnly: () => Promise<Outcome>;
  started: () => Promise<z.infer<typeof Started>>;
  wasStopped: () => boolean;
  /** What the drill left in its folder for temporary files. */
  left: () => Promise<string[]>;
}

/** A saved file that counts as a real one, and stubs of the programs that the drill starts. */
async function bench({
  mongod = MONGOD,
  found = { "shop.orders": 3 },
  saves = [NEWEST],
  temporary: name = "temporary",
}: Options = {}): Promise<Bench> {
  const folder = await temporaryFolder();
  const [bin, temporary, snapshots] = ["bin", name, "snapshots"].map((one) => join(folder, one));
  if (!bin || !temporary || !snapshots) throw new Error("There are three folders");
  await mkdir(bin);
  await mkdir(temporary);
  await stub(bin, "mongod", mongod);
  await stub(bin, "mongosh", mongosh(found));
  const simulator = await simulatorFor({ snapshotBytes: 300_000, jobMs: 0 });
  const session = await serverAgainst(simulator, {
    env: { ...simulator.environment, ATLAS_FLEX_DOWNLOAD_DIR: snapshots },
  });
  const paths: string[] = [];
  for (const save of saves)
    paths.push(z.string().parse((await session.ok("save_flex_snapshot", { ...save, waitSeconds: 40 })).path));
  const STARTED = join(folder, "started");
  const env = { ...withStubs(bin), HOME: folder, TMPDIR: temporary, STARTED, ATLAS_FLEX_DOWNLOAD_DIR: snapshots };
  return {
    paths,
    bin,
    drill: (line = CLUSTER.name) => bash(`node examples/schedule/restore-drill.mjs ${line}`, { env }),
    drillWithStubsOnly: () =>
      bash(`PATH='${bin}' '${process.execPath}' examples/schedule/restore-drill.mjs ${CLUSTER.name}`, { env }),
    started: async () => Started.parse(JSON.parse(await readFile(STARTED, "utf8"))),
    wasStopped: () => existsSync(`${STARTED}.stopped`),
    left: () => readdir(temporary),
  };
}

describe("the restore drill", { tags: "shell" }, () => {
  test("starts mongod from the newest file on a socket alone, counts, stops it and removes everything", async () => {
    const { drill, started, wasStopped, left } = await bench({ found: { "shop.orders": 3, "shop.items": 41 } });
    const { exitCode, stdout, stderr } = await drill();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain('"shop.orders": 3 documents');
    expect(stdout).toContain('"shop.items": 41 documents');
    expect(stdout).toContain("The backup can be restored.");
    const { words, folder, sockets, modes } = await started();
    expect(modes).toEqual([0o700, 0o700]);
    expect(words).toEqual([
      ...["--dbpath", join(folder, "data"), "--port", "27099"],
      ...["--bind_ip", join(sockets, "mongodb-27099.sock"), "--unixSocketPrefix", sockets],
    ]);
    expect(wasStopped()).toBe(true);
    expect(await left()).toEqual([]);
    expect(existsSync(sockets)).toBe(false);
  });

  test("gives mongod a socket whose path fits on every system, however long TMPDIR is", async () => {
    const { drill, started, left } = await bench({ temporary: "t".repeat(120) });
    expect(await drill()).toMatchObject({ exitCode: 0, stderr: "" });
    const { words, folder } = await started();
    expect(folder).toContain("/ttt");
    const [socket = ""] = words.filter((word) => word.endsWith(".sock"));
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103);
    expect(await left()).toEqual([]);
  });

  test("says so where the folder holds more than the server lists", async () => {
    const { drill, paths } = await bench();
    const folder = dirname(paths[0] ?? "");
    const cut = `${folder} holds more than the server lists: the 100 files written last were looked at.`;
    const put = async (first: number, last: number, time: Date) => {
      for (let number = first; number <= last; number++) {
        const path = join(folder, `other-${number}.tgz`);
        await writeFile(path, "");
        await utimes(path, time, time);
      }
    };
    await put(1, 100, new Date(0));
    expect(await drill()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Note:     ${cut}\n`) });
    await put(101, 200, new Date(Date.now() + 60_000));
    const stderr = `${cut} None of them is a backup of a cluster named ${CLUSTER.name}.\n`;
    expect(await drill()).toMatchObject({ exitCode: 1, stderr });
  });

  test("fails with the words of a mongod that dies and the version that the backup needs", async () => {
    const { drill, left } = await bench({ mongod: BROKEN_MONGOD });
    const { exitCode, stdout, stderr } = await drill();
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain("can be restored");
    expect(stderr).toContain("mongod could not start from the file (exit code 62). The backup needs mongod 8.0.");
    expect(stderr).toContain("Wrong mongod version");
    expect(await left()).toEqual([]);
  });

  test("fails when mongod serves no database of the user", async () => {
    const { drill, wasStopped, left } = await bench({ found: {} });
    expect(await drill()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("holds no database of yours") });
    expect(wasStopped()).toBe(true);
    expect(await left()).toEqual([]);
  });

  test.each([
    ["was cut off", (path: string) => truncate(path, 200_000)],
    ["has grown", (path: string) => appendFile(path, "more")],
  ])("fails before it unpacks a file that %s", async (_, damage) => {
    const { drill, paths, left } = await bench();
    await damage(paths[0] ?? "");
    const stderr = expect.stringMatching(/^The file is damaged or was changed: do not restore from it\./);
    expect(await drill()).toMatchObject({ exitCode: 1, stderr });
    expect(await left()).toEqual([]);
  });

  test("takes the newest backup, which need not be the file that was saved last", async () => {
    const { drill, paths } = await bench({
      saves: [NEWEST, { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId }],
    });
    expect(await drill()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`File:     ${paths[0]}, `) });
  });

  test("asks for the project where several have a cluster of that name, and restores data directories only", async () => {
    const { name, dumpDirectorySnapshotId: snapshotId } = SIMULATED.reports;
    const { drill } = await bench({ saves: [SIMULATED.archive, { groupId: SIMULATED.groupId, name, snapshotId }] });
    const both = expect.stringContaining("Clusters of several projects are named reports. Add the project's id");
    expect(await drill(name)).toMatchObject({ exitCode: 1, stderr: both });
    expect(await drill(`${name} ${SIMULATED.archive.groupId}`)).toMatchObject({ exitCode: 0 });
    const other = expect.stringContaining("The drill restores data directories only");
    expect(await drill(`${name} ${SIMULATED.groupId}`)).toMatchObject({ exitCode: 1, stderr: other });
  });

  test("says of a simulated file that mongod cannot restore it", async () => {
    const { drill } = await bench();
    const env = { HOME: await temporaryFolder(), ATLAS_FLEX_SIMULATOR_BYTES: "300000" };
    await bash("node examples/save-latest.mjs orders --simulate", { env });
    const saved = `${env.HOME}/atlas-flex-snapshots`;
    for (const line of [`--simulate --download-dir "${saved}"`, `--download-dir "${saved}/simulated"`])
      expect(await drill(`orders ${line}`), line).toMatchObject({
        exitCode: 1,
        stderr: "This file is simulated: it has the form of a backup, but mongod cannot restore it.\n",
      });
  });

  test("says which program does not run, before it unpacks anything", async () => {
    const { drill, left } = await bench({ mongod: "process.exit(127)" });
    expect(await drill()).toMatchObject({ exitCode: 1, stderr: `mongod failed (exit code 127).\n${NOT_TRIED}` });
    expect(await left()).toEqual([]);
  });

  test.each([
    ["mongod", "is missing", "it is not installed, or not in a folder of PATH (ENOENT", rm],
    ["mongosh", "is missing", "it is not installed, or not in a folder of PATH (ENOENT", rm],
    ["mongod", "may not be run", MAY_NOT, (path: string) => chmod(path, 0o644)],
  ])("says, where %s %s, why it cannot be started and that the backup was not tried", async (name, _, why, change) => {
    const { bin, drillWithStubsOnly, left } = await bench();
    await change(join(bin, name));
    expect(await drillWithStubsOnly()).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("Check:    the file is whole"),
      stderr: `${name} cannot be started: ${why}, PATH=${bin}).\n${NOT_TRIED}`,
    });
    expect(await left()).toEqual([]);
  });

  test("says so too where a folder of PATH may not be entered", { tags: "no-root" }, async () => {
    const { bin, drillWithStubsOnly } = await bench();
    await chmod(bin, 0o600);
    const outcome = await drillWithStubsOnly();
    await chmod(bin, 0o700);
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(MAY_NOT) });
  });

  test("stops mongod and removes everything when it is ended meanwhile", async () => {
    const { drill, wasStopped, left } = await bench({ mongod: SILENT_MONGOD });
    const outcome = await drill(`orders & until [ -e "$STARTED" ]; do sleep 0.1; done; kill -TERM $!; wait $!`);
    expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("The drill was ended by SIGTERM") });
    expect(wasStopped()).toBe(true);
    expect(await left()).toEqual([]);
  });

  test.each([
    ["", 2, "Usage: "],
    ["orders customers", 2, "Usage: "],
    ["orders 000000000000000000000000 customers", 2, "The drill restores one cluster: run it once for each."],
    ["orders ''", 2, "Usage: "],
    ["orders --nosuch", 1, "The server, which reads the saved files, did not start; what it says is above.\n"],
    ["reports", 1, "no saved file of a cluster named reports"],
    ["orders 000000000000000000000000", 1, "no saved file of a cluster named orders"],
  ])("with the arguments %j ends with exit code %i and %j", async (line, exitCode, words) => {
    const { drill } = await bench();
    expect(await drill(line)).toMatchObject({ exitCode, stderr: expect.stringContaining(words) });
  });
});
