import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { summarize } from "../report/summary.mjs";
import { startServer } from "../run/mcp-server.mjs";
import { BUILT, inFolder, ROOT } from "../run/paths.mjs";
import { startSimulator } from "../run/simulator.mjs";

const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
/** Until here the median still falls: V8 is compiling. */
const WARM_UP_CALLS = 2_000;
const FIRST_CALLS = 100;
const AT_ONCE = 100;
/** What the server allows itself to one origin; the plain client gets the same. */
const CONNECTIONS = 16;

const KINDS = [
  ["service account", "serviceAccount"],
  ["API key", "apiKey"],
  ["access token", "accessToken"],
];

/** What a call of get_restore_job costs over the request that it makes. */
export function call(plan, { interleave }) {
  return inFolder(async (home) => {
    // A nonce that lives long: what is measured is the call, not the challenge that comes once a minute.
    const simulator = await startSimulator({ nonceLifetimeMs: 3_600_000 });
    const ca = await readFile(simulator.caFile, "utf8");
    const agent = new Agent({ connect: { ca }, connections: CONNECTIONS });
    const subjects = [
      echo(),
      ...[simulator.baseUrl, simulator.httpsUrl].flatMap((baseUrl) => [
        plain(simulator, baseUrl, agent),
        ...KINDS.map((kind) => ours(simulator, baseUrl, kind, home)),
      ]),
    ];
    for (const { open } of subjects) await open();
    const early = [];
    for (const { ask } of subjects) early.push((await inSequence(WARM_UP_CALLS, ask)).slice(0, FIRST_CALLS));
    const samples = await interleave(
      plan.rounds,
      subjects.map(({ ask }) => ({
        run: async () => ({ one: await inSequence(plan.calls, ask), all: await atOnce(ask) }),
      })),
    );
    for (const { close } of subjects) await close();
    await agent.close();
    await simulator.close();
    return { tables: [tableOf(subjects, samples, early)] };
  });
}

/** The same request without a server in between, as a program that knows everything would send it. */
function plain({ environments, ids }, baseUrl, dispatcher) {
  const { groupId, name, restoreJobId } = ids;
  const url = `${baseUrl}/api/atlas/v2/groups/${groupId}/flexClusters/${name}/backup/restoreJobs/${restoreJobId}`;
  const headers = {
    accept: FLEX_MEDIA_TYPE,
    authorization: `Bearer ${environments.accessToken.MONGODB_ATLAS_ACCESS_TOKEN}`,
  };
  return {
    key: `${schemeOf(baseUrl)} plain`,
    name: `${schemeOf(baseUrl)}: plain undici request`,
    open: async () => undefined,
    ask: async () => {
      const { statusCode, body } = await request(url, { headers, dispatcher });
      const { id } = await body.json();
      if (statusCode !== 200 || id !== restoreJobId) throw new Error(`The simulator answered ${statusCode}.`);
    },
    close: async () => undefined,
  };
}

function ours({ environments, ids, caFile }, baseUrl, [kindName, kind], home) {
  const { groupId, name, restoreJobId } = ids;
  const env = { ...environments[kind], HOME: home, MONGODB_ATLAS_BASE_URL: baseUrl, NODE_EXTRA_CA_CERTS: caFile };
  const key = `${schemeOf(baseUrl)} ${kind}`;
  return served(key, `${schemeOf(baseUrl)}: this server, ${kindName}`, [BUILT], env, (server) =>
    server.call("get_restore_job", { groupId, name, restoreJobId }),
  );
}

/** The SDK's share: a tool that asks nobody. */
function echo() {
  return served(
    "echo",
    "minimal server on the SDK, no request",
    [join(ROOT, "bench/servers/minimal.mjs")],
    {},
    (server) => server.call("echo"),
  );
}

function served(key, name, args, env, askServer) {
  let server;
  return {
    key,
    name,
    open: async () => {
      server = startServer(process.execPath, args, { env });
      await server.initialize();
    },
    ask: () => askServer(server),
    close: () => server.end(),
  };
}

const schemeOf = (url) => new URL(url).protocol.replace(":", "");

async function inSequence(count, ask) {
  const samples = [];
  for (let index = 0; index < count; index += 1) samples.push(await timed(ask));
  return samples;
}

async function atOnce(ask) {
  return timed(() => Promise.all(Array.from({ length: AT_ONCE }, ask)));
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function tableOf(subjects, samples, early) {
  const rows = subjects.map(({ key, name }, index) => {
    const one = summarize(samples[index].flatMap((sample) => sample.one));
    const all = summarize(samples[index].map((sample) => sample.all));
    return { key, name, cells: { first: summarize(early[index]).median, p50: one.median, p95: one.p95, all } };
  });
  const columns = [
    { key: "first", head: `the first ${FIRST_CALLS}, p50, ms`, digits: 2 },
    { key: "p50", head: "one by one, p50, ms", digits: 2 },
    { key: "p95", head: "p95, ms", digits: 2 },
    { key: "all", head: `${AT_ONCE} at once, ms in all` },
  ];
  return { key: "call", head: "Call", columns, rows };
}
