// Breaks one promise at a time in a copy of the tree and expects the tests to fail. Exits with 1 when no test notices an edit,
// when the text to edit is not found, or when the tests fail without the edit. Arguments select edits by words of their claim.
import "./node-version.mjs";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ATLAS } from "./mutations/atlas.mjs";
import { CONNECTING } from "./mutations/connect.mjs";
import { CORE } from "./mutations/core.mjs";
import { FOLDER } from "./mutations/folder.mjs";
import { OLDER } from "./mutations/older.mjs";
import { SAVES } from "./mutations/save.mjs";
import { SERVER } from "./mutations/server.mjs";
import { STATUS } from "./mutations/status.mjs";
import { TRANSFER } from "./mutations/transfer.mjs";

const MUTATIONS = [...ATLAS, ...SERVER, ...TRANSFER, ...FOLDER, ...OLDER, ...CORE, ...SAVES, ...STATUS, ...CONNECTING];

const root = join(import.meta.dirname, "..");
const run = promisify(execFile);
const quiet = { maxBuffer: 64 * 1024 * 1024 };

/** Copies the tree with uncommitted changes; the installed packages are shared. */
async function copyTree() {
  const copy = await mkdtemp(join(tmpdir(), "mutate-"));
  const { stdout } = await run("git", ["ls-files", "-co", "--exclude-standard", "-z"], { ...quiet, cwd: root });
  for (const file of stdout.split("\0").filter(Boolean))
    await cp(join(root, file), join(copy, file), { recursive: true }).catch((error) => {
      if (error.code !== "ENOENT") throw error; // Deleted, but still in the index.
    });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Builds, runs the tests, and returns the titles of those that failed. Throws when the build failed or no test ran. */
async function failuresOf(copy, { tests, only }) {
  await run(process.execPath, ["scripts/build.mjs"], { ...quiet, cwd: copy });
  const report = join(copy, "mutate-report.json");
  const vitest = join(copy, "node_modules/vitest/vitest.mjs");
  const filter = only === undefined ? [] : ["-t", only];
  const args = [vitest, "run", ...tests, ...filter, "--reporter=json", `--outputFile=${report}`];
  await run(process.execPath, args, { ...quiet, cwd: copy }).catch(() => {
    // Tests are expected to fail; the report says which.
  });
  const { testResults } = JSON.parse(await readFile(report, "utf8"));
  await rm(report);
  const assertions = testResults.flatMap(({ assertionResults }) => assertionResults);
  // A failing hook skips the tests of its file.
  const suites = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const ran = assertions.filter(({ status }) => status === "passed" || status === "failed");
  if (ran.length + suites.length === 0) throw new Error(`no test of ${tests.join(", ")} matches ${only}`);
  const failed = ran.filter(({ status }) => status === "failed");
  return [...failed.map(({ fullName }) => fullName), ...suites.map(({ message }) => message)];
}

async function applied(copy, edits, work) {
  const originals = new Map();
  try {
    for (const { file, find, replace } of edits) {
      const path = join(copy, file);
      const text = await readFile(path, "utf8");
      if (text.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
      if (!originals.has(path)) originals.set(path, text);
      await writeFile(
        path,
        text.replace(find, () => replace),
      );
    }
    return await work();
  } finally {
    for (const [path, text] of originals) await writeFile(path, text);
  }
}

/** The outcome of one mutation in words; starts with `red` when a test noticed its edits. */
async function outcomeOf(copy, mutation, baseline) {
  const key = JSON.stringify([mutation.tests, mutation.only]);
  try {
    if (!baseline.has(key)) baseline.set(key, await failuresOf(copy, mutation));
    const [failure] = baseline.get(key);
    if (failure !== undefined) return `FAILS WITHOUT THE EDIT: ${failure}`;
    const failed = await applied(copy, mutation.edits, () => failuresOf(copy, mutation));
    return failed.length === 0
      ? "SURVIVED"
      : `red: ${failed[0].split("\n")[0]}${failed.length > 1 ? ` (and ${failed.length - 1} more)` : ""}`;
  } catch (error) {
    return `ERROR: ${
      String(error.stderr || error.message)
        .trim()
        .split("\n")[0]
    }`;
  }
}

const words = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ claim }) => words.every((word) => claim.includes(word)));
const width = Math.max(...chosen.map(({ claim }) => claim.length));
const queue = chosen.values();
let unnoticed = 0;
/** Tests mostly wait, so two runs at once take little longer than one. */
const copies = await Promise.all([copyTree(), copyTree()]);
/** The tests that fail without an edit. */
const baseline = new Map();
await Promise.all(
  copies.map(async (copy) => {
    try {
      for (const mutation of queue) {
        const outcome = await outcomeOf(copy, mutation, baseline);
        if (!outcome.startsWith("red: ")) unnoticed += 1;
        process.stdout.write(`${mutation.claim.padEnd(width)}  ->  ${outcome}\n`);
      }
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }),
);
process.stdout.write(`\n${chosen.length - unnoticed} of ${chosen.length} edits were noticed.\n`);
process.exitCode = unnoticed > 0 || chosen.length === 0 ? 1 : 0;
