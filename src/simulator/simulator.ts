// Starts a simulated Atlas on loopback: the API and a file host. Records the requests to both.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { createApi } from "./api/api.ts";
import { createOrderBook } from "./faults/orders.ts";
import type { Operation } from "./faults/words.ts";
import { createFileHost, signLink } from "./file/file-host.ts";
import { listen, readBody, textReply, transmit } from "./http.ts";
import { createRestoreJobs, type RestoreJob } from "./restore-jobs.ts";
import { type Environments, environmentsOf } from "./simulated.ts";
import { createWorld } from "./world.ts";

export { SIMULATED } from "./simulated.ts";

/** So that a simulator can run for days, older requests are forgotten; `count` still includes them. */
const MAX_RECORDED = 20_000;

/** Where another process can read the recorded requests. Reading them is not recorded. */
const REQUESTS_PATH = "/_simulator/requests";

/** Everything has a default. */
export interface SimulatorOptions {
  /** Port of the API; 0 takes a free one. */
  port?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Misbehaviour from the start; see `parseOrders`. */
  orders?: string;
  /** Generated projects in addition to the two published ones, each with one Flex cluster and eight snapshots. */
  projects?: number;
  /** Milliseconds from the request to the link, for jobs that take time. */
  jobMs?: number;
  /** Unexpired download jobs that a project may have before TOO_MANY_SNAPSHOT_DOWNLOADS. */
  downloadLimit?: number;
  /** Token requests per minute and client. */
  tokenRequestsPerMinute?: number;
  /** Unexpired tokens that a client may hold. */
  liveTokens?: number;
  /** How many requests a full bucket holds, and how many are added per minute. */
  rateLimit?: { capacity: number; refillPerMinute: number };
  nonceLifetimeMs?: number;
  /** The HTTP status of a failure with `envelope`: its own or 200. Atlas does not document which. */
  envelopedFailures?: "keep-status" | "always-200";
  /** Size of the served files of data directories; exact above a minimum of about 40 kB. */
  snapshotBytes?: number;
  /** `incompressible`: about three quarters of the bytes are random. `compressible`: the file unpacks to about four times its size. */
  contents?: "incompressible" | "compressible";
  /** Bytes per second of each response of the file host; 0 means no limit. */
  fileRateBytesPerSecond?: number;
}

const DEFAULTS: Required<SimulatorOptions> = {
  port: 0,
  now: Date.now,
  orders: "",
  projects: 0,
  jobMs: 4_000,
  downloadLimit: 50,
  tokenRequestsPerMinute: 10,
  liveTokens: 100,
  // Atlas publishes these figures for its Flex resources.
  rateLimit: { capacity: 1_200, refillPerMinute: 500 },
  nonceLifetimeMs: 60_000,
  envelopedFailures: "keep-status",
  snapshotBytes: 64 * 1024 * 1024,
  contents: "incompressible",
  fileRateBytesPerSecond: 0,
};

export interface Simulator {
  /** Origin of the API. */
  baseUrl: string;
  /** Origin of the file host. */
  fileBaseUrl: string;
  /** Variables that point a client here with the first service account; `environments` has all credentials. */
  environment: Record<string, string>;
  environments: Environments;
  /** Every request to either host, oldest first. */
  requests: readonly RecordedRequest[];
  count: (operation: Operation | "api" | "unknown") => number;
  /** The requested download jobs, oldest first, without those that exist from the start. */
  jobs: readonly RestoreJob[];
  /** Orders misbehaviour; see `parseOrders`. */
  order: (text: string) => void;
  clearOrders: () => void;
  /** Revokes all access tokens, including the ready-made ones. */
  revokeTokens: () => void;
  /** Limits each response of the file host from now on; 0 lifts the limit. */
  setFileRate: (bytesPerSecond: number) => void;
  close: () => Promise<void>;
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = { ...DEFAULTS, ...options };
  const { now, jobMs } = settings;
  const orders = createOrderBook(settings.orders);
  const recorder = createRecorder(now);
  const projects = createWorld(now(), settings.projects);
  const jobs = createRestoreJobs(projects, { now, jobMs, sign: (job) => signLink(job, fileHost.baseUrl) });
  let fileRate = settings.fileRateBytesPerSecond;

  const serveFile = createFileHost({
    snapshots: projects.flatMap(({ clusters }) => clusters).flatMap(({ snapshots }) => snapshots),
    orders,
    settings,
    elsewhere: () => `${apiHost.baseUrl}/elsewhere`,
  });
  const fileHost = await listen(0, async (request, response, url) => {
    const onHead = recorder.record("file", request);
    const reply = await serveFile({ method: request.method ?? "", url, headers: request.headers });
    await transmit(reply, { response, onHead, rate: () => fileRate });
  });

  const elsewhere = () => `${fileHost.baseUrl}/elsewhere`;
  const api = createApi({ settings, projects, jobs, orders, elsewhere });
  const apiHost = await listen(settings.port, async (request, response, url) => {
    if (url.pathname === REQUESTS_PATH) {
      const text = JSON.stringify({ requests: recorder.requests });
      return transmit(textReply(200, "application/json", text), { response, onHead: () => {}, rate: () => 0 });
    }
    const { method = "", url: target = "", headers } = request;
    const onHead = recorder.record(api.operationOf(method, url), request);
    const body = await readBody(request);
    const reply = api.answer({ method, target, url, headers, body });
    await transmit(reply, { response, onHead, rate: () => 0 });
  }).catch(async (error) => {
    await fileHost.close();
    throw error;
  });

  const environments = environmentsOf(apiHost.baseUrl);
  return {
    baseUrl: apiHost.baseUrl,
    fileBaseUrl: fileHost.baseUrl,
    environment: environments.owner.serviceAccount,
    environments,
    requests: recorder.requests,
    count: recorder.count,
    jobs: jobs.created,
    order: orders.add,
    clearOrders: orders.clear,
    revokeTokens: api.revokeTokens,
    setFileRate: (bytesPerSecond) => {
      fileRate = bytesPerSecond;
    },
    close: async () => {
      await Promise.all([apiHost.close(), fileHost.close()]);
    },
  };
}

interface RecordedRequest {
  /** `unknown` for a path that the API does not have. */
  operation: Operation | "unknown";
  method: string;
  /** The request target, including the query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Connections are numbered in the order of their first request. */
  connectionId: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** The status of the answer; 0 until an answer begins. */
  status: number;
}

function createRecorder(now: () => number) {
  const requests: RecordedRequest[] = [];
  const counts = new Map<string, number>();
  const connections = new WeakMap<Socket, number>();
  let connectionCount = 0;

  function connectionIdOf(socket: Socket): number {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    connectionCount += 1;
    connections.set(socket, connectionCount);
    return connectionCount;
  }

  return {
    requests,
    count: (operation: Operation | "api" | "unknown"): number => {
      if (operation !== "api") return counts.get(operation) ?? 0;
      const others = ["token", "revoke", "file", "unknown"];
      return [...counts].reduce((sum, [name, count]) => (others.includes(name) ? sum : sum + count), 0);
    },
    /** Returns a function to call with the status when the answer begins. */
    record: (operation: Operation | "unknown", { method = "", url = "", headers, socket }: IncomingMessage) => {
      const connectionId = connectionIdOf(socket);
      const entry = { operation, method, path: url, headers, connectionId, at: now(), status: 0 };
      requests.push(entry);
      if (requests.length > MAX_RECORDED) requests.shift();
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      return (status: number) => {
        entry.status = status;
      };
    },
  };
}
