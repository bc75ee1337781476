// Starts programs and measures what they cost: command lines, and MCP servers on stdio.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { fetchNode } from "../../scripts/nodes.mjs";

export const ROOT = join(import.meta.dirname, "../..");

/** The built server, as its users start it. */
export const BUILT = join(ROOT, "dist/atlas-flex-snapshots-mcp.js");

/** Gives `work` a folder and removes it afterwards. The folder is on a real disk, since it holds large files. */
export async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "atlas-flex-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end and resolves to its output; rejects unless its exit code is 0. */
export async function run(command, args, options = {}) {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 2 ** 26, ...options });
  return stdout;
}

/** The path of a Node.js of this major version: the running one, or one from npm's `node` package, installed into `folder`. */
export async function nodeOf(version, folder) {
  if (process.versions.node.startsWith(`${version}.`)) return process.execPath;
  try {
    return await fetchNode({ version, folder: join(folder, `node-${version}`) });
  } catch {
    return undefined; // No network and nothing in npm's cache: the rows then say "not measured".
  }
}

/** The path of a program; undefined when it is not installed. */
export async function findProgram(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path) {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // Missing or not permitted: the same to a caller.
  }
}

/** GNU time. The `time` of other systems cannot format its output. */
const TIME = process.platform === "linux" ? await findProgram("time") : undefined;

/**
 * Wraps a command line in GNU time. After the command has ended, `cost` resolves to the processor seconds of all its processes
 * and the peak memory of the largest one. Without GNU time, it resolves to an empty object.
 */
export function costed(command, args, file) {
  if (TIME === undefined) return { command, args, cost: async () => ({}) };
  return {
    command: TIME,
    args: ["--format=%U %S %M", `--output=${file}`, command, ...args],
    cost: async () => {
      const [user, system, peakKib] = (await readFile(file, "utf8")).trim().split("\n").at(-1).split(" ").map(Number);
      await rm(file);
      return { cpuSeconds: user + system, peakMb: (peakKib * 1024) / 1e6 };
    },
  };
}

/** Megabytes of a running process in memory: now (`VmRSS`) or at its peak (`VmHWM`); undefined outside Linux. */
export async function memoryMb(pid, field) {
  if (process.platform !== "linux") return undefined;
  const [, kib] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

/**
 * An MCP server under a minimal client that writes and reads lines; a client library would add its own time to every call.
 * The clock starts before the process does.
 */
export function startServer(command, args, { env = {}, cwd } = {}) {
  const startedAt = performance.now();
  const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, cwd, stdio: "pipe" });
  const ended = once(child, "close");
  const waiting = new Map();
  let lastId = 0;
  let log = "";
  let rest = "";

  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) settle(JSON.parse(line));
  });
  // Hosts read the log, so the bench does too; the last lines say why a server died.
  child.stderr.setEncoding("utf8").on("data", (chunk) => {
    log = (log + chunk).slice(-4_000);
  });
  child.stdin.on("error", () => undefined); // "close" reports what happened.
  child.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error(`${command} ended without an answer.\n${log}`));
    waiting.clear();
  });

  function settle({ id, result, error }) {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error) reject?.(new Error(JSON.stringify(error)));
    else resolve?.(result);
  }

  function send(message) {
    child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }

  function request(method, params = {}) {
    lastId += 1;
    const id = lastId;
    send({ id, method, params });
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  }

  return {
    pid: child.pid,
    memoryMb: () => memoryMb(child.pid, "VmRSS"),
    elapsedMs: () => performance.now() - startedAt,
    request,
    initialize: async () => {
      const clientInfo = { name: "bench", version: "1.0.0" };
      await request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
      send({ method: "notifications/initialized" });
    },
    /** The structured content of a call that must succeed. */
    call: async (name, args = {}) => {
      const { isError, structuredContent, content } = await request("tools/call", { name, arguments: args });
      if (isError) throw new Error(`${name}: ${content[0].text}`);
      return structuredContent;
    },
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

/** Starts an MCP server that runs on this Node.js, and initializes it. */
export async function serving(args, env) {
  const server = startServer(process.execPath, args, { env });
  await server.initialize();
  return server;
}
