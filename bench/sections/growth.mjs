// How time and memory grow with the size of a file and the number of jobs and projects, and whether a busy server answers.
import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request } from "undici";
import { summarize } from "../report/figures.mjs";
import { backupUrl, FLEX_MEDIA_TYPE, prepare, save, startLine, startSimulator, tokenHeaders } from "../run/atlas.mjs";
import { BUILT, costed, inFolder, memoryMb, run, serving } from "../run/processes.mjs";
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
    await byFiles(plan, runner),
    await acrossProjects(plan, runner),
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

/** What a question about many projects costs. */
const COSTS = [
  { key: "seconds", head: "seconds", digits: 2 },
  { key: "requests", head: "requests" },
  { key: "refused", head: "refused with 429" },
  { key: "memory", head: "peak memory, MB" },
];

const costsOf = (samples) => ({
  seconds: summarize(samples.map(({ seconds }) => seconds)),
  requests: Math.max(...samples.map(({ requests }) => requests)),
  refused: samples.reduce((sum, { refused }) => sum + refused, 0),
  memory: summarize(samples.map(({ memory }) => memory)),
});

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
      ...costsOf(samples[index]),
      connections: Math.max(...samples[index].map(({ connections }) => connections)),
    },
  }));
  const columns = COSTS.toSpliced(2, 0, { key: "connections", head: "connections" });
  const title = `Projects in \`list_flex_clusters\`, ${ROUND_TRIP_MS} ms round trip, Atlas's published rate limit`;
  return { key: "growth-projects", title, head: "Projects", columns, rows };
}

/** As for a client that calls rarely, the rate limit starts with a full bucket: each run has a new simulator. */
async function withFarProjects(count, home, env, work) {
  // The simulated world has two projects of its own.
  const rateLimit = { capacity: 1_200, refillPerMinute: 500 };
  const projects = Math.max(0, count - 2);
  const simulator = await startSimulator({ projects, rateLimit, jobMs: 0, snapshotBytes: MIB });
  const line = await startLine(simulator, { roundTripMs: ROUND_TRIP_MS });
  const only = count === 1 ? { MONGODB_ATLAS_PROJECT_ID: simulator.ids.groupId } : {};
  const measured = await work({
    ...simulator.environments.serviceAccount,
    ...{ HOME: home, MONGODB_ATLAS_BASE_URL: line.baseUrl, ...only, ...env },
  });
  const { body } = await request(`${simulator.baseUrl}/_simulator/requests`);
  const { requests } = await body.json();
  await line.close();
  await simulator.close();
  return {
    ...measured,
    requests: requests.length,
    connections: new Set(requests.map(({ connectionId }) => connectionId)).size,
    refused: requests.filter(({ status }) => status === 429).length,
  };
}

/** One call of a new server. */
const oneCall = (name, args) => async (env) => {
  const server = await serving([BUILT], env);
  const seconds = (await timed(() => server.call(name, args))) / 1_000;
  const memory = await memoryMb(server.pid, "VmHWM");
  await server.end();
  return { seconds, memory };
};

const listProjects = (count, home) => withFarProjects(count, home, {}, oneCall("list_flex_clusters", {}));

/** The command, from its start to its end. It fails, since the simulated world holds a cluster that lacks a backup. */
const statusCommand = (home) => async (env) => {
  const { command, args, cost } = costed(process.execPath, [BUILT, "status"], join(home, "cost"));
  const seconds = (await timed(() => run(command, args, { env }).catch(onlyIfItFailed))) / 1_000;
  return { seconds, memory: (await cost()).peakMb };
};

function onlyIfItFailed(error) {
  if (error.code !== 1) throw error;
}

/** What people ask of many clusters at once. */
async function acrossProjects({ clusters, farProjects, rounds }, { interleave }) {
  const inHome = (count, work) => () => inFolder((home) => withFarProjects(count, home, {}, work(home)));
  // The last of the projects, by name.
  const name = `service-${farProjects - 2}`;
  const variants = [
    ...clusters.map((count) => ({
      key: `backups ${count}`,
      name: `\`list_flex_clusters\` with \`backups\`, ${count} projects`,
      run: inHome(count, () => oneCall("list_flex_clusters", { backups: true })),
    })),
    { key: "status", name: `the command \`status\`, ${farProjects} projects`, run: inHome(farProjects, statusCommand) },
    {
      key: "save",
      name: `\`save_flex_snapshot\` by name, 1 MiB, ${farProjects} projects`,
      run: inHome(farProjects, () => oneCall("save_flex_snapshot", { name, waitSeconds: 40 })),
    },
  ];
  const samples = await interleave(rounds, variants, "many projects");
  const rows = variants.map(({ key, name: title }, index) => ({
    key,
    name: title,
    cells: costsOf(samples[index]),
  }));
  const title = `One question about many projects, ${ROUND_TRIP_MS} ms round trip, Atlas's published rate limit`;
  return { key: "growth-across", title, head: "Question", columns: COSTS, rows };
}

async function byFiles({ files, rounds }, { interleave }) {
  const simulator = await startSimulator({ snapshotBytes: MIB / 16 });
  const rows = await inFolder(async (folder) => {
    const subjects = [];
    for (const count of files) subjects.push(await shelfOf(count, simulator, join(folder, String(count))));
    const samples = await interleave(rounds, subjects, "saved files");
    const memory = await Promise.all(subjects.map(({ pid }) => memoryMb(pid, "VmHWM")));
    for (const { close } of subjects) await close();
    return files.map((count, index) => ({
      key: String(count),
      name: count.toLocaleString("en"),
      cells: {
        first: subjects[index].firstMs,
        again: summarize(samples[index]),
        shown: subjects[index].shown,
        memory: memory[index],
      },
    }));
  });
  await simulator.close();
  const columns = [
    { key: "first", head: "first call, ms" },
    { key: "again", head: "later calls, ms" },
    { key: "shown", head: "files in the answer" },
    { key: "memory", head: "peak memory, MB" },
  ];
  return { key: "growth-files", title: "Files in `list_saved_snapshots`", head: "Files", columns, rows };
}

/** A server whose download folder holds so many verified files: one that it saved, and copies of it for other snapshots. */
async function shelfOf(count, { baseUrl, environments, ids }, home) {
  await mkdir(home, { recursive: true });
  const env = { ...environments.serviceAccount, MONGODB_ATLAS_BASE_URL: baseUrl, HOME: home };
  const server = await serving([BUILT], env);
  const { groupId, name, downloadedSnapshotId: snapshotId } = ids;
  const { path } = await server.call("save_flex_snapshot", { groupId, name, snapshotId, waitSeconds: 40 });
  const record = JSON.parse(await readFile(`${path}.json`, "utf8"));
  for (let index = 1; index < count; index += 1) {
    const other = `5fb1${index.toString(16).padStart(20, "0")}`;
    const copy = path.replace(snapshotId, other);
    await copyFile(path, copy);
    const { mtimeMs } = await stat(copy);
    await writeFile(`${copy}.json`, JSON.stringify({ ...record, snapshotId: other, mtimeMs }), { mode: 0o600 });
  }
  let shown = 0;
  const list = () =>
    timed(async () => {
      const answer = await server.call("list_saved_snapshots");
      shown = answer.files.length;
    });
  const firstMs = await list();
  return { pid: server.pid, firstMs, shown, run: list, close: server.end };
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
