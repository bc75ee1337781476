import { execFileSync, spawnSync } from "node:child_process";
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Contents } from "../../src/download/contract.ts";
import { restoreGuide } from "../../src/download/restore-guide.ts";
import { lacks } from "../platform.ts";
import { dataFiles, temporaryFolder, tgz } from "./fixtures.ts";

const path = "/srv/snapshots/Cluster0-1.tgz";
const linux = { path, platform: "linux" } as const;
const dataDirectory: Contents = { kind: "data-directory", files: 9, collections: 2, unpackedBytes: 1, folderDepth: 0 };
const dump: Contents = { kind: "dump-directory", files: 9, collections: 2, unpackedBytes: 1, folderDepth: 1 };

describe("a data directory", () => {
  test("is unpacked, served by mongod of its own version and copied from there", () => {
    expect(restoreGuide(dataDirectory, { ...linux, mongoDBVersion: "8.0.4" })).toEqual({
      kind: "data-directory",
      needs: [
        "tar",
        "mongod 8.0 (the snapshot's major version), in a terminal of its own since it keeps running",
        "MongoDB Database Tools (mongodump, mongorestore), a current version",
      ],
      commands: [
        "mkdir -m 700 /srv/snapshots/Cluster0-1-restored /srv/snapshots/Cluster0-1-restored/data",
        "tar -xzof /srv/snapshots/Cluster0-1.tgz -C /srv/snapshots/Cluster0-1-restored/data --no-same-permissions",
        "mongod --dbpath /srv/snapshots/Cluster0-1-restored/data --port 27099 --bind_ip /srv/snapshots/Cluster0-1-restored/mongodb-27099.sock --unixSocketPrefix /srv/snapshots/Cluster0-1-restored",
        "mongodump --uri mongodb://%2Fsrv%2Fsnapshots%2FCluster0-1-restored%2Fmongodb-27099.sock --gzip --archive=/srv/snapshots/Cluster0-1-restored/copy.archive.gz",
        "mongorestore --gzip --archive=/srv/snapshots/Cluster0-1-restored/copy.archive.gz --uri TARGET_CONNECTION_STRING",
      ],
      servedTo: "this-user",
    });
  });

  test("on Windows is quoted for the shells of Windows, and served to every user", () => {
    const facts = { path: "C:\\Users\\Jane Doe\\x.tar.gz", platform: "win32" } as const;
    const guide = restoreGuide({ ...dataDirectory, folderDepth: 2 }, facts);
    expect(guide?.commands.slice(0, 4)).toEqual([
      'mkdir "C:\\Users\\Jane Doe\\x-restored\\data"',
      'tar -xzof "C:\\Users\\Jane Doe\\x.tar.gz" -C "C:\\Users\\Jane Doe\\x-restored\\data" --no-same-permissions --strip-components 2',
      'mongod --dbpath "C:\\Users\\Jane Doe\\x-restored\\data" --port 27099 --bind_ip "127.0.0.1"',
      'mongodump --port 27099 --gzip "--archive=C:\\Users\\Jane Doe\\x-restored\\copy.archive.gz"',
    ]);
    expect(guide?.servedTo).toBe("every-user");
  });

  test.each([
    [{}, []],
    [{ directoryPerDB: true }, ["--directoryperdb"]],
    [{ directoryForIndexes: true }, ["--wiredTigerDirectoryForIndexes"]],
    [{ directoryPerDB: true, directoryForIndexes: true }, ["--directoryperdb", "--wiredTigerDirectoryForIndexes"]],
  ])("written with %j is served with the options %j", (layout, options) => {
    const words = restoreGuide({ ...dataDirectory, ...layout }, linux)?.commands[2]?.split(" ");
    expect(words?.slice(3, -6)).toEqual(options);
  });

  test("whose folder is unknown is only unpacked", () => {
    const { folderDepth: _, ...unclear } = dataDirectory;
    const guide = restoreGuide(unclear, linux);
    expect(guide?.commands).toHaveLength(2);
    expect(guide).not.toHaveProperty("servedTo");
  });

  test.each([
    ["8.0", "8.0"],
    ["7.0.12", "7.0"],
    ["10.12.3", "10.12"],
  ])("of version %s needs mongod %s", (mongoDBVersion, major) => {
    expect(restoreGuide(dataDirectory, { ...linux, mongoDBVersion })?.needs[1]).toContain(`mongod ${major} (`);
  });

  test.each(["", "8", "8.0.4; rm -rf ~", "8.0.4-rc1", "v8.0", "8.0\n", "١.٠", "99999.0", "8.0.4.1"])(
    "of version %j needs a mongod whose version is not named",
    (mongoDBVersion) => {
      const { needs } = restoreGuide(dataDirectory, { ...linux, mongoDBVersion }) ?? { needs: [] };
      expect(needs[1]).toBe("mongod of the snapshot's major version, in a terminal of its own since it keeps running");
    },
  );
});

