// Saves to every file system that this computer can mount, with kill -9 in the middle, and prints a table; needs root. Where the
// means to mount one are lacking, it is NOT RUN, with the reason. Words choose the file systems whose names contain them.
import "./node-version.mjs";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, statfs } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Lacking, PLACES, run } from "./filesystems/places.mjs";

const PROGRAM = join(import.meta.dirname, "../dist/atlas-flex-snapshots-mcp.js");
const MIB = 1024 ** 2;
/** A snapshot whose download job is complete at once, and one of the same cluster for another file. */
const SNAPSHOT = "5fa1000000000000000000c7";
const OTHER_SNAPSHOT = "5fa1000000000000000000c8";
const ACCESS_TOKEN = "simulated-access-token-5fa1000000000000000000aa";
const CLUSTER = { groupId: "5fa1000000000000000000b1", name: "orders" };

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const within = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function claim(holds, what) {
  if (!holds) throw new Error(what);
}

/** The simulated Atlas, and the environment that leads to it. */
async function startSimulator() {
  const env = { PATH: process.env.PATH, ATLAS_FLEX_SIMULATOR_BYTES: `${20 * MIB}`, ATLAS_FLEX_SIMULATOR_RATE: "3MiB" };
  const child = spawn(process.execPath, [PROGRAM, "simulator"], { env, stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.includes("CLIENT_SECRET=") && printed.endsWith("\n")) break;
  }
  const [, baseUrl] = /^export MONGODB_ATLAS_BASE_URL=(.*)$/m.exec(printed);
  // So many commands in a minute would be refused further tokens.
  return {
    env: { MONGODB_ATLAS_BASE_URL: baseUrl, MONGODB_ATLAS_ACCESS_TOKEN: ACCESS_TOKEN },
    close: () => child.kill(),
  };
}

/** How a command of the product is started at a place: program, words and environment. */
function startOf({ hides }, folder, simulator, words) {
  const own = [process.execPath, PROGRAM, ...words];
  const [command, ...args] = hides ? ["unshare", "-m", "sh", "-c", `${hides}; exec "$@"`, "sh", ...own] : own;
  const env = { PATH: process.env.PATH, HOME: folder, ATLAS_FLEX_DOWNLOAD_DIR: folder, ...simulator.env };
  return { command, args, env: { ...env, ATLAS_FLEX_LOG_LEVEL: "warn" } };
}

function start(place, folder, simulator, ...words) {
  const { command, args, env } = startOf(place, folder, simulator, words);
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = new Promise((resolve) => {
    child.once("close", async (code) => {
      const [stdout, stderr] = await output;
      resolve({ code, stdout, stderr });
    });
  });
  return { child, ended };
}

const ORDER = ["save", "orders", "--snapshot", SNAPSHOT];
const save = (place, folder, simulator) => start(place, folder, simulator, ...ORDER, "--json");

/** What one save answered. */
async function saved({ ended }) {
  const { code, stdout, stderr } = await ended;
  claim(stdout.startsWith("["), `save ended with ${code}: ${stderr.trim().slice(-300)}`);
  return { code, ...JSON.parse(stdout)[0] };
}

/** Waits until at least a MiB of the part counts. */
async function untilPart(folder) {
  for (let tries = 0; tries < 400; tries += 1) {
    const names = await readdir(folder).catch(() => []);
    const state = names.find((name) => name.endsWith(".part.json"));
    const json = state && (await readFile(join(folder, state), "utf8").catch(() => ""));
    if (json && (JSON.parse(json).committedBytes ?? 0) >= MIB) return;
    await within(25);
  }
  throw new Error("no part appeared");
}

/** The disk gets full, or read-only, in the middle of a save: it pauses and says why, and goes on afterwards. */
async function disturb(place, { mount, unmount }, folder, at, simulator) {
  const saving = save(place, folder, simulator);
  await untilPart(folder);
  const filler = join(at, "filler");
  if (place.becomes === "full") {
    // At once, so that the file is not complete before.
    const { bavail, bsize } = await statfs(at);
    await run("fallocate", "-l", `${bavail * bsize - 64 * 1024}`, filler);
  } else await run("mount", "-o", "remount,abort", at);
  const { code, state, error } = await saved(saving);
  const wanted = place.becomes === "full" ? "DISK_FULL" : "DISK_FAILED";
  claim(code !== 0 && state === "paused" && error?.errorCode === wanted, `${state}, ${JSON.stringify(error)}`);
  if (place.becomes === "full") await rm(filler);
  else {
    await unmount();
    await mount();
  }
  return `${error.errorCode}: ${error.detail}`;
}

