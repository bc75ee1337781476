import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { lacks } from "../platform.ts";
import { bash, type Outcome, RUNNABLE } from "./commands.ts";
import { commandsOf, PAGES, pageOf, ROOT } from "./pages.ts";

const SMALL = { ATLAS_FLEX_SIMULATOR_BYTES: "1000000" };
const DEMO = "node scripts/demo.mjs";
const SAVE = "node examples/save-latest.mjs orders";
const INSPECTOR = 'examples/inspector.sh "$HOME/saved"';
const REFUSED = [
  ["node examples/save-latest.mjs", 2, "Usage: "],
  ["node examples/save-latest.mjs nosuch", 1, "No Flex cluster is named nosuch."],
  ["node examples/save-latest.mjs fresh", 1, "There is no backup yet."],
  ["unset ${!MONGODB*}; node examples/save-latest.mjs orders", 1, "CREDENTIALS_MISSING"],
] as const;

/** A replacement for npx that makes the Inspector's call to the server that the script names. */
const NPX = `#!/usr/bin/env node
const { spawn } = require("node:child_process");
const words = process.argv.slice(2);
const after = (name) => words[words.indexOf(name) + 1];
const variables = words.flatMap((word, index) => (words[index - 1] === "-e" ? [word.split(/=(.*)/s).slice(0, 2)] : []));
const server = spawn(process.execPath, words.slice(words.indexOf("node") + 1, words.indexOf("--method")), {
  env: { ...process.env, ...Object.fromEntries(variables) },
  stdio: ["pipe", "pipe", "inherit"],
});
server.stdout.on("data", (chunk) => {
  process.stdout.write(chunk);
  if (chunk.includes("\\n")) server.stdin.end();
});
const params = { name: after("--tool-name"), arguments: JSON.parse(after("--tool-args-json")) };
server.stdin.write(JSON.stringify({ jsonrpc: "2.0", id: 1, method: after("--method"), params }) + "\\n");
`;

let folder: string;
let ended: ReadonlyMap<string, Outcome & { home: string }>;

/** Runs all commands at once, since most of them only wait; each has its own home folder. */
beforeAll(async () => {
  if (lacks("shell")) return;
  folder = await mkdtemp(join(await realpath(tmpdir()), "atlas-flex-"));
  await writeFile(join(folder, "npx"), NPX, { mode: 0o755 });
  const simulator = await startSimulator({ snapshotBytes: 1_000_000, jobMs: 100 });
  const lines = [DEMO, SAVE, INSPECTOR, ...REFUSED.map(([line]) => line), ...RUNNABLE];
  ended = new Map(
    await Promise.all(
      lines.map(async (line): Promise<[string, Outcome & { home: string }]> => {
        const home = await mkdtemp(join(folder, "home-"));
        const PATH = `${line === INSPECTOR ? `${folder}${delimiter}` : ""}${process.env.PATH}`;
        const env = { ...simulator.environment, ...SMALL, HOME: home, PATH };
        return [line, { ...(await bash(line, { env })), home }];
      }),
    ),
  );
  await simulator.close();
}, 120_000);
afterAll(() => (folder ? rm(folder, { recursive: true, force: true }) : undefined));

function outcomeOf(line: string): Outcome & { home: string } {
  const outcome = ended.get(line);
  if (!outcome) throw new Error(`${line} was not run`);
  return outcome;
}

