// How long servers take to start, compared with the smallest server possible, and their memory and tool list after that.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build } from "esbuild";
import { SETTINGS, standIns } from "../../scripts/bundle.mjs";
import { summarize } from "../report/figures.mjs";
import { startSimulator } from "../run/atlas.mjs";
import { BUILT, inFolder, LATER_NODE, laterNode, memoryMb, ROOT, startServer } from "../run/processes.mjs";

/** Measures on the running Node.js and on a later one. */
export function start(plan, { interleave }) {
  return inFolder(async (folder) => {
    const baselines = await bundleBaselines(folder);
    const simulator = await startSimulator();
    const [current] = process.versions.node.split(".");
    const variants = [
      ...variantsOf("current", current, process.execPath, { baselines, simulator, folder }),
      ...variantsOf("later", LATER_NODE, await laterNode(), { baselines, simulator, folder }),
    ];
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
function variantsOf(which, version, node, { baselines, simulator, folder }) {
  const variant = (key, text, run) => ({
    key: `${which} ${key}`,
    name: `Node ${version}: ${text}`,
    run: node === undefined ? undefined : run,
  });
  return [
    variant("empty", "`node -e 0`, until it exits", () => emptyProgram(node)),
    variant("minimal", "minimal server on the SDK, bundled the same way", () => serverStart(node, [baselines.minimal])),
    variant("usual", "server as in the SDK's guide, bundled", () => serverStart(node, [baselines.usual])),
    variant("ours", "this server", () => ourStart(node, simulator, folder)),
  ];
}

async function emptyProgram(node) {
  const startedAt = performance.now();
  await once(spawn(node, ["-e", "0"], { stdio: "ignore" }), "exit");
  return { initializeMs: performance.now() - startedAt };
}

/** Also measures the first call, which loads the code that the start does not need. */
function ourStart(node, { environments, ids: { groupId, name, restoreJobId } }, home) {
  const env = { HOME: home, ...environments.serviceAccount };
  return serverStart(node, [BUILT], env, async ({ elapsedMs, call }) => {
    const askedAt = elapsedMs();
    await call("get_restore_job", { groupId, name, restoreJobId });
    return { firstCallMs: elapsedMs() - askedAt };
  });
}

async function serverStart(node, args, env = {}, andThen = async () => ({})) {
  const server = startServer(node, args, { env });
  await server.initialize();
  const initializeMs = server.elapsedMs();
  const { tools } = await server.request("tools/list");
  const listMs = server.elapsedMs();
  const memory = await memoryMb(server.pid, "VmRSS");
  const more = await andThen(server);
  await server.end();
  return { initializeMs, listMs, memory, listBytes: bytesOf({ tools }), readBytes: bytesOf(tools.map(read)), ...more };
}

const bytesOf = (value) => Buffer.byteLength(JSON.stringify(value));
/** The fields of a tool that a model reads before it calls the tool. */
const read = ({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema });

const COLUMNS = [
  { key: "initializeMs", head: "`initialize`, ms" },
  { key: "listMs", head: "`tools/list`, ms" },
  { key: "firstCallMs", head: "first call, ms" },
  { key: "memory", head: "memory, MB" },
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
