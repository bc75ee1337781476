import { appendFile, cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bash } from "../docs/commands.ts";
import { ROOT } from "../docs/pages.ts";
import { temporaryFolder } from "../fixtures.ts";
import { stub, withStubs } from "./programs.ts";

/** Runs nightly.sh of a clone whose server ends with the given exit codes, one after the other; `calls` is what ran. */
async function nightly(codes: number[], { curl = 0, url = "https://health.example.com/ping/1" } = {}) {
  const folder = await temporaryFolder();
  const calls = join(folder, "calls");
  await mkdir(join(folder, "examples/schedule"), { recursive: true });
  await mkdir(join(folder, "dist"));
  await cp(join(ROOT, "examples/schedule/nightly.sh"), join(folder, "examples/schedule/nightly.sh"));
  await writeFile(join(folder, "codes"), codes.join("\n"));
  await writeFile(
    join(folder, "dist/atlas-flex-snapshots-mcp.js"),
    `const fs = require("node:fs");
    const [code, ...others] = fs.readFileSync("codes", "utf8").split("\\n");
    fs.writeFileSync("codes", others.join("\\n"));
    fs.appendFileSync("calls", "save " + JSON.stringify(process.argv.slice(2)) + "\\n");
    process.exitCode = Number(code);`,
  );
  await stub(folder, "sleep", `fs.appendFileSync("calls", "sleep " + words + "\\n");`);
  await stub(folder, "curl", `fs.appendFileSync("calls", "curl " + words.at(-1) + "\\n"); process.exitCode = ${curl};`);
  await symlink(process.execPath, join(folder, "node"));
  await appendFile(calls, "");
  const outcome = await bash("examples/schedule/nightly.sh 'a b' --keep 14", {
    cwd: folder,
    env: { ...withStubs(folder), HOME: folder, ...(url && { HEALTH_CHECK_URL: url }) },
  });
  return { ...outcome, calls: (await readFile(calls, "utf8")).split("\n").filter(Boolean) };
}

const SAVE = 'save ["save","a b","--keep","14"]';
const PING = "curl https://health.example.com/ping/1";

describe("nightly.sh", { tags: "shell" }, () => {
  test("saves, tells the health check, and ends with 0", async () => {
    const { exitCode, stdout, stderr, calls } = await nightly([0]);
    expect({ exitCode, stderr, calls }).toEqual({ exitCode: 0, stderr: "", calls: [SAVE, PING] });
    expect(stdout).toMatch(/^.+: save ended with exit code 0 \(try 1 of 4\)\.\n$/);
  });

  test.each([1, 2, 130])("ends with exit code %i of save at once and does not tell the health check", async (code) => {
    expect(await nightly([code])).toMatchObject({ exitCode: code, calls: [SAVE] });
  });

  test("tries again after exit code 75, 15 minutes later", async () => {
    const { exitCode, calls } = await nightly([75, 75, 0]);
    expect({ exitCode, calls }).toEqual({ exitCode: 0, calls: [SAVE, "sleep 900", SAVE, "sleep 900", SAVE, PING] });
  });

  test("says when each try ended, with which exit code, which of how many it was, and when the next begins", async () => {
    const { stdout } = await nightly([75, 75, 2]);
    const lines = stdout.trimEnd().split("\n");
    // What date(1) prints depends on the computer.
    expect(lines.every((line) => /^.*\d\d:\d\d:\d\d.*: /.test(line))).toBe(true);
    expect(lines.map((line) => line.replace(/^.*: /, ""))).toEqual([
      "save ended with exit code 75 (try 1 of 4). Try 2 begins in 15 minutes.",
      "try 2 of 4 begins.",
      "save ended with exit code 75 (try 2 of 4). Try 3 begins in 15 minutes.",
      "try 3 of 4 begins.",
      "save ended with exit code 2 (try 3 of 4).",
    ]);
  });

  test("gives up after four tries", async () => {
    const { exitCode, stdout, calls } = await nightly([75, 75, 75, 75, 0]);
    expect({ exitCode, saves: calls.filter((call) => call === SAVE).length }).toEqual({ exitCode: 75, saves: 4 });
    expect(calls.at(-1)).toBe(SAVE);
    expect(stdout).toMatch(/: save ended with exit code 75 \(try 4 of 4\)\.\n$/);
  });

  test("ends with 0 and says so when only the health check fails", async () => {
    const { exitCode, stderr } = await nightly([0], { curl: 6 });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: "The backup is saved, but the health check could not be told.\n",
    });
  });

  test("needs no health check", async () => {
    expect(await nightly([0], { url: "" })).toMatchObject({ exitCode: 0, stderr: "", calls: [SAVE] });
  });
});