test("a dump directory is unpacked and restored", () => {
  expect(restoreGuide(dump, linux)).toEqual({
    kind: "dump-directory",
    needs: ["tar", "MongoDB Database Tools (mongorestore)"],
    commands: [
      "mkdir -m 700 /srv/snapshots/Cluster0-1-restored /srv/snapshots/Cluster0-1-restored/data",
      "tar -xzof /srv/snapshots/Cluster0-1.tgz -C /srv/snapshots/Cluster0-1-restored/data --no-same-permissions --strip-components 1",
      "mongorestore --uri TARGET_CONNECTION_STRING --dir /srv/snapshots/Cluster0-1-restored/data",
    ],
  });
});

test("a dump directory of gzip files is restored as such", () => {
  const commands = restoreGuide({ ...dump, filesGzipped: true }, linux)?.commands;
  expect(commands?.[2]).toMatch(/^mongorestore --gzip /);
});

test("a mongodump archive is restored without unpacking", () => {
  expect(restoreGuide({ kind: "mongodump-archive", collections: 3, unpackedBytes: 1 }, linux)).toEqual({
    kind: "mongodump-archive",
    needs: ["MongoDB Database Tools (mongorestore)"],
    commands: [`mongorestore --gzip --archive=${path} --uri TARGET_CONNECTION_STRING`],
  });
});

test("any other tar is only listed", () => {
  expect(restoreGuide({ kind: "unknown", files: 3, unpackedBytes: 1 }, linux)?.commands).toEqual([`tar -tzf ${path}`]);
});

test("other files get no guide", () => {
  expect(restoreGuide({ kind: "unknown", unpackedBytes: 1 }, linux)).toBeUndefined();
});

interface Run {
  /** The folder of the archive is open to others. */
  isOpen?: boolean;
  /** Who runs the commands, if not this process's user. */
  uid?: number;
}

/** Runs the commands as a reader would, with programs in place of MongoDB's that note their arguments, and gives these back. */
async function runCommands(archive: string, contents: Contents, { isOpen = false, uid }: Run = {}) {
  const home = await temporaryFolder();
  const noted = join(home, "noted");
  await writeFile(noted, "");
  if (uid !== undefined) for (const path of [home, noted]) await chown(path, uid, uid);
  for (const program of ["mongod", "mongodump", "mongorestore"])
    await writeFile(join(home, program), `#!/bin/sh\nprintf '%s\\0' ${program} "$@" "" >> "$NOTED"\n`, { mode: 0o755 });
  const env = { PATH: `${home}:${process.env.PATH}`, NOTED: noted, TMPDIR: home };
  for (const command of restoreGuide(contents, { path: archive, platform: "linux", isOpen })?.commands ?? []) {
    execFileSync("bash", ["-n", "-c", command], { env });
    const [shell = "", ...words] = [...(uid === undefined ? [] : as(uid)), "sh", "-c", `umask 022; ${command}`];
    execFileSync(shell, words, { env });
  }
  const calls = (await readFile(noted, "utf8")).split("\0\0").slice(0, -1);
  return calls.map((call) => call.split("\0"));
}

/** The words that run a command as another user. Only root may, and `setpriv` is a program of Linux. */
const as = (uid: number) => ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
const mayBecomeOthers = !lacks("root") && !lacks("linux");
const ATTACKER = 1001;

/** What the attacker's shell says of a command: whether it succeeds. */
function attackerCan(command: string): boolean {
  const [program = "", ...words] = [...as(ATTACKER), "sh", "-c", command];
  return spawnSync(program, words).status === 0;
}

const valueAfter = (words: readonly string[] | undefined, option: string) => words?.[words.indexOf(option) + 1] ?? "";

