import { serve } from "../http/servers.ts";

const HOUR_MS = 3_600_000;

export interface TestSnapshot {
  id?: string;
  status?: string;
  /** Hours since it finished, or since it began if it has not finished. */
  age?: number;
  /** Instead of `age`. */
  finishTime?: string;
}

export interface TestCluster {
  name: string;
  /** Other fields of the cluster, such as `stateName`. */
  fields?: object;
  /** An HTTP status refuses the list; "hang" never answers. */
  snapshots?: TestSnapshot[] | number | "hang";
}

export interface TestProject {
  name?: string;
  /** An HTTP status refuses the list. */
  clusters: TestCluster[] | number;
}

export const projectId = (index: number) => `5fa3${index.toString(16).padStart(20, "0")}`;
export const snapshotIdOf = (index: number) => `5fa4${index.toString(16).padStart(20, "0")}`;

/** A complete snapshot that finished so many hours ago. */
export const complete = (age: number): TestSnapshot => ({ status: "COMPLETED", age });

const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS).toISOString().replace(/\.\d+Z$/, "Z");

/** A real server that lists only projects, Flex clusters and snapshots. Ids count up from 0 in the order of the lists. */
export async function atlasOfClusters(projects: TestProject[]) {
  const seen = { paths: [] as string[], inFlight: 0, mostInFlight: 0 };
  const { url } = await serve(async (request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname.replace("/api/atlas/v2/groups", "");
    seen.paths.push(path);
    seen.inFlight += 1;
    seen.mostInFlight = Math.max(seen.mostInFlight, seen.inFlight);
    await new Promise((resolve) => setTimeout(resolve, 5));
    seen.inFlight -= 1;
    const answer = answerTo(path, projects);
    if (answer === "hang") return;
    const [status, body] = typeof answer === "number" ? [answer, { error: answer }] : [200, { results: answer }];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  const env = { MONGODB_ATLAS_BASE_URL: url.origin, MONGODB_ATLAS_ACCESS_TOKEN: "any-access-token" };
  return { env, seen };
}

function answerTo(path: string, projects: TestProject[]): object[] | number | "hang" {
  if (path === "") return projects.map(({ name }, index) => ({ id: projectId(index), name }));
  const [, groupId, , cluster] = path.split("/");
  const { clusters } = projects.find((_, index) => projectId(index) === groupId) ?? { clusters: 404 };
  if (typeof clusters === "number") return clusters;
  if (cluster === undefined) return clusters.map(({ name, fields }) => ({ name, ...CLUSTER_FIELDS, ...fields }));
  const { snapshots = [] } = clusters.find(({ name }) => name === cluster) ?? { snapshots: 404 };
  return Array.isArray(snapshots) ? snapshots.map(describeSnapshot) : snapshots;
}

const CLUSTER_FIELDS = { stateName: "IDLE", createDate: "2025-01-01T00:00:00Z", backupSettings: { enabled: true } };

function describeSnapshot({ age, status = "COMPLETED", id, finishTime }: TestSnapshot, index: number) {
  const time = age === undefined ? finishTime : hoursAgo(age);
  const isOver = status === "COMPLETED" || status === "FAILED";
  return {
    id: id ?? snapshotIdOf(index),
    status,
    mongoDBVersion: "8.0.16",
    startTime: time,
    ...(isOver ? { finishTime: time } : {}),
  };
}
