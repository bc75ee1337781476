import { request } from "undici";
import { summarize } from "../report/summary.mjs";
import { memoryMb } from "../run/commands.mjs";
import { startServer } from "../run/mcp-server.mjs";
import { BUILT, inFolder } from "../run/paths.mjs";
import { prepare, save } from "../run/saving.mjs";
import { startLine, startSimulator } from "../run/simulator.mjs";

const MIB = 1024 ** 2;
const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
const ROUND_TRIP_MS = 100;
/** An assistant that looks now and then, but often enough for a p99. */
const LOOK_EVERY_MS = 20;

/** How time and memory grow with what Atlas has, and whether the server still answers while it saves. */
export async function growth(plan, runner) {
  return {
    tables: [
      await bySize(plan, runner),
      await byRestoreJobs(plan, runner),
      await byProjects(plan, runner),
      await answering(plan, runner),
    ],
  };
}

async function bySize({ sizes, rounds }, { interleave }) {
  const simulators = [];
  for (const snapshotBytes of sizes) simulators.push(await startSimulator({ snapshotBytes }));
  for (const simulator of simulators) await prepare(simulator);
  const samples = await inFolder((folder) =>
    interleave(
      rounds,
      simulators.map((simulator) => ({ run: () => save(simulator, folder) })),
      "size of the file",
    ),
  );
  for (const { close } of simulators) await close();
  const rows = sizes.map((bytes, index) => ({
    key: String(bytes),
    name: sizeName(bytes),
    cells: {
      seconds: summarize(samples[index].map(({ seconds }) => seconds)),
      cpuSeconds: summarize(samples[index].map(({ cpuSeconds }) => cpuSeconds)),
      peakMb: summarize(samples[index].map(({ peakMb }) => peakMb)),
    },
  }));
  const columns = [
    { key: "seconds", head: "seconds", digits: 2 },
    { key: "cpuSeconds", head: "CPU seconds", digits: 2 },
    { key: "peakMb", head: "peak memory, MB" },
  ];
  return { key: "growth-size", title: "Incompressible files, saved and verified", head: "File", columns, rows };
}

const sizeName = (bytes) => (bytes >= 1024 * MIB ? `${bytes / MIB / 1024} GiB` : `${bytes / MIB} MiB`);

async function byRestoreJobs({ jobs, rounds }, { interleave }) {
  const simulators = [];
  for (const count of jobs) simulators.push(await withJobs(count));
  const rows = await inFolder(async (home) => {
    const subjects = await Promise.all(simulators.map((simulator) => jobsSubject(simulator, home)));
    const samples = await interleave(rounds, subjects, "restore jobs");
    const memory = await Promise.all(subjects.map(({ pid }) => memoryMb(pid, "VmHWM")));
    for (const { close } of subjects) await close();
    return jobs.map((count, index) => ({
      key: String(count),
      name: count.toLocaleString("en"),
      cells: {
        page: summarize(samples[index].map(({ page }) => page)),
        newest: summarize(samples[index].map(({ newest }) => newest)),
        all: summarize(samples[index].map(({ all }) => all)),
        memory: memory[index],
      },
    }));
  });
  for (const { close } of simulators) await close();
  const columns = [
    { key: "page", head: "one page of 500, plain undici, ms" },
    { key: "newest", head: "`list_restore_jobs`, ms" },
    { key: "all", head: "the same, all pages read, ms" },
    { key: "memory", head: "peak memory, MB" },
  ];
  return { key: "growth-jobs", title: "Restore jobs of one cluster", head: "Jobs", columns, rows };
}

/** A cluster of the simulated world that has no jobs from the start, and a snapshot of it whose job is complete at once. */
const JOBS = { name: "customers", snapshotId: "5fa1000000000000000001c1" };

const backupOf = ({ baseUrl, ids }) => `${baseUrl}/api/atlas/v2/groups/${ids.groupId}/flexClusters/${JOBS.name}/backup`;
const bearer = ({ environments }) => ({
  accept: FLEX_MEDIA_TYPE,
  authorization: `Bearer ${environments.accessToken.MONGODB_ATLAS_ACCESS_TOKEN}`,
});

async function withJobs(count) {
  const simulator = await startSimulator();
  for (let made = 0; made < count; made += 1) {
    const { statusCode, body } = await request(`${backupOf(simulator)}/download`, {
      method: "POST",
      headers: { ...bearer(simulator), "content-type": FLEX_MEDIA_TYPE },
      body: JSON.stringify({ snapshotId: JOBS.snapshotId }),
    });
    await body.dump();
    if (statusCode >= 300) throw new Error(`The simulator answered ${statusCode}.`);
  }
  return simulator;
}

