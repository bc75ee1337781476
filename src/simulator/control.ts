import { type Reply, textReply } from "./http.ts";
import type { Simulator } from "./options.ts";

const PREFIX = "/_simulator/";

/** What another process can do to a simulator over HTTP; `pendingOrders` are those not used up. */
type Controlled = Pick<
  Simulator,
  | "baseUrl"
  | "fileBaseUrl"
  | "environment"
  | "environments"
  | "requests"
  | "jobs"
  | "order"
  | "clearOrders"
  | "expireLinks"
  | "revokeTokens"
  | "replaceObject"
  | "setFileRate"
> & { counts: () => Record<string, number>; pendingOrders: () => readonly object[] };

export function isControl({ pathname }: URL): boolean {
  return pathname.startsWith(PREFIX);
}

/**
 * `GET state`, `GET requests`, `POST orders` (text form as the body), `DELETE orders`, `POST expire-links`,
 * `POST revoke-tokens`, `POST replace-object?snapshotId=…`, `POST file-rate?bytesPerSecond=…`. Not recorded as requests.
 */
export function control(simulator: Controlled, method: string, url: URL, body: string): Reply {
  const parameter = (name: string) => url.searchParams.get(name) ?? "";
  const actions: Record<string, () => void> = {
    "POST orders": () => simulator.order(body),
    "DELETE orders": simulator.clearOrders,
    "POST expire-links": simulator.expireLinks,
    "POST revoke-tokens": simulator.revokeTokens,
    "POST replace-object": () => simulator.replaceObject(parameter("snapshotId")),
    "POST file-rate": () => simulator.setFileRate(Number(parameter("bytesPerSecond"))),
  };
  const name = `${method} ${url.pathname.slice(PREFIX.length)}`;
  if (name === "GET state") return json(200, stateOf(simulator));
  if (name === "GET requests") return json(200, { requests: simulator.requests });
  const action = actions[name];
  if (!action) return json(404, { problem: `Unknown control ${name}; known are ${Object.keys(actions).join(", ")}.` });
  try {
    action();
    return json(200, { done: true });
  } catch (error) {
    if (error instanceof RangeError) return json(400, { problem: error.message });
    throw error;
  }
}

function stateOf(simulator: Controlled): object {
  const { baseUrl, fileBaseUrl, environment, environments, jobs } = simulator;
  return {
    baseUrl,
    fileBaseUrl,
    environment,
    environments,
    counts: simulator.counts(),
    jobs: jobs.map(({ id, snapshot, cluster, createdAt }) => ({
      id,
      groupId: cluster.groupId,
      name: cluster.name,
      snapshotId: snapshot.id,
      createdAt,
    })),
    orders: simulator.pendingOrders(),
  };
}

function json(status: number, value: object): Reply {
  return textReply(status, "application/json", `${JSON.stringify(value, undefined, 2)}\n`);
}