describe("a command of the pages", { tags: "shell" }, () => {
  test.each(RUNNABLE)("%s prints something and succeeds", (line) => {
    const { exitCode, stdout, stderr } = outcomeOf(line);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/\S/),
      stderr: expect.not.stringMatching(/error/i),
    });
  });

  test("the demo succeeds and prints every line of its picture", async () => {
    const { exitCode, stdout, stderr } = outcomeOf(DEMO);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(inventedLines(stdout)).toEqual([]);
    const [, saved = ""] = /The verified backup is in (\S+)/.exec(stdout) ?? [];
    const [, fileName = ""] = /fileName +(\S+)/.exec(stdout) ?? [];
    expect((await stat(join(ROOT, saved, fileName))).size).toBeGreaterThan(0);
  });

  test("the demo saves first, resumes after a break, and shows the link's job last", () => {
    expect(
      outcomeOf(DEMO)
        .stdout.split("\n")
        .filter((line) => / → |^ {2}The|^Done/.test(line)),
    ).toEqual([
      expect.stringContaining('save_flex_snapshot {"name":"orders"}'),
      expect.stringContaining("The connection dropped."),
      expect.stringContaining('list_flex_clusters {"backups":true}'),
      expect.stringContaining("verify_saved_snapshot"),
      expect.stringContaining("request_flex_snapshot_download"),
      expect.stringContaining("get_restore_job"),
      expect.stringMatching(/^Done\./),
    ]);
  });

  test("the demo stays within 80 columns, draws nothing over, and shows no link", () => {
    const { stdout } = outcomeOf(DEMO);
    expect(stdout.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
    expect(stdout).toMatch(/snapshotUrl +a signed link to 127\.0\.0\.1:\d+/);
    expect(stdout).not.toMatch(/https?:|X-Amz|Signature=|\u001b|\r/i);
  });

  test("save-latest saves the newest backup and prints its path and how to restore it", async () => {
    const { exitCode, stdout, home } = outcomeOf(SAVE);
    const saved = join(home, "atlas-flex-snapshots");
    const files = (await readdir(saved)).filter((name) => name.endsWith(".tgz"));
    expect(files).toEqual([expect.stringMatching(/^orders-\d{8}T\d{4}Z-5fa1000000000000000000c8\.tgz$/)]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^\/.*\.tgz\nsha256 [0-9a-f]{64}\nrestore: mkdir .*\n(restore: .*\n)+$/),
    });
    expect(stdout).toContain(join(saved, files[0] ?? ""));
  });

  test("the saved file passes the restore page's checks and unpacks to a data directory", async () => {
    const [path = "", sha256 = ""] = outcomeOf(SAVE).stdout.split("\n");
    const backups = dirname(path);
    await rename(path, join(backups, "orders-20261122T0301Z-5fa1000000000000000000c8.tgz"));
    const outputs = [];
    const lines = commandsOf(pageOf("docs/restore.md")).filter((line) => /^(gzip|sha256sum|mkdir|tar) /.test(line));
    for (const line of lines) {
      const { exitCode, stdout } = await bash(line.replaceAll("/backups", backups), { cwd: backups });
      expect({ line, exitCode }).toEqual({ line, exitCode: 0 });
      outputs.push(stdout);
    }
    expect(outputs.join("")).toContain(sha256.replace("sha256 ", ""));
    expect(await readdir(join(backups, "orders-20261122T0301Z-5fa1000000000000000000c8-restored/data"))).toContain(
      "WiredTiger",
    );
  });

  test.each(REFUSED)("%s ends with exit code %i and %j", (line, exitCode, words) => {
    expect(outcomeOf(line)).toMatchObject({ exitCode, stdout: "", stderr: expect.stringContaining(words) });
  });

  test("the Inspector script's calls, each its own process, end with a saved and verified file", async () => {
    const { exitCode, stdout, stderr, home } = outcomeOf(INSPECTOR);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const lines = stdout.split("\n").filter(Boolean);
    expect(lines.slice(0, -1).map((line) => Answer.parse(JSON.parse(line)).result.structuredContent)).toMatchObject([
      { projects: [{ groupId: "5fa1000000000000000000b1" }] },
      { latestCompleteSnapshotId: "5fa1000000000000000000c8" },
      { restoreJob: { status: "COMPLETED", snapshotUrl: expect.any(String) } },
      { restoreJob: { status: "COMPLETED" }, finished: true },
      { state: "complete", integrity: { gzip: "ok" } },
      { files: [{ state: "complete" }] },
      { state: "complete", integrity: { gzip: "ok", recordedSha256: "ok" } },
    ]);
    const [file] = (await readdir(join(home, "saved/simulated"))).filter((name) => name.endsWith(".tgz"));
    expect(lines.at(-1)).toBe(`Saved: ${home}/saved/simulated/${file}`);
  });
});

