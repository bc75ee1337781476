import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { restoreGuide } from "../../src/download/restore-guide.ts";
import { TOOLS } from "../../src/tools/index.ts";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { toolsAndLogOf } from "./client.ts";
import { commandsOf, PAGES, pageOf, ROOT } from "./pages.ts";
import { bash } from "./shell.ts";

const { scripts } = z
  .looseObject({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));

/** What is not run as it stands, and why. */
const ELSEWHERE: [RegExp, string][] = [
  [/^npm install && npm (run )?\w+$/, "installs from a registry, and builds while other tests use what is built"],
  [/^npm run inspect /, "fetches the Inspector"],
  [/^npm run (docs|demo:picture)$/, "writes into the clone; other tests check what it writes"],
  [/^(claude|gemini) mcp add /, "needs the client; its snippet has a test of its own"],
  [/^npm (pack|install --global)/, "has a test of its own below"],
  [/^\(umask 077;/, "has a test of its own below"],
  [/^(mkdir|tar|gzip|sha256sum) /, "has a test of its own below"],
  [/^(mongod|mongodump|mongorestore|docker) /, "needs software of others"],
];

const lines = [...new Set(PAGES.flatMap(commandsOf))];
const runnable = lines.filter((line) => !ELSEWHERE.some(([pattern]) => pattern.test(line)));

test("every exception is one for a command that the pages have", () => {
  expect(ELSEWHERE.filter(([pattern]) => !lines.some((line) => pattern.test(line)))).toEqual([]);
});

test("every other command of the pages does something and ends well", { timeout: 60_000 }, async () => {
  const { environment } = await simulatorFor({ snapshotBytes: 1_000_000, jobMs: 100 });
  const outcomes = await Promise.all(
    runnable.map(async (line) => {
      const env = { HOME: await temporaryFolder(), ATLAS_FLEX_SIMULATOR_BYTES: "1000000", ...environment };
      return { line, ...(await bash(line, { env })) };
    }),
  );
  expect(outcomes).toEqual(
    runnable.map((line) => ({
      line,
      exitCode: 0,
      stdout: expect.stringMatching(/\S/),
      stderr: expect.not.stringMatching(/error/i),
    })),
  );
});

test("every npm script that the pages name is one of the package", () => {
  const named = PAGES.flatMap(({ text }) => [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = ""]) => name));
  expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

test("the packed command installs without a network and serves a client", { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder();
  const npm = { HOME: folder, npm_config_offline: "true", npm_config_prefix: join(folder, "prefix") };
  const [pack = "", install = ""] = commandsOf(pageOf("README.md")).filter((line) =>
    /^npm (pack|install --)/.test(line),
  );
  expect(await bash(pack, { env: { ...npm, npm_config_pack_destination: folder } })).toMatchObject({ exitCode: 0 });
  expect(await bash(install, { env: npm, cwd: folder })).toMatchObject({ exitCode: 0 });
  const command = join(folder, "prefix/bin/atlas-flex-snapshots-mcp");
  const { tools } = await toolsAndLogOf({ command, args: ["--simulate"], env: { HOME: folder } });
  expect(tools).toEqual(TOOLS.map(({ name }) => name));
});

test("the secret's file holds what was typed and is readable by its owner only", async () => {
  const home = await temporaryFolder();
  const line = commandsOf(pageOf("docs/setup.md")).find((command) => command.startsWith("(umask")) ?? "";
  expect(await bash(line, { env: { HOME: home }, input: "mdb_sa_sk_1\n" })).toMatchObject({ exitCode: 0 });
  const file = join(home, ".atlas-flex-secret");
  expect(await readFile(file, "utf8")).toBe("mdb_sa_sk_1");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

const RESTORE = commandsOf(pageOf("docs/restore.md"));
const ARCHIVE = "/backups/orders-20261122T0301Z-5fa1000000000000000000c8.tgz";

test("the commands of the restore page are those that a tool answers with", () => {
  const facts = { platform: "linux", mongoDBVersion: "8.0.16" } as const;
  const ofDirectory = restoreGuide(
    { kind: "data-directory", folderDepth: 0, unpackedBytes: 1 },
    { ...facts, path: ARCHIVE },
  );
  const ofDump = restoreGuide(
    { kind: "mongodump-archive", unpackedBytes: 1 },
    { ...facts, path: "/backups/reports-20261122T0301Z-5fa1000000000000000002c2.tgz" },
  );
  expect(RESTORE.filter((line) => !/^(gzip|sha256sum|docker) /.test(line))).toEqual([
    ...(ofDirectory?.commands ?? []),
    ...(ofDump?.commands ?? []),
  ]);
});

test("a saved file passes the restore page's checks and unpacks to what a data directory has", async () => {
  const folder = await temporaryFolder();
  const env = { HOME: folder, ATLAS_FLEX_DOWNLOAD_DIR: folder, ATLAS_FLEX_SIMULATOR_BYTES: "1000000" };
  const saved = await bash("node examples/save-latest.mjs orders --simulate", { env });
  const [path = "", sha256 = ""] = saved.stdout.split("\n");
  await bash(`mv ${path} ${join(folder, "orders-20261122T0301Z-5fa1000000000000000000c8.tgz")}`);

  const outputs = [];
  for (const line of RESTORE.filter((command) => /^(gzip|sha256sum|mkdir|tar) /.test(command))) {
    const { exitCode, stdout } = await bash(line.replaceAll("/backups", folder), { cwd: folder });
    expect({ line, exitCode }).toEqual({ line, exitCode: 0 });
    outputs.push(stdout);
  }
  expect(outputs.join("")).toContain(sha256.replace("sha256 ", ""));
  const unpacked = await bash("ls", { cwd: join(folder, "orders-20261122T0301Z-5fa1000000000000000000c8-restored") });
  expect(unpacked.stdout).toMatch(/^WiredTiger$/m);
});
