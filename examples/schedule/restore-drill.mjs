// Restores the newest saved file of a cluster with mongod, asks the database what it holds, and removes it again.
// Usage: node examples/schedule/restore-drill.mjs CLUSTER [PROJECT_ID] [options of the server]. Exit code 0 only if the
// data came up. Needs Linux or macOS, tar, mongosh, and a mongod of the backup's major version; no network, no credentials.
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [cluster, ...rest] = process.argv.slice(2);
const project = /^[0-9a-f]{24}$/.test(rest[0] ?? "") ? rest.shift() : undefined;
const isOption = (word) => word.startsWith("-");
if (!cluster || isOption(cluster) || (rest.length > 0 && !isOption(rest[0]))) {
  process.stderr.write(
    "Usage: node examples/schedule/restore-drill.mjs CLUSTER [PROJECT_ID] [options of the server]\n" +
      "The drill restores one cluster: run it once for each.\n",
  );
  process.exit(2);
}

/** mongod first repairs what the backup left open; a large one takes minutes. */
const START_MS = 30 * 60_000;
/** The restored data is on the disk: /tmp is in memory on some computers. */
const TEMPORARY = process.env.TMPDIR || "/var/tmp";
/** The path of a socket has at most 103 bytes on macOS and 107 on Linux, which a TMPDIR may exceed. */
const SOCKETS = "/tmp";
/** Of a file whose record does not say when Atlas had finished the backup. */
const EARLIEST = "1970-01-01";
/** Prints the number of documents of each collection as JSON. Counting reads each collection; an estimate would not. */
const QUESTION = `
  const found = {};
  for (const { name } of db.adminCommand({ listDatabases: 1, nameOnly: true }).databases) {
    if (["admin", "config", "local"].includes(name)) continue;
    for (const info of db.getSiblingDB(name).getCollectionInfos()) {
      if (info.type === "view" || info.name.startsWith("system.")) continue;
      found[name + "." + info.name] = db.getSiblingDB(name).getCollection(info.name).countDocuments({});
    }
  }
  print(JSON.stringify(found));`;

/** Why the operating system starts no program, by its code. */
const NOT_STARTED = {
  ENOENT: "it is not installed, or not in a folder of PATH",
  EACCES: "this user may not run it, or may not enter a folder of PATH",
};

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(name, () =>
    interrupted.abort(new Error(`The drill was ended by ${name}; nothing is known of the backup.`)),
  );
const { signal } = interrupted;

const say = (line) => process.stdout.write(`${line}\n`);

/** Runs a program to its end and returns what it printed. */
async function run(program, args, env = process.env) {
  try {
    return (await promisify(execFile)(program, args, { env, signal, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const reason = NOT_STARTED[error.code];
    if (reason) throw new Error(`${program} cannot be started: ${reason} (${error.code}, PATH=${env.PATH}).`);
    const how = typeof error.code === "number" ? `exit code ${error.code}` : (error.signal ?? error.code);
    throw new Error(`${program} failed (${how}). ${`${error.stderr ?? ""}`.trim().slice(-1_000)}`.trim());
  }
}

/** What a program says of its version, or why it does not run, before anything is unpacked. */
async function versionOf(program) {
  try {
    return (await run(program, ["--version"])).split("\n")[0].trim();
  } catch (error) {
    throw new Error(`${error.message}\nThe backup itself was not tried: nothing is known against it.`);
  }
}

/** The newest saved file of the cluster, after the server has read all of it and compared it with its record. */
async function newestSavedFile() {
  const server = fileURLToPath(new URL("../../dist/atlas-flex-snapshots-mcp.js", import.meta.url));
  const client = new Client({ name: "restore-drill", version: "1.0.0" });
  const call = async (name, args) => {
    const { isError, content, structuredContent } = await client.callTool({ name, arguments: args }, undefined, {
      signal,
    });
    if (isError) throw new Error(content[0].text);
    return structuredContent;
  };
  try {
    const env = { ATLAS_FLEX_LOG_LEVEL: "error", ...process.env };
    await client
      .connect(new StdioClientTransport({ command: process.execPath, args: [server, ...rest], env }))
      .catch((cause) => {
        throw new Error("The server, which reads the saved files, did not start; what it says is above.", { cause });
      });
    const { files, directory, simulated, truncated } = await call("list_saved_snapshots", {});
    const cut = `${directory} holds more than the server lists: the ${files.length} files written last were looked at.`;
    const [newest, ...older] = files
      .filter(({ name, groupId }) => name === cluster && (project === undefined || groupId === project))
      .sort((a, b) => Date.parse(b.finishTime ?? EARLIEST) - Date.parse(a.finishTime ?? EARLIEST));
    if (!newest)
      throw new Error(
        truncated
          ? `${cut} None of them is a backup of a cluster named ${cluster}.`
          : `${directory} has no saved file of a cluster named ${cluster}.`,
      );
    if (truncated) say(`Note:     ${cut}`);
    if (older.some(({ groupId }) => groupId !== newest.groupId))
      throw new Error(
        `Clusters of several projects are named ${cluster}. Add the project's id: ${cluster} ${newest.groupId}`,
      );
    say(`File:     ${newest.path}, ${newest.size}, backup of ${newest.when}`);
    if (simulated || newest.fileName.startsWith("simulated-"))
      throw new Error("This file is simulated: it has the form of a backup, but mongod cannot restore it.");

    let checked;
    do checked = await call("verify_saved_snapshot", { fileName: newest.fileName, waitSeconds: 40 });
    while (checked.state !== "complete");
    if (!checked.sound) throw new Error(checked.nextStep);
    say("Check:    the file is whole and is the one that was saved");
    return newest;
  } finally {
    await client.close();
  }
}

/** Unpacks the file as docs/restore.md does: the archive cannot change who may enter the outer folder. */
async function unpack(path, folder) {
  const { contents, mongoDBVersion } = JSON.parse(await readFile(`${path}.json`, "utf8"));
  if (contents.kind !== "data-directory" || contents.folderDepth === undefined)
    throw new Error(
      `The drill restores data directories only; docs/restore.md says what to do with a ${contents.kind}.`,
    );
  const data = join(folder, "data");
  await mkdir(data, { mode: 0o700 });
  await run("tar", ["-xzof", path, "-C", data, "--no-same-permissions", `--strip-components=${contents.folderDepth}`]);
  const options = [
    ...(contents.directoryPerDB ? ["--directoryperdb"] : []),
    ...(contents.directoryForIndexes ? ["--wiredTigerDirectoryForIndexes"] : []),
  ];
  return { data, options, needed: mongoDBVersion?.split(".").slice(0, 2).join(".") };
}

const answers = (socket) =>
  new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => resolve(true)).once("error", () => resolve(false));
    connection.once("connect", () => connection.destroy());
  });