const Answer = z.object({
  result: z.object({ isError: z.undefined().optional(), structuredContent: z.looseObject({}) }),
});

const PICTURE = readFileSync(join(ROOT, "docs/demo.svg"), "utf8");

/** The lines of text in the picture. */
const SHOWN = [...PICTURE.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, line = ""]) =>
  line
    .replace(/<[^>]+>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&"),
);

/** A line without what differs between runs: times, numbers, hashes and lengths of bars. */
function lasting(line: string): string {
  return line
    .replace(/\w{3} \d+ \w{3}( \d{4})?, [\d:]+, \d+ \w+ ago/, "when")
    .replace(/[█░]+/g, "░")
    .replace(/[0-9a-f]*\d[0-9a-f.]*/g, "0")
    .replace(/\bsecond\b/, "seconds");
}

/** The lines of the picture that the output does not contain. */
function inventedLines(output: string): string[] {
  const printed = output.split("\n").map(lasting);
  return SHOWN.filter((line) => line !== "$ npm run demo" && !printed.includes(lasting(line)));
}

test("every example is named in a page", () => {
  const text = PAGES.map((page) => page.text).join("\n");
  expect(readdirSync(join(ROOT, "examples")).filter((name) => !text.includes(`examples/${name}`))).toEqual([]);
});

test("the demo's picture has 80 columns, begins with the save, and has no link and no path of the computer that drew it", () => {
  expect(SHOWN.filter((line) => [...line].length > 80)).toEqual([]);
  expect(SHOWN.filter((line) => line.startsWith("  → "))).toEqual([
    '  → save_flex_snapshot {"name":"orders"}',
    '  → list_flex_clusters {"backups":true}',
    "  → verify_saved_snapshot",
  ]);
  expect(SHOWN.at(-1)).toMatch(/^Done\./);
  expect(PICTURE).not.toMatch(/X-Amz|Signature=|\/(home|root|tmp|Users)\//);
});

/** Every command of a console block with the output that the page shows. */
function consoleOf(page: string): [string, string][] {
  const blocks = pageOf(page).fences.filter(({ language }) => language === "console");
  return blocks.flatMap(({ code }) =>
    code
      .split(/^\$ /m)
      .slice(1)
      .map((part): [string, string] => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]),
  );
}

/** The same for every day, computer and reader. */
const timeless = (text: string) =>
  text
    .replace(/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3}(, | \d{4}, )\d\d:\d\d/g, "DAY")
    .replace(/\d+ (hours?|minutes?|days) ago|just now/g, "AGO")
    // The archive holds the time of the backup.
    .replace(/sha256 [\da-f]{64}/g, "sha256 SUM")
    .replace(/\d{8}T\d{4}Z/g, "TIME")
    .replace(/\/\S*\/atlas-flex-snapshots\/simulated/g, "FOLDER")
    .replace(/ {2,}/g, "  ");

test("the README shows what save and status print", { tags: "shell" }, async () => {
  const home = await mkdtemp(join(await realpath(tmpdir()), "atlas-flex-"));
  const shown = consoleOf("README.md");
  expect(shown.map(([line]) => line.split(" ")[2])).toEqual(["save", "status"]);
  for (const [line, output] of shown) {
    const { exitCode, stdout } = await bash(line, { env: { HOME: home } });
    expect(exitCode, line).toBe(0);
    expect(timeless(stdout), line).toBe(timeless(output));
  }
  await rm(home, { recursive: true });
});