describe("run by a shell, the commands", { tags: "shell" }, () => {
  test.each(["", "./", "snapshot/", "./a/b/"])(
    "unpack a real archive with its files below %j so that the data directory is where mongod looks",
    async (prefix) => {
      const archive = join(await temporaryFolder(), "x.tgz");
      await writeFile(archive, await tgz(dataFiles(prefix)));
      const [mongod] = await runCommands(archive, { ...dataDirectory, folderDepth: prefix.split("/").length - 1 });
      expect(await readdir(valueAfter(mongod, "--dbpath"))).toContain("WiredTiger");
    },
  );

  test.each([
    ["a plain path", "backups"],
    ["a path full of quotes", 'restore guide\'s $HOME `x` "y" (1)! é+~'],
    ["a path with a comma", "a,b 'c'"],
    ["a path with a percent sign", "100%"],
    ["a path that looks encoded", "a%2Fb"],
    ["a path too long for a socket", "n".repeat(90)],
    ["a path too long for a socket because of its bytes", "é".repeat(40)],
  ])("serve the data through a socket that no other user can reach, also for %s", async (_, name) => {
    const folder = join(await temporaryFolder(), name);
    await mkdir(folder, { mode: 0o755 });
    const archive = join(folder, "x.tgz");
    await writeFile(archive, await tgz(dataFiles()));
    const [mongod, mongodump, mongorestore] = await runCommands(archive, dataDirectory);

    expect([mongod?.[0], mongodump?.[0], mongorestore?.[0]]).toEqual(["mongod", "mongodump", "mongorestore"]);
    const socket = valueAfter(mongod, "--bind_ip");
    expect(socket).toMatch(/^\/[^,]*\/mongodb-27099\.sock$/);
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    // The name that mongod gives its own socket there is the same one, so it makes no other.
    expect(valueAfter(mongod, "--unixSocketPrefix")).toBe(dirname(socket));
    expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
    expect(mongod?.join(" ")).not.toMatch(/127\.0\.0\.1|localhost|0\.0\.0\.0/);
    const uri = valueAfter(mongodump, "--uri");
    expect(uri).toMatch(/^mongodb:\/\/[\w.%-]+$/);
    const host = decodeURIComponent(uri.slice("mongodb://".length));
    expect(host).toBe(socket);
    // The Node.js driver decodes the host once more.
    expect(decodeURIComponent(host)).toBe(socket);
  });

  test.each([
    ["linux", 107, false],
    ["linux", 108, true],
    ["darwin", 103, false],
    ["darwin", 104, true],
  ] as const)("on %s put a socket whose path has %i bytes into a new folder: %j", (platform, bytes, isElsewhere) => {
    const rest = Buffer.byteLength("//x-restored/mongodb-27099.sock");
    const archive = `/${"n".repeat(bytes - rest)}/x.tgz`;
    const commands = restoreGuide(dataDirectory, { path: archive, platform })?.commands.join("\n") ?? "";
    expect(commands.includes('ln -s "$(mktemp -d)"')).toBe(isElsewhere);
    expect(commands.includes("-restored/mongodb-27099.sock")).toBe(!isElsewhere);
  });

  test("keep the data in a folder beside its copy and the socket, where no other user can enter", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "x.tgz"), await tgz(dataFiles()));
    const [mongod, mongodump, mongorestore] = await runCommands(join(folder, "x.tgz"), dataDirectory);
    const restored = join(folder, "x-restored");
    expect((await stat(restored)).mode & 0o777).toBe(0o700);
    expect(valueAfter(mongod, "--dbpath")).toBe(join(restored, "data"));
    for (const words of [mongodump, mongorestore]) expect(words).toContain(`--archive=${restored}/copy.archive.gz`);
  });
});

/** An archive in a folder that others may look into; all its entries, its root included, want to be the attacker's and open. */
async function hostileArchive(folder: string, files: Record<string, string | Buffer>): Promise<string> {
  await chmod(folder, 0o755);
  const archive = join(folder, "x.tgz");
  await writeFile(archive, await tgz({ "./": "", ...files }, { uid: ATTACKER, gid: ATTACKER, mode: 0o777 }));
  return archive;
}

const dumpFiles = (folder: string) => ({ [`${folder}shop/`]: "", [`${folder}shop/orders.bson`]: "x" });

