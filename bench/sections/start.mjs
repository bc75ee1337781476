// How long servers take to start, compared with the smallest server possible, and their memory and tool list after that.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build } from "esbuild";
import { SETTINGS, standIns } from "../../scripts/bundle.mjs";
import { summarize } from "../report/figures.mjs";
import { startSimulator } from "../run/atlas.mjs";
import { BUILT, inFolder, nodeOf, ROOT, startServer } from "../run/processes.mjs";

/** The versions of Node.js that the package supports. */
const NODES = [20, 22, 24, 26];

export function start(plan, { interleave }) {
  return inFolder(async (folder) => {
    const baselines = await bundleBaselines(folder);
    const simulator = await startSimulator();
    const variants = [];
    for (const version of NODES)
      variants.push(...variantsOf(version, await nodeOf(version, folder), { baselines, simulator, folder }));
    const present = variants.filter(({ run }) => run);
    // The first start of each variant fills the caches of the disk.
    for (const { run } of present) await run();
    const samples = await interleave(plan.rounds, present);
    await simulator.close();
    return [tableOf(variants, (variant) => samples[present.indexOf(variant)])];
  });
}

async function bundleBaselines(folder) {
  const outfile = (name) => join(folder, `${name}.mjs`);
  const entry = (name) => join(ROOT, `bench/servers/${name}.mjs`);
  await build({ ...SETTINGS, entryPoints: [entry("minimal")], outfile: outfile("minimal"), plugins: [standIns()] });
  await build({ ...SETTINGS, entryPoints: [entry("usual")], outfile: outfile("usual") });
  return { minimal: outfile("minimal"), usual: outfile("usual") };
}

/** The variants on one Node.js; without `run` if this version is not available. */
function variantsOf(version, node, { baselines, simulator, folder }) {
  const variant = (key, text, run) => ({
    key: `${version} ${key}`,
    name: `Node ${version}: ${text}`,
    run: node === undefined ? undefined : run,
  });
  return [
    variant("empty", "`node -e 0`, until it exits", () => emptyProgram(node)),
    variant("minimal", "minimal server on the SDK, bundled the same way", () => minimalStart(node, baselines.minimal)),
    variant("usual", "server as in the SDK's guide, bundled", () => serverStart(node, [baselines.usual])),
    variant("ours", "this server", () => ourStart(node, simulator, folder)),
  ];
}

async function emptyProgram(node) {
  const startedAt = performance.now();
  await once(spawn(node, ["-e", "0"], { stdio: "ignore" }), "exit");
  return { initializeMs: performance.now() - startedAt };
}

const minimalStart = (node, file) => serverStart(node, [file], {}, ({ call }) => call("echo"));

/** The first call loads the code that the start does not need. A client of the newest revision asks `server/discover` first. */
async function ourStart(node, { environments, ids: { groupId, name, restoreJobId } }, home) {
  const env = { HOME: home, ...environments.serviceAccount };
  const job = { groupId, name, restoreJobId };
  const served = await serverStart(node, [BUILT], env, ({ call }) => call("get_restore_job", job));
  return { ...served, discoverMs: await discoverMs(node, env) };
}

async function serverStart(node, args, env = {}, firstCall = undefined) {
  const server = startServer(node, args, { env });
  await server.initialize();
  const initializeMs = server.elapsedMs();
  const { tools } = await server.request("tools/list");
  const listMs = server.elapsedMs();
  const memory = await server.memoryMb();
  await firstCall?.(server);
  const called = firstCall && { calledMs: server.elapsedMs(), memoryCalled: await server.memoryMb() };
  await server.end();
  const bytes = { listBytes: bytesOf({ tools }), readBytes: bytesOf(tools.map(read)) };
  return { initializeMs, listMs, memory, ...called, ...bytes };
}

const STATELESS = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

async function discoverMs(node, env) {
  const server = startServer(node, [BUILT], { env });
  await server.request("server/discover", { _meta: STATELESS });
  const elapsedMs = server.elapsedMs();
  await server.end();
  return elapsedMs;
}

const bytesOf = (value) => Buffer.byteLength(JSON.stringify(value));
/** The fields of a tool that a model reads before it calls the tool. */
const read = ({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema });

const COLUMNS = [
  { key: "initializeMs", head: "`initialize`, ms" },
  { key: "discoverMs", head: "`server/discover`, ms" },
  { key: "listMs", head: "`tools/list`, ms" },
  { key: "calledMs", head: "first call answered, ms" },
  { key: "memory", head: "memory after `tools/list`, MB" },
  { key: "memoryCalled", head: "after the first call, MB" },
  { key: "listBytes", head: "`tools/list`, bytes" },
  { key: "readBytes", head: "bytes read by models" },
];

function tableOf(variants, samplesOf) {
  const rows = variants.map((variant) => {
    const samples = samplesOf(variant);
    const { key, name } = variant;
    if (!samples) return { key, name, cells: { initializeMs: "not measured" } };
    const measured = COLUMNS.filter((column) => samples[0][column.key] !== undefined);
    const cells = measured.map((column) => [column.key, summarize(samples.map((sample) => sample[column.key]))]);
    return { key, name, cells: Object.fromEntries(cells) };
  });
  return { key: "start", head: "Server", columns: COLUMNS, rows };
}
