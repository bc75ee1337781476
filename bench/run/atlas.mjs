// Starts the simulated Atlas in its own process, sends requests to it directly, and saves its file by server or by hand.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BUILT, costed, ROOT, run, startServer } from "./processes.mjs";

/** So high that no limit of Atlas affects the measurement. */
const UNLIMITED = {
  rateLimit: { capacity: 1e9, refillPerMinute: 1e9 },
  tokenRequestsPerMinute: 1e6,
  liveTokens: 1e6,
  downloadLimit: 1e6,
};

/** The embedded simulator over http and, at `httpsUrl`, over https; without limits unless the options set them. */
export function startSimulator(options = {}) {
  return startAside("simulator", { ...UNLIMITED, ...options });
}

/** A slow line to a simulator. Its `baseUrl` and the links in the simulator's answers lead through the line. */
export function startLine({ baseUrl, fileBaseUrl }, { roundTripMs, bytesPerSecond = Number.POSITIVE_INFINITY }) {
  return startAside("line", { baseUrl, fileBaseUrl, roundTripMs, bytesPerSecond: String(bytesPerSecond) });
}

/** Starts a part of bench/servers/atlas.mjs in its own process and resolves to the facts that it prints. */
async function startAside(part, settings) {
  const program = join(ROOT, "bench/servers/atlas.mjs");
  const child = spawn(process.execPath, [program, part, JSON.stringify(settings)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "close").then(() => Promise.reject(new Error(`The ${part} did not start.`))),
  ]);
  return {
    ...JSON.parse(line),
    close: async () => {
      const closed = once(child, "close");
      child.stdin.end();
      await closed;
    },
  };
}

/** The URL of a cluster's backups; by default of the published cluster. */
export const backupUrl = ({ baseUrl, ids }, name = ids.name) =>
  `${baseUrl}/api/atlas/v2/groups/${ids.groupId}/flexClusters/${name}/backup`;

export const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";

/** The headers of a request with a ready-made access token. */
export const tokenHeaders = ({ environments }) => ({
  accept: FLEX_MEDIA_TYPE,
  authorization: `Bearer ${environments.accessToken.MONGODB_ATLAS_ACCESS_TOKEN}`,
});

/** The link of the published download job. */
export async function linkOf(simulator) {
  const url = `${backupUrl(simulator)}/restoreJobs/${simulator.ids.restoreJobId}`;
  const response = await fetch(url, { headers: tokenHeaders(simulator) });
  const { snapshotUrl } = await response.json();
  return snapshotUrl;
}

/** Makes the simulator generate its file, which happens at the first request. */
export async function prepare(simulator) {
  const response = await fetch(await linkOf(simulator), { headers: { range: "bytes=0-0" } });
  await response.arrayBuffer();
}

/** The longest that one call waits. */
const WAIT_SECONDS = 40;

/**
 * Saves the published snapshot with the built server into an empty folder. The time runs from the server's start to the
 * answer `complete`, the cost to the server's end. `during` may make other calls meanwhile; its signal says when to stop.
 */
export async function save({ baseUrl, environments, ids }, folder, during = async () => undefined) {
  const { groupId, name, downloadedSnapshotId: snapshotId } = ids;
  const saved = join(folder, "saved");
  const env = {
    HOME: folder,
    ATLAS_FLEX_DOWNLOAD_DIR: saved,
    ...environments.serviceAccount,
    MONGODB_ATLAS_BASE_URL: baseUrl,
  };
  await calmDisk(saved);
  const { command, args, cost } = costed(process.execPath, [BUILT], join(folder, "cost"));
  const server = startServer(command, args, { env });
  await server.initialize();
  const done = new AbortController();
  const meanwhile = during(server, done.signal);
  let answer;
  do answer = await server.call("save_flex_snapshot", { groupId, name, snapshotId, waitSeconds: WAIT_SECONDS });
  while (answer.state !== "complete" && answer.state !== "paused");
  const seconds = server.elapsedMs() / 1_000;
  done.abort();
  await meanwhile;
  await server.end();
  if (answer.state !== "complete" || answer.integrity.gzip !== "ok")
    throw new Error(`Not saved: ${JSON.stringify(answer)}`);
  await rm(saved, { recursive: true });
  return { seconds, ...(await cost()), sha256: answer.sha256 };
}

/** Saves the same file with a line of shell, in which $1 is the link and $2 the file. */
export async function byHand(line, link, folder) {
  const file = join(folder, "by-hand.tgz");
  await calmDisk(file);
  const { command, args, cost } = costed("sh", ["-ec", line, "sh", link, file], join(folder, "cost"));
  const startedAt = performance.now();
  const printed = await run(command, args);
  const seconds = (performance.now() - startedAt) / 1_000;
  await rm(file);
  return { seconds, ...(await cost()), sha256: /[0-9a-f]{64}/.exec(printed)?.[0] };
}

/** Removes the file of an earlier run and waits until nothing is left to write to the disk. */
async function calmDisk(path) {
  await rm(path, { recursive: true, force: true });
  await run("sync", []);
}
