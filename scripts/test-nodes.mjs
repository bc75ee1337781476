// Runs the tests, and the packed package from an empty folder, on every supported major version of Node.js. An unavailable
// version is a failure. Arguments choose versions; --package-only skips the tests.
import "./node-version.mjs";
import { access, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { expectVersion, fetchNode, npm, oldest, readReport, root, run, versionsIn } from "./nodes.mjs";

const SUPPORTED = ["20", "22", "24", "26"];

/** Installs npm's `node` package for this run only. */
async function installNode(version) {
  const binary = await fetchNode({ version, folder: join(folder, version) });
  const { stdout } = await run(binary, ["--version"]);
  return { binary, exact: expectVersion(version, stdout.trim()) };
}

/** Installs the packed package into an empty folder; returns the file that its command runs. */
async function installPackage(folder) {
  await mkdir(folder);
  const { stdout } = await npm(["pack", "--json", "--pack-destination", folder], root);
  // The output of the build script comes first.
  const [{ filename, name }] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  await npm(["install", "--prefix", folder, join(folder, filename)], folder);
  const home = join(folder, "node_modules", name);
  const { bin } = JSON.parse(await readFile(join(home, "package.json"), "utf8"));
  return join(home, bin[name]);
}

/** Starts the command as a client does, lists the tools, and saves one simulated snapshot. */
async function startPackage(binary, command, home) {
  await mkdir(home);
  const client = new Client({ name: "test-nodes", version: "1.0.0" });
  const env = { PATH: dirname(binary), HOME: home, ATLAS_FLEX_SIMULATOR_BYTES: "200000", ATLAS_FLEX_LOG_LEVEL: "warn" };
  const args = [command, "--simulate", "--download-dir", join(home, "snapshots")];
  try {
    await client.connect(new StdioClientTransport({ command: binary, args, env, cwd: home }));
    const { tools } = await client.listTools();
    const call = async (name, given) => {
      const { isError, structuredContent, content } = await client.callTool({ name, arguments: given });
      if (isError) throw new Error(content[0].text);
      return structuredContent;
    };
    const { projects } = await call("list_flex_clusters", { name: "orders" });
    const cluster = { groupId: projects[0].groupId, name: projects[0].clusters[0].name };
    const { latestCompleteSnapshotId: snapshotId } = await call("list_flex_snapshots", cluster);
    const saved = await call("save_flex_snapshot", { ...cluster, snapshotId, waitSeconds: 40 });
    if (saved.state !== "complete") throw new Error(`the save is ${saved.state}`);
    await access(saved.path);
    return `${tools.length} tools, saved ${saved.bytes} bytes`;
  } finally {
    await client.close();
  }
}

/** Runs the tests; they start servers with the Node.js that runs them. */
async function runTests(binary, report) {
  const env = { ...process.env, PATH: [dirname(binary), process.env.PATH].join(delimiter) };
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--reporter=./test/skipped.ts", "--reporter=json", `--outputFile=${report}`];
  // With failed tests the run ends with an error, which holds the output too; the report says which failed.
  const { stdout } = await run(binary, args, { cwd: root, env, maxBuffer: 2 ** 28 }).catch((error) => error);
  process.stdout.write(stdout);
  const { success, failed, passed, total } = await readReport(report);
  if (!success) throw new Error(`${failed.length} failed: ${failed.join("; ")}`);
  return `${passed} of ${total} passed`;
}

const chosen = versionsIn(process.argv.slice(2));
const packageOnly = process.argv.includes("--package-only");
const folder = await mkdtemp(join(tmpdir(), "test-nodes-"));
const rows = [];
let failures = 0;

/** The outcome of one step; counts a failure instead of stopping the run. */
async function outcome(work) {
  try {
    return await work();
  } catch (error) {
    failures += 1;
    return `FAILED: ${String(error.message).trim()}`;
  }
}

try {
  await run("npm", ["run", "build"], { cwd: root });
  const command = await installPackage(join(folder, "package"));
  for (const version of chosen.length > 0 ? chosen : [oldest, ...SUPPORTED]) {
    const node = await outcome(() => installNode(version));
    const row = { node: node.exact ?? version, package: "-", tests: "-" };
    if (node.binary === undefined) row.package = `not available: ${node}`;
    else {
      row.package = await outcome(() => startPackage(node.binary, command, join(folder, `home-${version}`)));
      // The tools of the tests need a newer version than the package does.
      if (!packageOnly && version !== oldest)
        row.tests = await outcome(() => runTests(node.binary, join(folder, `${version}.json`)));
    }
    rows.push(row);
    process.stdout.write(`${row.node}  package: ${row.package}  tests: ${row.tests}\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
console.table(rows);
process.exitCode = failures > 0 ? 1 : 0;