async function jobsSubject(simulator, home) {
  const { groupId } = simulator.ids;
  const env = { ...simulator.environments.serviceAccount, HOME: home };
  const server = startServer(process.execPath, [BUILT], { env });
  await server.initialize();
  const list = (more) => server.call("list_restore_jobs", { groupId, name: JOBS.name, ...more });
  await list();
  return {
    pid: server.pid,
    run: async () => ({
      page: await timed(async () => {
        const url = `${backupOf(simulator)}/restoreJobs?itemsPerPage=500&pageNum=1`;
        const { body } = await request(url, { headers: bearer(simulator) });
        await body.json();
      }),
      newest: await timed(() => list()),
      // None of them restored, so every page is read.
      all: await timed(() => list({ deliveryType: "RESTORE" })),
    }),
    close: server.end,
  };
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

async function byProjects({ projects, rounds }, { interleave }) {
  const subjects = [];
  for (const count of projects) subjects.push(await projectsSubject(count));
  const samples = await inFolder((home) =>
    interleave(
      rounds,
      subjects.map(({ run }) => ({ run: () => run(home) })),
      "projects",
    ),
  );
  for (const { close } of subjects) await close();
  const rows = projects.map((count, index) => ({
    key: String(count),
    name: String(count),
    cells: {
      seconds: summarize(samples[index].map(({ seconds }) => seconds)),
      requests: Math.max(...samples[index].map(({ requests }) => requests)),
      connections: Math.max(...samples[index].map(({ connections }) => connections)),
      refused: samples[index].reduce((sum, { refused }) => sum + refused, 0),
      memory: summarize(samples[index].map(({ memory }) => memory)),
    },
  }));
  const columns = [
    { key: "seconds", head: "seconds", digits: 2 },
    { key: "requests", head: "requests" },
    { key: "connections", head: "connections" },
    { key: "refused", head: "refused with 429" },
    { key: "memory", head: "peak memory, MB" },
  ];
  const title = `Projects in \`list_flex_clusters\`, ${ROUND_TRIP_MS} ms round trip, Atlas's published rate limit`;
  return { key: "growth-projects", title, head: "Projects", columns, rows };
}

/** Two projects are there from the start. The bucket is Atlas's, full before each run as it is for who comes now and then. */
async function projectsSubject(count) {
  const options = { projects: Math.max(0, count - 2), rateLimit: { capacity: 1_200, refillPerMinute: 500 } };
  const run = async (home) => {
    const simulator = await startSimulator(options);
    const line = await startLine(simulator, { roundTripMs: ROUND_TRIP_MS });
    const env = { ...simulator.environments.serviceAccount, HOME: home, MONGODB_ATLAS_BASE_URL: line.baseUrl };
    const only = count === 1 ? { MONGODB_ATLAS_PROJECT_ID: simulator.ids.groupId } : {};
    const server = startServer(process.execPath, [BUILT], { env: { ...env, ...only } });
    await server.initialize();
    const seconds = (await timed(() => server.call("list_flex_clusters"))) / 1_000;
    const memory = await memoryMb(server.pid, "VmHWM");
    const { body } = await request(`${simulator.baseUrl}/_simulator/requests`);
    const { requests } = await body.json();
    await server.end();
    await line.close();
    await simulator.close();
    return {
      seconds,
      memory,
      requests: requests.length,
      connections: new Set(requests.map(({ connectionId }) => connectionId)).size,
      refused: requests.filter(({ status }) => status === 429).length,
    };
  };
  return { run, close: async () => undefined };
}

/** Whether the one thread that talks to the client is still free while it receives, hashes, and writes. */
async function answering({ sizes }, { note, quiet }) {
  note("answers during a transfer");
  const bytes = sizes.at(-1);
  const simulator = await startSimulator({ snapshotBytes: bytes });
  await prepare(simulator);
  const look = async (server) => timed(() => server.call("list_saved_snapshots"));
  const busy = [];
  const idle = [];
  await inFolder(async (folder) => {
    await quiet();
    await save(simulator, folder, async (server, signal) => {
      for (; !signal.aborted; await pause()) busy.push(await look(server));
    });
    const env = { ...simulator.environments.serviceAccount, HOME: folder };
    const server = startServer(process.execPath, [BUILT], { env });
    await server.initialize();
    for (const _ of busy) {
      idle.push(await look(server));
      await pause();
    }
    await server.end();
  });
  await simulator.close();
  const row = (key, name, samples) => {
    const { count, median, p99, max } = summarize(samples);
    return { key, name, cells: { count, median, p99, max } };
  };
  const columns = [
    { key: "count", head: "calls" },
    { key: "median", head: "median, ms", digits: 1 },
    { key: "p99", head: "p99, ms", digits: 1 },
    { key: "max", head: "slowest, ms", digits: 1 },
  ];
  const rows = [row("idle", "nothing else", idle), row("busy", `a transfer of ${sizeName(bytes)}`, busy)];
  return { key: "growth-answers", title: "`list_saved_snapshots` meanwhile", head: "Beside", columns, rows };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
