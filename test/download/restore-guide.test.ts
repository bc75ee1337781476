import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Contents } from "../../src/download/contract.ts";
import { restoreGuide, shellQuote } from "../../src/download/restore-guide.ts";
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
        "tar -xzf /srv/snapshots/Cluster0-1.tgz -C /srv/snapshots/Cluster0-1-restored/data",
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
      'tar -xzf "C:\\Users\\Jane Doe\\x.tar.gz" -C "C:\\Users\\Jane Doe\\x-restored\\data" --strip-components 2',
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
      "mkdir -m 700 /srv/snapshots/Cluster0-1-restored",
      "tar -xzf /srv/snapshots/Cluster0-1.tgz -C /srv/snapshots/Cluster0-1-restored --strip-components 1",
      "mongorestore --uri TARGET_CONNECTION_STRING --dir /srv/snapshots/Cluster0-1-restored",
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

/** Runs the commands as a reader would, with programs in place of MongoDB's that note their arguments, and gives these back. */
async function runCommands(archive: string, contents: Contents) {
  const home = await temporaryFolder();
  const noted = join(home, "noted");
  for (const program of ["mongod", "mongodump", "mongorestore"])
    await writeFile(join(home, program), `#!/bin/sh\nprintf '%s\\0' ${program} "$@" "" >> "$NOTED"\n`, { mode: 0o755 });
  const env = { PATH: `${home}:${process.env.PATH}`, NOTED: noted, TMPDIR: home };
  for (const command of restoreGuide(contents, { path: archive, platform: "linux" })?.commands ?? []) {
    execFileSync("bash", ["-n", "-c", command], { env });
    execFileSync("sh", ["-c", `umask 022; ${command}`], { env });
  }
  const calls = (await readFile(noted, "utf8")).split("\0\0").slice(0, -1);
  return calls.map((call) => call.split("\0"));
}

const valueAfter = (words: readonly string[] | undefined, option: string) => words?.[words.indexOf(option) + 1] ?? "";

describe("run by a shell, the commands", () => {
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

test("an earlier unpacked folder makes the first command fail", async () => {
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

/** Any text without NUL, which no argument can hold, with many characters that are special in shells. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..." '\"$`\\!*?~#&|;<>()[]{}%^=:,.@-\n\t\u2018\u2019\u201a\u201b\u201c\u201d"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }).filter((unit) => unit !== "\0"),
  ),
});

test("a POSIX shell gives back any argument", () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (words) => {
      const command = ["printf '%s\\0'", ...words.map((word) => shellQuote(word, "linux"))].join(" ");
      const printed = execFileSync("sh", ["-c", command], { encoding: "utf8" });
      expect(printed.split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

test("PowerShell gives back any argument", () => {
  fc.assert(
    fc.property(text, (word) => {
      expect(powerShellWord(shellQuote(word, "win32"))).toBe(word);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["darwin", "--port", "--port"],
  ["linux", "/home/jane/x.tgz", "/home/jane/x.tgz"],
  ["linux", "/home/jane's $HOME/x.tgz", "'/home/jane'\\''s $HOME/x.tgz'"],
  ["linux", "", "''"],
  ["win32", "--port", "--port"],
  ["win32", "C:\\Users\\Jörg M\\x.tgz", '"C:\\Users\\Jörg M\\x.tgz"'],
  ["win32", "C:\\O'Neil\\100%\\x.tgz", "'C:\\O''Neil\\100%\\x.tgz'"],
  ["win32", "--archive=C:\\x.gz", '"--archive=C:\\x.gz"'],
] as const)("on %s %s becomes %s", (platform, word, quoted) => {
  expect(shellQuote(word, platform)).toBe(quoted);
});

/** One word as PowerShell reads it (about_Quoting_Rules, about_Parsing); throws if it is not one literal word. */
function powerShellWord(source: string): string {
  const bare = /^[\w-]+$/.exec(source);
  if (bare !== null) return bare[0];
  // cmd.exe expands percent signs in double quotes; PowerShell dollar signs and backticks, and it has four double quotes.
  const double = /^"([^$`%"\u201c-\u201e]*)"$/.exec(source);
  if (double?.[1] !== undefined) return double[1];
  const single = /^'((?:[^'\u2018-\u201b]|(['\u2018-\u201b])\2)*)'$/.exec(source);
  if (single?.[1] !== undefined) return single[1].replace(/(['\u2018-\u201b])\1/g, "$1");
  throw new Error(`Not one word: ${source}`);
}
