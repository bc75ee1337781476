// Walks the whole journey through a real MCP client: the built server, its embedded simulator, a file on this disk.
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { answered, asked, dim, green, progress, progressDone, say, step } from "./terminal.mjs";

const FOLDER = "demo-output";
const BYTES = 96 * 1024 * 1024;
/** Slow enough to watch. */
const BYTES_PER_SECOND = 24 * 1024 * 1024;

const client = new Client({ name: "demo", version: "1.0.0" });

async function call(name, args, pick) {
  asked(name, args);
  const result = await client.callTool({ name, arguments: args }, undefined, { onprogress: progress });
  progressDone();
  if (result.isError) throw new Error(result.content[0].text);
  answered(pick(result.structuredContent));
  return result.structuredContent;
}

/** The server's environment: nothing of this computer but the path, and the misbehaviour that the simulator is told to show. */
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

async function tellStory() {
  step("1. An MCP client starts the server, with an embedded simulator in place of MongoDB Atlas");
  const args = ["dist/atlas-flex-snapshots-mcp.js", "--simulate", "--download-dir", FOLDER];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: environment() }));
  const { tools } = await client.listTools();
  say(dim(`${tools.length} tools: ${tools.map(({ name }) => name).join(", ")}`));

  step("2. Which clusters are there, and what backups do they have?");
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

  step("3. Request a download and follow its restore job until the link is there");
  const { restoreJob } = await call("request_flex_snapshot_download", snapshot, (answer) => answer);
  const job = await call(
    "get_restore_job",
    { ...cluster, restoreJobId: restoreJob.id, waitSeconds: 30 },
    (answer) => answer,
  );
  if (!job.restoreJob.snapshotUrl) throw new Error("The job ended without a link.");

  step("4. Save the file. Half-way the connection breaks; the transfer resumes where it stopped");
  let saved;
  do {
    saved = await call("save_flex_snapshot", snapshot, ({ restore, nextStep, ...answer }) => answer);
    if (saved.state === "paused") throw new Error(saved.lastError.detail);
  } while (saved.state !== "complete");
  if ((await stat(saved.path)).size !== saved.bytes)
    throw new Error("The file does not have the size that was reported.");

  step("5. Check the file again, from disk, and see how to restore it");
  const checked = await call(
    "verify_saved_snapshot",
    { fileName: saved.fileName },
    ({ integrity, contents, restore }) => ({ integrity, contents, restore }),
  );
  if (checked.integrity?.gzip !== "ok" || checked.sha256 !== saved.sha256)
    throw new Error("The saved file is not what was saved.");

  step(green(`Done. A verified backup lies in ${join(FOLDER, "simulated", saved.fileName)}`));
}

try {
  await rm(FOLDER, { recursive: true, force: true });
  await tellStory();
} catch (error) {
  process.stderr.write(`\nThe demo failed: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await client.close();
}
