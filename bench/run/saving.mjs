import { rm } from "node:fs/promises";
import { join } from "node:path";
import { costed, run } from "./commands.mjs";
import { startServer } from "./mcp-server.mjs";
import { BUILT } from "./paths.mjs";

/** The most that one call waits. */
const WAIT_SECONDS = 40;

/**
 * Saves the published snapshot with the built server into an empty folder: from starting the server to the answer that says
 * `complete`, its cost until its end. `during` may make calls of its own meanwhile; it is told when to stop.
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

/** The same file by hand, by a line of shell in which $1 is the link and $2 the file. */
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

/** Each begins with nothing left to write from the one before. */
async function calmDisk(path) {
  await rm(path, { recursive: true, force: true });
  await run("sync", []);
}

/** Lets the simulator make what its files consist of, which it does when one is first asked for. */
export async function prepare(simulator) {
  const response = await fetch(await linkOf(simulator), { headers: { range: "bytes=0-0" } });
  await response.arrayBuffer();
}

/** The link that the published download job has. */
export async function linkOf({ baseUrl, environments, ids }) {
  const { groupId, name, restoreJobId } = ids;
  const path = `/api/atlas/v2/groups/${groupId}/flexClusters/${name}/backup/restoreJobs/${restoreJobId}`;
  const response = await fetch(`${baseUrl}${path}`, {
    headers: {
      accept: "application/vnd.atlas.2024-11-13+json",
      authorization: `Bearer ${environments.accessToken.MONGODB_ATLAS_ACCESS_TOKEN}`,
    },
  });
  const { snapshotUrl } = await response.json();
  return snapshotUrl;
}
