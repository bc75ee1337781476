import { readdirSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { simulatorFor, temporaryFolder } from "../fixtures.ts";
import { PAGES, ROOT } from "./pages.ts";
import { bash } from "./shell.ts";

const SAVE_LATEST = "node examples/save-latest.mjs";

test("every example is named in a page", () => {
  const text = PAGES.map((page) => page.text).join("\n");
  expect(readdirSync(join(ROOT, "examples")).filter((name) => !text.includes(`examples/${name}`))).toEqual([]);
});

test("save-latest saves the newest backup and says where it is and how to restore it", async () => {
  const simulator = await simulatorFor({ snapshotBytes: 1_000_000 });
  const home = await temporaryFolder();
  const { exitCode, stdout } = await bash(`${SAVE_LATEST} orders`, { env: { HOME: home, ...simulator.environment } });
  const folder = join(home, "atlas-flex-snapshots");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  expect(files).toEqual([expect.stringMatching(/^orders-\d{8}T\d{4}Z-5fa1000000000000000000c8\.tgz$/)]);
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^\/.*\.tgz\nsha256 [0-9a-f]{64}\nrestore: mkdir .*\n(restore: .*\n)+$/),
  });
  expect(stdout).toContain(join(folder, files[0] ?? ""));
});

test.each([
  ["", 2, "Usage: "],
  ["nosuch", 1, "No Flex cluster of that name was found."],
  ["fresh", 1, "No complete snapshot exists yet."],
])("save-latest of %j ends with exit code %i and %j", async (name, exitCode, words) => {
  const { environment } = await simulatorFor();
  const outcome = await bash(`${SAVE_LATEST} ${name}`, { env: { HOME: await temporaryFolder(), ...environment } });
  expect(outcome).toEqual({ exitCode, stdout: "", stderr: expect.stringContaining(words) });
});

test("save-latest passes on what the server says of a failure", async () => {
  const env = { HOME: await temporaryFolder() };
  const outcome = await bash(`${SAVE_LATEST} orders`, { env });
  expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("CREDENTIALS_MISSING") });
});

/** In place of npx: makes the call that the Inspector would make, with the server that the script names. */
const STAND_IN = `#!/usr/bin/env node
const { spawn } = require("node:child_process");
const words = process.argv.slice(2);
const after = (name) => words[words.indexOf(name) + 1];
const variables = words.flatMap((word, index) => (words[index - 1] === "-e" ? [word.split(/=(.*)/s).slice(0, 2)] : []));
const start = words.indexOf("node");
const server = spawn(process.execPath, words.slice(start + 1, words.indexOf("--method")), {
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

const Answer = z.object({
  result: z.object({ isError: z.undefined().optional(), structuredContent: z.looseObject({}) }),
});

test("the Inspector script's calls, each a process of its own, end with a saved and checked file", async () => {
  const home = await temporaryFolder();
  await writeFile(join(home, "npx"), STAND_IN, { mode: 0o755 });
  const env = { PATH: `${home}${delimiter}${process.env.PATH}`, HOME: home, ATLAS_FLEX_SIMULATOR_BYTES: "1000000" };
  const folder = join(home, "saved");
  const { exitCode, stdout, stderr } = await bash(`examples/inspector.sh ${folder}`, { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });

  const lines = stdout.split("\n").filter(Boolean);
  const answers = lines.slice(0, -1).map((line) => Answer.parse(JSON.parse(line)).result.structuredContent);
  expect(answers).toMatchObject([
    { projects: [{ groupId: "5fa1000000000000000000b1" }] },
    { latestCompleteSnapshotId: "5fa1000000000000000000c8" },
    { restoreJob: { status: "COMPLETED", snapshotUrl: expect.any(String) } },
    { restoreJob: { status: "COMPLETED" }, finished: true },
    { state: "complete", integrity: { gzip: "ok" } },
    { files: [{ state: "complete" }] },
    { state: "complete", integrity: { gzip: "ok", recordedSha256: "ok" } },
  ]);
  const [file] = (await readdir(join(folder, "simulated"))).filter((name) => name.endsWith(".tgz"));
  expect(lines.at(-1)).toBe(`Saved: ${folder}/simulated/${file}`);
});
