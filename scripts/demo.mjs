// Shows the whole journey through a real MCP client: the built server, its embedded simulator, a file on this disk.
import "./node-version.mjs";
import { rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { importBundled } from "./bundle.mjs";

const { wrapWords } = await importBundled({ entryPoints: ["src/core/text.ts"] });

const FOLDER = "demo-output";
const BYTES = 96 * 1024 * 1024;
/** Slow enough to watch. */
const BYTES_PER_SECOND = 24 * 1024 * 1024;

const MAX_COLUMNS = 80;
const MAX_BAR_COLUMNS = 20;
/** Asked for again at each line, since a terminal can be resized. */
const columns = () => Math.min(MAX_COLUMNS, process.stdout.columns || MAX_COLUMNS);

/** Ends a line of a command that goes on in the next one. */
const CONTINUED = process.platform === "win32" ? " `" : " \\";

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
  const args = ["dist/atlas-flex-snapshots-mcp.js", "--simulate", "--download-dir", resolve(FOLDER)];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: environment() }));
  print("A client's calls (→) and the server's answers (←). MongoDB Atlas is simulated.");

  const saved = await saveByName("orders");
  await showOverview(saved);
  await verify(saved);
  await showLink(saved);

  heading(`Done. The verified backup is in ${join(FOLDER, "simulated")}`, green);
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

async function saveByName(name) {
  heading("1. Save the newest backup of a cluster by its name, in one call");
  let hasResumed = false;
  const onprogress = (report) => {
    if (!hasResumed && /resumed/.test(report.message)) {
      hasResumed = true;
      if (isColourful) process.stdout.write("\n");
      print("The connection dropped. The download resumes where it stopped:", "  ");
    }
    showProgress(report);
  };
  let saved;
  do {
    saved = await call("save_flex_snapshot", { name }, onprogress);
    if (saved.state === "paused") throw new Error(saved.lastError.detail);
  } while (saved.state !== "complete");

  const { state, when, size, integrity, sha256, fileName } = saved;
  answer({ state, when, size, integrity: words(integrity), sha256, fileName });
  expect(hasResumed, "The connection did not drop.");
  expect((await stat(saved.path)).size === saved.bytes, "The size of the file differs from the reported size.");
  return saved;
}

async function showOverview(saved) {
  heading("2. Is every cluster backed up, and is its newest backup saved here?");
  const { projects } = await call("list_flex_clusters", { backups: true });
  const clusters = projects.flatMap((project) => project.clusters.map((cluster) => ({ ...project, ...cluster })));
  answer(
    Object.fromEntries(
      clusters.map(({ projectName, name, newestBackup, attention }) => [
        `${projectName}: ${name}`,
        attention ??
          (newestBackup
            ? `${newestBackup.when}, ${newestBackup.savedHere ? "saved here" : "not saved"}`
            : "no backup yet"),
      ]),
    ),
  );
  const isSaved = ({ newestBackup }) => newestBackup?.snapshotId === saved.snapshotId && newestBackup.savedHere;
  expect(clusters.some(isSaved), "The saved backup is missing in the overview.");
}

async function verify({ fileName, path, sha256 }) {
  heading("3. Check the saved file again, and see how to restore it");
  const checked = await call("verify_saved_snapshot", { fileName });
  const { kind, files, collections } = checked.contents;
  answer({
    integrity: words(checked.integrity),
    contents: words({ kind, files, collections }),
    nextStep: checked.nextStep,
  });
  const { gzip, recordedSha256 } = checked.integrity;
  const isSame = gzip === "ok" && recordedSha256 === "ok" && checked.sha256 === sha256;
  expect(isSame, "The file has changed since it was saved.");

  expect(checked.restore?.commands.length > 0, "There are no commands to restore the file.");
  answer({ restore: "these commands, where $B is the path of the file without .tgz" });
  const stem = path.replace(/\.tgz$/, "");
  for (const command of checked.restore.commands) {
    const lines = wrapWords(command.replaceAll(stem, "$B"), columns() - "      ".length - CONTINUED.length);
    lines.forEach((line, index) => {
      process.stdout.write(`${index === 0 ? "    " : "      "}${line}${index < lines.length - 1 ? CONTINUED : ""}\n`);
    });
  }
}

async function showLink({ groupId, name, snapshotId }) {
  heading("4. Underneath: Atlas prepares a link, which the save above downloaded");
  const { restoreJob: job } = await call("request_flex_snapshot_download", { groupId, name, snapshotId });
  answer({ id: job.id, status: job.status });
  const restoreJobId = job.id;
  const { restoreJob, linkExpiresAt } = await call(
    "get_restore_job",
    { groupId, name, restoreJobId, waitSeconds: 30 },
    showProgress,
  );
  expect(restoreJob.snapshotUrl, "The job ended without a link.");
  // Whoever has the link can read the whole database, so a screen or a log must not show it.
  const link = `a signed link to ${new URL(restoreJob.snapshotUrl).host}, which is a secret`;
  answer({ status: restoreJob.status, snapshotUrl: link, linkExpiresAt });
}

/** Calls a tool and shows the call. An error of the tool ends the demo. */
async function call(tool, args, onprogress) {
  const fields = Object.entries(args).map((field) => field.map((part) => JSON.stringify(part)).join(":"));
  print(`${tool} {${fields.join(", ")}}`, "  → ");
  const result = await client.callTool({ name: tool, arguments: args }, undefined, onprogress && { onprogress });
  if (isColourful && onprogress) process.stdout.write(CLEAR_LINE);
  if (result.isError) throw new Error(result.content[0].text);
  return result.structuredContent;
}

/** On a terminal, redraws one bar; otherwise, prints a line for each message. */
function showProgress({ progress, total, message = "" }) {
  const bar = Math.min(MAX_BAR_COLUMNS, Math.floor(columns() / 4));
  const filled = Math.round((total ? Math.min(progress / total, 1) : 0) * bar);
  const text = shortened(message, columns() - bar - "   ".length);
  const line = `  ${dim(`${"█".repeat(filled)}${"░".repeat(bar - filled)}`)} ${text}`;
  process.stdout.write(isColourful ? `${CLEAR_LINE}${line}` : `${line}\n`);
}

/** A message of progress without its last parts, if they do not fit beside the bar. */
function shortened(message, room) {
  const parts = message.split(", ");
  while (parts.length > 1 && parts.join(", ").length > room) parts.pop();
  const text = parts.join(", ");
  return text.length > room ? `${text.slice(0, room - 1)}…` : text;
}

/** Shows fields of an answer, one below the other. */
function answer(fields) {
  const widest = Math.max(...Object.keys(fields).map((name) => name.length));
  Object.entries(fields).forEach(([name, text], index) => {
    print(text, `  ${index === 0 ? "←" : " "} ${name.padEnd(widest)}  `);
  });
}

/** A small object in words: `gzip ok, length ok`. */
function words(fields) {
  return Object.entries(fields)
    .map((field) => field.join(" "))
    .join(", ");
}

function heading(text, paint = bold) {
  const lines = wrapWords(text, columns()).map(paint);
  process.stdout.write(`\n${lines.join("\n")}\n`);
}

/** Prints a text after `lead`. If it needs several lines, they all begin below its beginning. */
function print(text, lead = "") {
  const lines = wrapWords(text, columns() - lead.length).join(`\n${" ".repeat(lead.length)}`);
  process.stdout.write(`${lead.replace("→", cyan).replace("←", green)}${lines}\n`);
}

function expect(isTrue, problem) {
  if (!isTrue) throw new Error(problem);
}
