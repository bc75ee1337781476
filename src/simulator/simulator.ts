import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** The same in every process, so that documentation and scripts can name them. */
export const SIMULATED = {
  clientId: "mdb_sa_id_5fa1000000000000000000aa",
  clientSecret: "mdb_sa_sk_simulated-secret",
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  snapshotId: "5fa1000000000000000000c8",
} as const;

const MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
const DAY_MS = 86_400_000;
const LINK_LIFE_MS = 4 * 3_600_000;

interface Job {
  id: string;
  snapshotId: string;
  createdAt: number;
}

export interface Simulator {
  baseUrl: string;
  close: () => Promise<void>;
}

/** An Atlas of its own on loopback: token endpoint, snapshots, download jobs. `failWith` makes every API call answer that status. */
export async function startSimulator(options: { port?: number; failWith?: number } = {}): Promise<Simulator> {
  const jobs = new Map<string, Job>();
  const server = createServer((request, response) => void handle(request, response));
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const baseUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const path = new URL(request.url ?? "/", baseUrl).pathname;
    if (path === "/api/oauth/token") return token(request, response);
    if (options.failWith) {
      return apiError(response, options.failWith, "UNEXPECTED_ERROR", "Unexpected error.", "Internal Server Error");
    }
    if (request.headers.authorization !== "Bearer simulated-token") {
      return json(response, 401, {
        error: 401,
        reason: "Unauthorized",
        detail: "You are not authorized for this resource.",
      });
    }
    if (request.headers.accept !== MEDIA_TYPE) {
      return apiError(
        response,
        406,
        "INVALID_VERSION_DATE",
        "Invalid accept header or version date.",
        "Not Acceptable",
      );
    }
    const [, group, name, resource] =
      /^\/api\/atlas\/v2\/groups\/([^/]+)\/flexClusters\/([^/]+)\/backup\/(.+)$/.exec(path) ?? [];
    if (group !== SIMULATED.groupId) return notFound(response, "GROUP_NOT_FOUND", `No group with ID ${group} exists.`);
    if (name !== SIMULATED.name)
      return notFound(response, "CLUSTER_NOT_FOUND", `No cluster named ${name} exists in group ${group}.`);
    if (resource === "snapshots") return json(response, 200, { results: snapshots(), totalCount: 8 });
    if (resource === "download" && request.method === "POST") return download(response, body);
    const job = jobs.get(resource?.replace("restoreJobs/", "") ?? "");
    if (job) return json(response, 200, describeJob(job));
    return notFound(response, "TENANT_RESTORE_NOT_FOUND", `No Flex restore with that ID exists for cluster ${name}.`);
  }

  function token(request: IncomingMessage, response: ServerResponse): void {
    const pair = Buffer.from(`${SIMULATED.clientId}:${SIMULATED.clientSecret}`).toString("base64");
    if (request.headers.authorization !== `Basic ${pair}`) {
      return json(response, 401, { error: "invalid_client", error_description: "Invalid credentials provided." });
    }
    json(response, 200, { access_token: "simulated-token", expires_in: 3600, token_type: "Bearer" });
  }

  function download(response: ServerResponse, body: string): void {
    const snapshotId = /"snapshotId":"([a-f0-9]{24})"/.exec(body)?.[1];
    if (!snapshots().some(({ id }) => id === snapshotId) || !snapshotId) {
      return notFound(
        response,
        "TENANT_SNAPSHOT_NOT_FOUND",
        `No Flex snapshot with ID ${snapshotId} exists for cluster ${SIMULATED.name}.`,
      );
    }
    const job = { id: `5fa1${(jobs.size + 1).toString(16).padStart(20, "0")}`, snapshotId, createdAt: Date.now() };
    jobs.set(job.id, job);
    json(response, 200, describeJob(job));
  }

  /** Moves through the states for about four seconds after the request. */
  function describeJob({ id, snapshotId, createdAt }: Job): object {
    const age = Date.now() - createdAt;
    const status = age < 1_000 ? "PENDING" : age < 4_000 ? "RUNNING" : "COMPLETED";
    return {
      id,
      deliveryType: "DOWNLOAD",
      status,
      snapshotId,
      projectId: SIMULATED.groupId,
      instanceName: SIMULATED.name,
      restoreScheduledDate: date(createdAt),
      expirationDate: date(createdAt + LINK_LIFE_MS),
      ...(status === "COMPLETED" ? { snapshotUrl: `${baseUrl}/files/${snapshotId}.tgz?signature=simulated` } : {}),
    };
  }

  return {
    baseUrl,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** Eight daily snapshots, oldest first as Atlas lists them. */
function snapshots() {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  return Array.from({ length: 8 }, (_, index) => {
    const scheduled = today - (7 - index) * DAY_MS - 6 * 3_600_000;
    return {
      id: `5fa1000000000000000000c${index + 1}`,
      status: "COMPLETED",
      mongoDBVersion: "8.0.16",
      scheduledTime: date(scheduled),
      startTime: date(scheduled + 20_000),
      finishTime: date(scheduled + 95_000),
      expiration: date(scheduled + 8 * DAY_MS),
    };
  });
}

function date(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}

function json(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    "content-type": status === 200 ? `${MEDIA_TYPE};charset=utf-8` : "application/json",
    ...headers,
  });
  response.end(JSON.stringify(body));
}

function apiError(response: ServerResponse, status: number, errorCode: string, detail: string, reason: string): void {
  json(response, status, { detail, error: status, errorCode, parameters: [], reason }, { "x-error-code": errorCode });
}

function notFound(response: ServerResponse, errorCode: string, detail: string): void {
  apiError(response, 404, errorCode, detail, "Not Found");
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}