/** Starts mongod without a network port, on a socket in a folder that only this user can enter, and asks it. */
async function restore({ data, options, needed }, folder) {
  const socketFolder = await mkdtemp(join(SOCKETS, "atlas-flex-drill-"));
  // mongod listens on exactly this path; the port is only a part of its name.
  const socket = join(socketFolder, "mongodb-27099.sock");
  // mongosh keeps its history and log in the home folder; here they go with the rest.
  const env = { ...process.env, HOME: folder };
  const listen = ["--port", "27099", "--bind_ip", socket, "--unixSocketPrefix", socketFolder];
  const args = ["--dbpath", data, ...listen, ...options];
  const mongod = spawn("mongod", args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [mongod.stdout, mongod.stderr])
    stream.on("data", (chunk) => {
      log = `${log}${chunk}`.slice(-3_000);
    });
  let ended;
  const end = new Promise((resolve) => {
    mongod
      .once("close", (code, name) => resolve(`exit code ${code ?? name}`))
      .once("error", ({ message }) => resolve(message));
  }).then((how) => {
    ended = how;
  });
  try {
    for (const started = Date.now(); !(await answers(socket)); await sleep(200, undefined, { signal })) {
      const version = needed ? ` The backup needs mongod ${needed}.` : "";
      if (ended)
        throw new Error(`mongod could not start from the file (${ended}).${version} Its last words:\n${log.trim()}`);
      if (Date.now() - started > START_MS) throw new Error(`mongod did not answer within half an hour.${version}`);
    }
    const uri = `mongodb://${encodeURIComponent(socket)}`;
    return JSON.parse(await run("mongosh", ["--quiet", "--norc", "--eval", QUESTION, uri], env));
  } finally {
    mongod.kill("SIGINT");
    const stopped = await Promise.race([end.then(() => true), sleep(60_000, false, { ref: false })]);
    if (!stopped) mongod.kill("SIGKILL");
    await end;
    await rm(socketFolder, { recursive: true, force: true });
  }
}

async function drill() {
  if (process.platform === "win32") throw new Error("The drill needs Linux or macOS; on Windows, run it in WSL.");
  const file = await newestSavedFile();
  const mongod = await versionOf("mongod");
  await versionOf("mongosh");
  const folder = await mkdtemp(join(TEMPORARY, "atlas-flex-drill-"));
  try {
    const found = Object.entries(await restore(await unpack(file.path, folder), folder));
    say(`Restored: by mongod (${mongod}), ${found.length} collections`);
    for (const [name, documents] of found) say(`          ${JSON.stringify(name)}: ${documents} documents`);
    if (found.length === 0) throw new Error("mongod started, but the backup holds no database of yours.");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  say("The backup can be restored. mongod is stopped, and what it restored is removed.");
}

try {
  await drill();
} catch (error) {
  process.stderr.write(`${(signal.aborted ? signal.reason : error).message}\n`);
  process.exitCode = 1;
}
