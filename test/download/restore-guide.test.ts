import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Contents } from "../../src/download/contract.ts";
import { restoreGuide, shellQuote } from "../../src/download/restore-guide.ts";
import { dataFiles, tgz } from "./fixtures.ts";

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
        "MongoDB Database Tools (mongodump, mongorestore)",
      ],
      commands: [
        "mkdir /srv/snapshots/Cluster0-1-restored",
        "tar -xzf /srv/snapshots/Cluster0-1.tgz -C /srv/snapshots/Cluster0-1-restored",
        "mongod --dbpath /srv/snapshots/Cluster0-1-restored --port 27099 --bind_ip 127.0.0.1",
        "mongodump --port 27099 --gzip --archive=/srv/snapshots/Cluster0-1-restored.archive.gz",
        "mongorestore --gzip --archive=/srv/snapshots/Cluster0-1-restored.archive.gz --uri TARGET_CONNECTION_STRING",
      ],
    });
  });

  test("on Windows is quoted for the shells of Windows", () => {
    const facts = { path: "C:\\Users\\Jane Doe\\x.tar.gz", platform: "win32" } as const;
    expect(restoreGuide({ ...dataDirectory, folderDepth: 2 }, facts)?.commands.slice(0, 3)).toEqual([
      'mkdir "C:\\Users\\Jane Doe\\x-restored"',
      'tar -xzf "C:\\Users\\Jane Doe\\x.tar.gz" -C "C:\\Users\\Jane Doe\\x-restored" --strip-components 2',
      'mongod --dbpath "C:\\Users\\Jane Doe\\x-restored" --port 27099 --bind_ip "127.0.0.1"',
    ]);
  });

  test("whose folder is unknown is only unpacked", () => {
    const { folderDepth: _, ...unclear } = dataDirectory;
    expect(restoreGuide(unclear, linux)?.commands).toHaveLength(2);
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
      "mkdir /srv/snapshots/Cluster0-1-restored",
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

test("the commands unpack a real archive so that the data directory is where mongod looks", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'restore guide\'s $HOME `x` "y" '));
  try {
    for (const [index, prefix] of ["", "./", "snapshot/", "./a/b/"].entries()) {
      const archive = join(folder, `${index}.tgz`);
      await writeFile(archive, await tgz(dataFiles(prefix)));
      const folderDepth = prefix.split("/").length - 1;
      const commands =
        restoreGuide({ ...dataDirectory, folderDepth }, { path: archive, platform: "linux" })?.commands ?? [];
      for (const command of commands.slice(0, 2)) execFileSync("sh", ["-c", command]);
      expect(await readdir(join(folder, `${index}-restored`))).toContain("WiredTiger");
    }
  } finally {
    await rm(folder, { recursive: true });
  }
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
