import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build } from "esbuild";
import { SETTINGS, standIns } from "../../scripts/bundle.mjs";
import { summarize } from "../report/summary.mjs";
import { memoryMb } from "../run/commands.mjs";
import { startServer } from "../run/mcp-server.mjs";
import { LATER_NODE, laterNode } from "../run/node-versions.mjs";
import { BUILT, inFolder, ROOT } from "../run/paths.mjs";
import { startSimulator } from "../run/simulator.mjs";

const VERSIONS = { current: process.versions.node.split(".")[0], later: LATER_NODE };
/** A place where no folder can be made, which keeps the compile cache off. */
const NO_CACHE = "/dev/null";

/** How long servers take to start beside the least that a server can be, and what they weigh then. */
export function start(plan, { interleave }) {
  return inFolder(async (folder) => {
    const baselines = await bundleBaselines(folder);
    const simulator = await startSimulator();
    const variants = [
      ...variantsOf("current", process.execPath, { baselines, simulator, folder }),
      ...laterVariants(await laterNode(), { baselines, simulator, folder }),
    ];
    const present = variants.filter(({ run }) => run);
    // The first start of each fills the caches: those of the disk, and Node's of compiled code.
    for (const { run } of present) await run();
    const samples = await interleave(plan.rounds, present);
    await simulator.close();
    return { tables: [tableOf(variants, (variant) => samples[present.indexOf(variant)])] };
  });
}

async function bundleBaselines(folder) {
  const outfile = (name) => join(folder, `${name}.mjs`);
  const entry = (name) => join(ROOT, `bench/servers/${name}.mjs`);
  await build({ ...SETTINGS, entryPoints: [entry("minimal")], outfile: outfile("minimal"), plugins: [standIns()] });
  await build({ ...SETTINGS, entryPoints: [entry("usual")], outfile: outfile("usual") });
  return { minimal: outfile("minimal"), usual: outfile("usual") };
}

function variantsOf(which, node, { baselines, simulator, folder }) {
  const variant = (key, text, run) => ({ key: `${which} ${key}`, name: `Node ${VERSIONS[which]}: ${text}`, run });
  return [
    variant("empty", "`node -e 0`, to its end", () => emptyProgram(node)),
    variant("minimal", "minimal server on the SDK, bundled alike", () => serverStart(node, [baselines.minimal])),
    variant("usual", "server as the SDK's guide has it, bundled", () => serverStart(node, [baselines.usual])),
    variant("ours", "this server", () => ourStart(node, { simulator, home: folder, cache: NO_CACHE })),
  ];
}

/** Two of our own here: Node has a compile cache from 22.1 on. */
function laterVariants(node, parts) {
  const cached = {
    key: "later cached",
    name: `Node ${LATER_NODE}: this server, with the compile cache`,
    run: () => ourStart(node, { ...parts, home: parts.folder, cache: join(parts.folder, "cache") }),
  };
  const all = [...variantsOf("later", node, parts), cached];
  return node === undefined ? all.map(({ key, name }) => ({ key, name })) : all;
}

async function emptyProgram(node) {
  const startedAt = performance.now();
  await once(spawn(node, ["-e", "0"], { stdio: "ignore" }), "exit");
  return { initializeMs: performance.now() - startedAt };
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

/** The first call loads what the start left out, so it is measured as well. */
function ourStart(node, { simulator, home, cache }) {
  const { groupId, name, restoreJobId } = simulator.ids;
  const env = { HOME: home, XDG_CACHE_HOME: cache, ...simulator.environments.serviceAccount };
  return serverStart(node, [BUILT], env, async ({ elapsedMs, call }) => {
    const askedAt = elapsedMs();
    await call("get_restore_job", { groupId, name, restoreJobId });
    return { firstCallMs: elapsedMs() - askedAt };
  });
}

const bytesOf = (value) => Buffer.byteLength(JSON.stringify(value));
/** What a model reads of a tool before it calls it. */
const read = ({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema });

const COLUMNS = [
  { key: "initializeMs", head: "`initialize`, ms" },
  { key: "listMs", head: "`tools/list`, ms" },
  { key: "firstCallMs", head: "first call, ms" },
  { key: "memory", head: "memory, MB" },
  { key: "listBytes", head: "`tools/list`, bytes" },
  { key: "readBytes", head: "of them read by models" },
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
