import { createAtlas } from "../src/atlas/client.ts";
import { clean } from "../src/core/text.ts";
import type { KnownJobs } from "../src/download/contract.ts";
import type { Send } from "../src/http/messages.ts";
import { createSnapshotSource } from "../src/server/snapshot-source.ts";
import { pausingClock } from "./http/clocks.ts";
import { transport } from "./http/requests.ts";
import { serve } from "./http/servers.ts";

/** Milliseconds. */
export const HOUR = 3_600_000;
export const SNAPSHOT = { groupId: "5fa1000000000000000000b1", name: "orders", snapshotId: "5fa1000000000000000000c8" };
export const OTHER_SNAPSHOT = "5fa1000000000000000000c9";
export const LINK = "https://files.example/snapshot.tgz?X-Amz-Signature=abc";

type Fields = Record<string, string | undefined>;

export interface Behaviour {
  /** Changes the job that a request creates. */
  job?: (job: Fields) => Fields;
  /** How a POST is answered after it created its job: with a broken connection, or with a bare status. */
  post?: "reset" | number;
  /** Which of all jobs the list shows; `listed` counts the requests for the list so far. */
  list?: (jobs: Fields[], listed: number) => Fields[];
  /** Whether a job can be read by its id. */
  shows?: () => boolean;
  /** How far this computer's clock is ahead of Atlas's. */
  aheadMs?: number;
}

/** A real server that serves only restore jobs, and one snapshot in place of any, and a snapshot source whose waits take no real time. */
export async function atlasOfJobs(behaviour: Behaviour) {
  const here = pausingClock();
  const there = () => here.now() - (behaviour.aheadMs ?? 0);
  const jobs: Fields[] = [];
  const seen = { posts: 0, lists: 0, reads: 0 };
  const server = await serve(async (request, response) => {
    for await (const _ of request);
    const path = request.url ?? "";
    const send = (status: number, body: unknown) => {
      const headers = { "content-type": "application/json", date: new Date(there()).toUTCString() };
      response.writeHead(status, headers).end(JSON.stringify(body));
    };
    if (request.method === "POST") {
      seen.posts += 1;
      const job = jobAt(there(), seen.posts);
      jobs.unshift(behaviour.job?.(job) ?? job);
      if (behaviour.post === "reset") return void request.socket.destroy();
      if (behaviour.post !== undefined) return void response.writeHead(behaviour.post).end();
      return send(200, jobs[0]);
    }
    if (path.includes("/restoreJobs?")) {
      seen.lists += 1;
      return send(200, { results: behaviour.list?.(jobs, seen.lists) ?? jobs });
    }
    if (path.includes("/snapshots/")) return send(200, { id: OTHER_SNAPSHOT, status: "COMPLETED" });
    seen.reads += 1;
    const job = behaviour.shows?.() === false ? undefined : jobs.find(({ id }) => path.endsWith(`/${id}`));
    return job ? send(200, job) : send(404, { error: 404, errorCode: "RESOURCE_NOT_FOUND" });
  });
  const real = transport();
  // Requests take real time; the waits between them do not.
  const send: Send = (request) => real({ ...request, deadline: Date.now() + 10_000 });
  const openAtlas = () => createAtlas({ baseUrl: server.url, send, clock: here, shown: clean });
  const atlas = openAtlas();
  const never = new AbortController().signal;
  const written: Pick<KnownJobs, "restoreJobId" | "requestedAt"> = {};

  /** Asks for a link as a save does, with what earlier calls recorded: only that survives a restart. */
  async function link({ refused = [], restarted = false }: { refused?: string[]; restarted?: boolean } = {}) {
    const source = createSnapshotSource({ atlas: restarted ? openAtlas() : atlas, clock: here });
    const known: KnownJobs = {
      ...written,
      refused: new Set(refused),
      onRequest: async () => {
        delete written.restoreJobId;
        written.requestedAt = here.now();
      },
      onJob: async (id) => {
        if (id) written.restoreJobId = id;
        else delete written.requestedAt;
      },
    };
    return source.link(SNAPSHOT, known, never);
  }
  const describe = () => createSnapshotSource({ atlas, clock: here }).describe(SNAPSHOT, never);
  const limits = () => ({ deadline: here.now() + 45_000, signal: never });
  return { atlas, link, describe, written, jobs, seen, clock: here, limits, behaviour };
}

/** A finished job as Atlas shows it, requested at the given time. */
export function jobAt(moment: number, count: number): Fields {
  return {
    id: `5fa1000000000000000d${String(count).padStart(4, "0")}`,
    deliveryType: "DOWNLOAD",
    status: "COMPLETED",
    snapshotId: SNAPSHOT.snapshotId,
    restoreScheduledDate: new Date(moment).toISOString(),
    expirationDate: new Date(moment + 4 * HOUR).toISOString(),
    snapshotUrl: `${LINK}&job=${count}`,
  };
}
