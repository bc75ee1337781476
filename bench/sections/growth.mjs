// How time and memory grow with the size of a file and the number of jobs and projects, and whether a busy server answers.
import { request } from "undici";
import { summarize } from "../report/figures.mjs";
import { backupUrl, FLEX_MEDIA_TYPE, prepare, save, startLine, startSimulator, tokenHeaders } from "../run/atlas.mjs";
import { BUILT, inFolder, memoryMb, serving } from "../run/processes.mjs";
import { timed } from "../run/rounds.mjs";

const MIB = 1024 ** 2;
const ROUND_TRIP_MS = 100;
/** Far more often than a client calls, since a p99 needs many calls. */
const CALL_EVERY_MS = 20;

export async function growth(plan, runner) {
  return [
    await bySize(plan, runner),
    await byRestoreJobs(plan, runner),
    await byProjects(plan, runner),
    await whileSaving(plan, runner),
  ];
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
  for (const count of jobs) simulators.push(await simulatorWithJobs(count));
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

/** A simulated cluster without jobs at the start, and a snapshot of it whose jobs are complete at once. */
const JOBS = { name: "customers", snapshotId: "5fa1000000000000000001c1" };

async function simulatorWithJobs(count) {
  const simulator = await startSimulator();
  for (let made = 0; made < count; made += 1) {
    const { statusCode, body } = await request(`${backupUrl(simulator, JOBS.name)}/download`, {
      method: "POST",
      headers: { ...tokenHeaders(simulator), "content-type": FLEX_MEDIA_TYPE },
      body: JSON.stringify({ snapshotId: JOBS.snapshotId }),
    });
    await body.dump();
    if (statusCode >= 300) throw new Error(`The simulator answered ${statusCode}.`);
  }
  return simulator;
}

async function jobsSubject(simulator, home) {
  const { groupId } = simulator.ids;
  const server = await serving([BUILT], { ...simulator.environments.serviceAccount, HOME: home });
  const list = (more) => server.call("list_restore_jobs", { groupId, name: JOBS.name, ...more });
  await list();
  return {
    pid: server.pid,
    run: async () => ({
      page: await timed(async () => {
        const url = `${backupUrl(simulator, JOBS.name)}/restoreJobs?itemsPerPage=500&pageNum=1`;
        const { body } = await request(url, { headers: tokenHeaders(simulator) });
        await body.json();
      }),
      newest: await timed(() => list()),
      // No job is of this type, so every page is read.
      all: await timed(() => list({ deliveryType: "RESTORE" })),
    }),
    close: server.end,
  };
}

async function byProjects({ projects, rounds }, { interleave }) {
  const samples = await inFolder((home) =>
    interleave(
      rounds,
      projects.map((count) => ({ run: () => listProjects(count, home) })),
      "projects",
    ),
  );
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

/** Each run has a new simulator, so that the rate limit starts with a full bucket, as for a client that calls rarely. */
async function listProjects(count, home) {
  // The simulated world has two projects of its own.
  const options = { projects: Math.max(0, count - 2), rateLimit: { capacity: 1_200, refillPerMinute: 500 } };
  const simulator = await startSimulator(options);
  const line = await startLine(simulator, { roundTripMs: ROUND_TRIP_MS });
  const only = count === 1 ? { MONGODB_ATLAS_PROJECT_ID: simulator.ids.groupId } : {};
  const server = await serving([BUILT], {
    ...simulator.environments.serviceAccount,
    ...{ HOME: home, MONGODB_ATLAS_BASE_URL: line.baseUrl, ...only },
  });
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
}

/** Whether the thread that talks to the client stays free while the server receives, hashes, and writes a file. */
async function whileSaving({ sizes }, { note, quiet }) {
  note("answers during a transfer");
  const bytes = sizes.at(-1);
  const simulator = await startSimulator({ snapshotBytes: bytes });
  await prepare(simulator);
  const list = (server) => timed(() => server.call("list_saved_snapshots"));
  const pause = () => new Promise((resolve) => setTimeout(resolve, CALL_EVERY_MS));
  const busy = [];
  const idle = [];
  await inFolder(async (folder) => {
    await quiet();
    await save(simulator, folder, async (server, signal) => {
      for (; !signal.aborted; await pause()) busy.push(await list(server));
    });
    const server = await serving([BUILT], { ...simulator.environments.serviceAccount, HOME: folder });
    for (const _ of busy) {
      idle.push(await list(server));
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
  const rows = [row("idle", "idle", idle), row("busy", `saving a file of ${sizeName(bytes)}`, busy)];
  return { key: "growth-answers", title: "`list_saved_snapshots` while saving", head: "Server", columns, rows };
}