/** A process is killed in the middle, and the next one goes on where it was. */
async function killAndResume(place, folder, simulator) {
  const first = save(place, folder, simulator);
  await untilPart(folder);
  first.child.kill("SIGKILL");
  await first.ended;
  const { code, stdout, stderr } = await start(place, folder, simulator, ...ORDER).ended;
  claim(code === 0, `after kill -9: ${stdout}${stderr}`);
  const [, from] = /It went on from the ([\d.]+ MB)/.exec(stdout) ?? [];
  claim(from !== undefined, `after kill -9 it began with the first byte: ${stdout}`);
  return from;
}

/** List and verify, through the server; where names have no case, a name that differs only in case is taken. */
async function askServer(place, folder, simulator, report) {
  const client = new Client({ name: "test-filesystems", version: "1.0.0" });
  await client.connect(new StdioClientTransport({ ...startOf(place, folder, simulator, []), stderr: "ignore" }));
  try {
    const call = async (name, args) => {
      const { isError, structuredContent } = await client.callTool({ name, arguments: args });
      return isError ? structuredContent.error : structuredContent;
    };
    const { files, transfers } = await call("list_saved_snapshots", {});
    const listed = `${files.map(({ fileName, state }) => `${fileName} ${state}`)}; ${transfers.length} transfers`;
    claim(files.length === 1 && files[0].state === "complete" && transfers.length === 0, `listed: ${listed}`);
    const { fileName } = files[0];
    const checked = await call("verify_saved_snapshot", { fileName, waitSeconds: 40 });
    claim(checked.sha256 === report.sha256 && checked.integrity.recordedSha256 === "ok", JSON.stringify(checked));
    if (!place.ignoresCase) return "list, verify";
    const other = fileName.replace("orders", "ORDERS");
    const order = { ...CLUSTER, snapshotId: OTHER_SNAPSHOT, fileName: other, waitSeconds: 40 };
    const { errorCode, state } = await call("save_flex_snapshot", order);
    claim(errorCode === "FILE_EXISTS", `a name that differs in case: ${errorCode ?? state}`);
    return "list, verify, case";
  } finally {
    await client.close();
  }
}

/** On a disk that is read-only nothing is saved, which says why; what is there is listed, checked and known again. */
async function lookOnly(place, folder, at, simulator, report) {
  await run("mount", "-o", "remount,ro", at);
  const order = ["save", "orders", "--snapshot", OTHER_SNAPSHOT, "--json"];
  const { code, state, error } = await saved(start(place, folder, simulator, ...order));
  claim(code !== 0 && error?.errorCode === "DISK_FAILED", `read-only: ${state}, ${JSON.stringify(error)}`);
  const known = await saved(save(place, folder, simulator));
  claim(known.code === 0 && known.sha256 === report.sha256, `read-only, the same backup: ${known.state}`);
  await askServer(place, folder, simulator, report);
  return `${error.errorCode}: ${error.detail}`;
}

