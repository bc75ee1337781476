// What a call of get_restore_job costs, compared with the request that it makes.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { CONNECTIONS, summarize } from "../report/figures.mjs";
import { backupUrl, startSimulator, tokenHeaders } from "../run/atlas.mjs";
import { BUILT, inFolder, ROOT, serving } from "../run/processes.mjs";
import { timed } from "../run/rounds.mjs";

/** The median still falls during these calls, while V8 compiles. */
const WARM_UP_CALLS = 2_000;
const FIRST_CALLS = 100;
const AT_ONCE = 100;

const KINDS = [
  ["service account", "serviceAccount"],
  ["API key", "apiKey"],
  ["access token", "accessToken"],
];

export function call(plan, { interleave }) {
  return inFolder(async (home) => {
    // With a long-lived nonce, the call is measured without the Digest challenge, which Atlas sends once a minute.
    const simulator = await startSimulator({ nonceLifetimeMs: 3_600_000 });
    const ca = await readFile(simulator.caFile, "utf8");
    // As many connections as the server opens.
    const agent = new Agent({ connect: { ca }, connections: CONNECTIONS });
    const subjects = [await echo()];
    for (const baseUrl of [simulator.baseUrl, simulator.httpsUrl]) {
      const target = { ...simulator, baseUrl, scheme: new URL(baseUrl).protocol.replace(":", "") };
      subjects.push(plain(target, agent));
      for (const kind of KINDS) subjects.push(await ours(target, kind, home));
    }
    const early = [];
    for (const { ask } of subjects) early.push((await inSequence(WARM_UP_CALLS, ask)).slice(0, FIRST_CALLS));
    const samples = await interleave(
      plan.rounds,
      subjects.map(({ ask }) => ({
        run: async () => ({
          one: await inSequence(plan.calls, ask),
          all: await timed(() => Promise.all(Array.from({ length: AT_ONCE }, ask))),
        }),
      })),
    );
    for (const { close } of subjects) await close?.();
    await agent.close();
    await simulator.close();
    return [tableOf(subjects, samples, early)];
  });
}

/** The part of a call that the SDK takes: a tool that sends no request. */
async function echo() {
  const { call, end } = await serving([join(ROOT, "bench/servers/minimal.mjs")], {});
  return { key: "echo", name: "minimal server on the SDK, no request", ask: () => call("echo"), close: end };
}

/** The same request without a server in between. */
function plain(target, dispatcher) {
  const { restoreJobId } = target.ids;
  const url = `${backupUrl(target)}/restoreJobs/${restoreJobId}`;
  const headers = tokenHeaders(target);
  return {
    key: `${target.scheme} plain`,
    name: `${target.scheme}: plain undici request`,
    ask: async () => {
      const { statusCode, body } = await request(url, { headers, dispatcher });
      const { id } = await body.json();
      if (statusCode !== 200 || id !== restoreJobId) throw new Error(`The simulator answered ${statusCode}.`);
    },
  };
}

/** This server with one kind of credentials. */
async function ours({ scheme, baseUrl, environments, ids, caFile }, [kindName, kind], home) {
  const { groupId, name, restoreJobId } = ids;
  const env = { ...environments[kind], HOME: home, MONGODB_ATLAS_BASE_URL: baseUrl, NODE_EXTRA_CA_CERTS: caFile };
  const server = await serving([BUILT], env);
  const ask = () => server.call("get_restore_job", { groupId, name, restoreJobId });
  return { key: `${scheme} ${kind}`, name: `${scheme}: this server, ${kindName}`, ask, close: server.end };
}

async function inSequence(count, ask) {
  const samples = [];
  for (let index = 0; index < count; index += 1) samples.push(await timed(ask));
  return samples;
}

function tableOf(subjects, samples, early) {
  const rows = subjects.map(({ key, name }, index) => {
    const one = summarize(samples[index].flatMap((sample) => sample.one));
    const all = summarize(samples[index].map((sample) => sample.all));
    return { key, name, cells: { first: summarize(early[index]).median, p50: one.median, p95: one.p95, all } };
  });
  const columns = [
    { key: "first", head: `first ${FIRST_CALLS}, p50, ms`, digits: 2 },
    { key: "p50", head: "one by one, p50, ms", digits: 2 },
    { key: "p95", head: "p95, ms", digits: 2 },
    { key: "all", head: `${AT_ONCE} at once, total ms` },
  ];
  return { key: "call", head: "Call", columns, rows };
}
