// Shows the whole journey through a real MCP client: the built server, its embedded simulator, a file on this disk.
import "./node-version.mjs";
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const FOLDER = "demo-output";
const BYTES = 96 * 1024 * 1024;
/** Slow enough to watch. */
const BYTES_PER_SECOND = 24 * 1024 * 1024;

const CLEAR_LINE = "\r\u001b[2K";
const isColourful = process.stdout.isTTY && !process.env.NO_COLOR;
const colour = (code) => (text) => (isColourful ? `\u001b[${code}m${text}\u001b[0m` : text);
const [bold, dim, green, cyan] = [1, 2, 32, 36].map(colour);

const client = new Client({ name: "demo", version: "1.0.0" });
try {
  await rm(FOLDER, { recursive: true, force: true });
  await tellStory();
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await client.close();
}

async function tellStory() {
  step("1. An MCP client starts the server, with the embedded simulator in place of MongoDB Atlas");
  const args = ["dist/atlas-flex-snapshots-mcp.js", "--simulate", "--download-dir", resolve(FOLDER)];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: environment() }));
  const { tools } = await client.listTools();
  say(dim(`${tools.length} tools: ${tools.map(({ name }) => name).join(", ")}`));

  step("2. Which clusters are there, and which backups do they have?");
  const { projects } = await call("list_flex_clusters", { name: "orders" }, ({ projects }) => ({ projects }));
  const cluster = { groupId: projects[0].groupId, name: projects[0].clusters[0].name };
  const { latestCompleteSnapshotId } = await call(
    "list_flex_snapshots",
    cluster,
    ({ latestCompleteSnapshotId, snapshots }) => ({
      latestCompleteSnapshotId,
      newest: snapshots[0],
      others: snapshots.length - 1,
    }),
  );
  const snapshot = { ...cluster, snapshotId: latestCompleteSnapshotId };

  step("3. Request a download and wait until its restore job has a link");
  const { restoreJob } = await call("request_flex_snapshot_download", snapshot);
  const job = await call("get_restore_job", { ...cluster, restoreJobId: restoreJob.id, waitSeconds: 30 });
  if (!job.restoreJob.snapshotUrl) throw new Error("The job ended without a link.");

  step("4. Save the newest backup by its cluster's name. Halfway, the connection drops; the download resumes");
  let saved;
  do {
    saved = await call("save_flex_snapshot", { name: cluster.name }, ({ nextStep, ...answer }) => answer);
    if (saved.state === "paused") throw new Error(saved.lastError.detail);
  } while (saved.state !== "complete");
  if ((await stat(saved.path)).size !== saved.bytes)
    throw new Error("The size of the file differs from the reported size.");

  step("5. Verify the saved file on disk and see how to restore it");
  const checked = await call(
    "verify_saved_snapshot",
    { fileName: saved.fileName },
    ({ integrity, contents, restore }) => ({ integrity, contents, restore }),
  );
  if (checked.integrity?.gzip !== "ok" || checked.sha256 !== saved.sha256)
    throw new Error("The file has changed since it was saved.");

  step(green(`Done. The verified backup is in ${join(FOLDER, "simulated", saved.fileName)}`));
}

/** PATH, and settings of the simulator: its first order breaks the connection once. */
function environment() {
  const orders = [`file=cut@${BYTES / 2}*1`, process.env.ATLAS_FLEX_SIMULATOR_ORDERS].filter(Boolean).join(",");
  return {
    PATH: process.env.PATH ?? "",
    ATLAS_FLEX_LOG_LEVEL: "warn",
    ATLAS_FLEX_SIMULATOR_ORDERS: orders,
    ATLAS_FLEX_SIMULATOR_BYTES: String(BYTES),
    ATLAS_FLEX_SIMULATOR_RATE: String(BYTES_PER_SECOND),
  };
}

/** Calls a tool and shows the call, its progress, and the fields of the answer that `pick` selects. */
async function call(name, args, pick = (answer) => answer) {
  say(`${cyan("→")} ${name} ${dim(JSON.stringify(args))}`);
  const result = await client.callTool({ name, arguments: args }, undefined, { onprogress: showProgress });
  if (isColourful) process.stdout.write(CLEAR_LINE);
  if (result.isError) throw new Error(result.content[0].text);
  const lines = JSON.stringify(pick(result.structuredContent), null, 2).split("\n").slice(1, -1);
  for (const line of lines) say(`${green("←")} ${line.slice(2)}`);
  return result.structuredContent;
}

/** On a terminal, redraws one bar; otherwise, prints a line for each message. */
function showProgress({ progress, total, message }) {
  const filled = Math.round((total ? Math.min(progress / total, 1) : 0) * 30);
  const line = `  ${dim(`${"█".repeat(filled)}${"░".repeat(30 - filled)}`)} ${message ?? ""}`;
  process.stdout.write(isColourful ? `${CLEAR_LINE}${line}` : `${line}\n`);
}

function step(text) {
  process.stdout.write(`\n${bold(text)}\n`);
}

function say(text) {
  process.stdout.write(`  ${text}\n`);
}