/** Everything at one place; returns a row of the table. */
async function tryOut(place, made, at, simulator, reference) {
  const folder = join(at, "snapshots");
  const row = {};
  await mkdir(folder, { mode: 0o700 });
  if (place.becomes) row.message = await disturb(place, made, folder, at, simulator);
  row.resumed = `at ${await killAndResume(place, folder, simulator)}`;
  const report = await saved(save(place, folder, simulator));
  const path = join(
    folder,
    (await readdir(folder)).find((name) => name.endsWith(".tgz")),
  );
  claim(sha256(await readFile(path)) === report.sha256, "the file is not what the report says");
  claim(report.sha256 === (reference ?? report.sha256), "the file is not the one that other file systems have");
  const warnings = (report.warnings ?? []).join(" ");
  claim(place.warns ? place.warns.test(warnings) : warnings === "", `warnings: ${warnings || "none"}`);
  if (warnings) row.message = warnings;
  const record = await readFile(`${path}.json`, "utf8");
  if (!place.forgets) {
    await made.unmount();
    await made.mount();
  }
  const again = await saved(save(place, folder, simulator));
  claim(again.code === 0 && (await readFile(`${path}.json`, "utf8")) === record, "it was saved again");
  const status = await start(place, folder, simulator, "status", "--cluster", "orders", "--json").ended;
  const { clusters } = JSON.parse(status.stdout);
  claim(clusters[0].newestFile?.snapshotId === SNAPSHOT, `status: ${status.stdout.slice(0, 400)}`);
  row.later = `status, ${await askServer(place, folder, simulator, report)}`;
  if (place.afterwards === "read-only") row.message = await lookOnly(place, folder, at, simulator, report);
  const left = (await readdir(folder)).filter((name) => !/\.tgz(\.json)?$/.test(name));
  claim(left.length === 0, `left behind: ${left}`);
  return { ...row, sha256: report.sha256 };
}

/** Mounts a place and tries everything there; returns its row. */
async function rowOf(place, simulator, reference) {
  const work = await mkdtemp(join(process.env[SCRATCH], "place-"));
  const at = join(work, "at");
  await mkdir(at, { mode: 0o700 });
  const row = { name: place.name, result: "ok" };
  let made;
  try {
    made = await place.make(at, work);
    await made.mount();
  } catch (error) {
    row.result = `${error instanceof Lacking ? "NOT RUN" : "FAILED"}: ${error.message}`;
    made?.end?.();
    return row;
  }
  try {
    Object.assign(row, await tryOut(place, made, at, simulator, reference));
  } catch (error) {
    row.result = `FAILED: ${error.message}`;
  }
  await made.unmount().catch(async (error) => {
    row.result = `FAILED: ${row.result}; ${error.message}`;
    await run("umount", "-l", at);
  });
  made.end?.();
  return row;
}

async function everyPlace(chosen) {
  const simulator = await startSimulator();
  const rows = [];
  try {
    for (const place of PLACES.filter(({ name }) => chosen.every((word) => name.includes(word)))) {
      const row = await rowOf(place, simulator, rows.find(({ sha256 }) => sha256)?.sha256);
      rows.push(row);
      process.stdout.write(`${row.name}: ${row.result}\n`);
    }
  } finally {
    simulator.close();
  }
  for (const { name, result, resumed = "-", later = "-", message = "-" } of rows)
    process.stdout.write(`\n${name}\n  ${result}; resumed: ${resumed}; later: ${later}\n  said: ${message}\n`);
  const count = (start) => rows.filter(({ result }) => result.startsWith(start)).length;
  process.stdout.write(`\n${count("ok")} ok, ${count("FAILED")} failed, ${count("NOT RUN")} not run\n`);
  return count("FAILED") > 0 || count("ok") === 0 ? 1 : 0;
}

/** Names the folder for everything that this run writes; set in the process that does the work. */
const SCRATCH = "TEST_FILESYSTEMS_SCRATCH";

/**
 * Does the work in namespaces of its own: whatever ends it, the kernel ends every process in them, and their mounts go with them.
 */
async function contained(words) {
  const scratch = await mkdtemp(join(tmpdir(), "filesystems-"));
  const namespaces = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const child = spawn("unshare", [...namespaces, process.execPath, import.meta.filename, ...words], {
    env: { ...process.env, [SCRATCH]: scratch },
    stdio: "inherit",
  });
  let stoppedBy;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => {
      stoppedBy = signal;
      child.kill("SIGKILL");
    });
  try {
    const [code] = await once(child, "exit");
    return stoppedBy === undefined ? (code ?? 1) : 128 + constants.signals[stoppedBy];
  } finally {
    await rm(scratch, { recursive: true });
  }
}

if (process.platform !== "linux" || process.getuid() !== 0) {
  process.stderr.write("npm run test:filesystems: it runs on Linux only, as root, who may mount file systems.\n");
  process.exit(2);
}
const words = process.argv.slice(2);
process.exitCode = await (process.env[SCRATCH] === undefined ? contained(words) : everyPlace(words));