describe.each([
  ["a data directory at the root", dataDirectory, dataFiles("./")],
  ["a data directory in a folder", { ...dataDirectory, folderDepth: 1 }, { "a/": "", ...dataFiles("a/") }],
  ["a dump at the root", { ...dump, folderDepth: 0 }, dumpFiles("./")],
  ["a dump in a folder", dump, { "a/": "", ...dumpFiles("a/") }],
  ["a dump whose place is unknown", { ...dump, folderDepth: undefined }, dumpFiles("./")],
])("of an archive with %s that asks for open folders of another user,", (_, { folderDepth, ...contents }, files) => {
  const found = { ...contents, ...(folderDepth !== undefined && { folderDepth }) };

  test("everything unpacked belongs to the reader, in a folder that only the reader can enter", {
    tags: "shell",
  }, async () => {
    const folder = await temporaryFolder();
    await runCommands(await hostileArchive(folder, files), found);
    await expectPrivate(join(folder, "x-restored"), process.getuid?.());
  });

  test("no other user reads or writes the files (needs root on Linux, to be several users)", {
    tags: ["root", "linux"],
  }, async () => {
    for (const uid of [0, 1000]) {
      const folder = await temporaryFolder();
      const archive = await hostileArchive(folder, files);
      await chown(folder, uid, uid);
      await runCommands(archive, found, { uid });
      const restored = join(folder, "x-restored");
      await expectPrivate(restored, uid);
      expect(attackerCan(`ls ${folder}`)).toBe(true);
      for (const attempt of [`ls ${restored}`, `ls ${restored}/data`, `touch ${restored}/data/planted`])
        expect(attackerCan(attempt), attempt).toBe(false);
    }
  });
});

/** The folder is closed, and nobody else owns anything in it or may write to it. */
async function expectPrivate(folder: string, uid: number | undefined): Promise<void> {
  expect((await stat(folder)).mode & 0o7777).toBe(0o700);
  const names = await readdir(folder, { recursive: true });
  expect(names.length).toBeGreaterThan(1);
  for (const name of ["", ...names]) {
    const { mode, ...entry } = await lstat(join(folder, name));
    expect({ name, uid: entry.uid, othersMayWrite: mode & 0o022 }).toEqual({ name, uid, othersMayWrite: 0 });
  }
}

describe("for a file in a folder that is open to others", () => {
  const open = { ...linux, isOpen: true } as const;
  const placeOf = (contents: Contents, facts: Parameters<typeof restoreGuide>[1] = open) =>
    restoreGuide(contents, facts)?.worksIn ?? "";

  test.each([
    ["a data directory", dataDirectory, dataFiles("./")],
    ["a dump", { ...dump, folderDepth: 0 }, dumpFiles("./")],
  ])(
    "the commands unpack and serve %s elsewhere, where no other user can enter",
    { tags: "shell" },
    async (_, contents, files) => {
      const folder = await temporaryFolder();
      const archive = await hostileArchive(folder, files);
      await chmod(folder, 0o777);
      const place = placeOf(contents, { ...open, path: archive });
      onTestFinished(() => rm(place, { recursive: true, force: true }));
      const calls = await runCommands(archive, contents, { isOpen: true });
      expect(dirname(place)).toBe("/var/tmp");
      await expectPrivate(place, process.getuid?.());
      expect(await readdir(folder)).toEqual(["x.tgz"]);
      // Each path in the arguments is in the private folder.
      const words = calls.flat().map((word) => decodeURIComponent(word));
      expect(words.filter((word) => word.includes("/")).length).toBeGreaterThan(0);
      for (const word of words.filter((word) => word.includes("/"))) expect(word).toContain(place);
      if (mayBecomeOthers) expect(attackerCan(`ls ${place}`)).toBe(false);
    },
  );

  test("the place is the same in each answer, one for each file, and cannot be guessed", async () => {
    const place = placeOf(dump);
    expect(place).toMatch(/^\/var\/tmp\/atlas-flex-[0-9a-f]{20}$/);
    expect(placeOf(dataDirectory)).toBe(place);
    expect(placeOf(dump, { ...open, path: "/srv/snapshots/Cluster0-2.tgz" })).not.toBe(place);
    vi.resetModules();
    const { restoreGuide: inAnotherProcess } = await import("../../src/download/restore-guide.ts");
    expect(inAnotherProcess(dump, open)?.worksIn).not.toBe(place);
  });

  test("an archive that is not unpacked is restored as elsewhere, and so is any file on Windows", () => {
    const archive: Contents = { kind: "mongodump-archive", unpackedBytes: 1 };
    expect(restoreGuide(archive, open)).toEqual(restoreGuide(archive, linux));
    const windows = { path: "D:\\x.tgz", platform: "win32" } as const;
    expect(restoreGuide(dump, { ...windows, isOpen: true })).toEqual(restoreGuide(dump, windows));
  });
});

test("an earlier unpacked folder makes the first command fail", { tags: "shell" }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "restore-guide-"));
  try {
    await mkdir(join(folder, "x-restored"));
    const [create = ""] =
      restoreGuide(dataDirectory, { path: join(folder, "x.tgz"), platform: "linux" })?.commands ?? [];
    expect(() => execFileSync("sh", ["-c", create], { stdio: "ignore" })).toThrow();
  } finally {
    await rm(folder, { recursive: true });
  }
});
