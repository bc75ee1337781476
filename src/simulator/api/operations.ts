// What each operation of the API answers: lookups, pages of lists, and the request for a download.
import { type Fault, has } from "../faults/orders.ts";
import type { ApiOperation } from "../faults/words.ts";
import { bodyViolation, gatewayProblem, type JsonObject, type Outcome, problem } from "../problems.ts";
import type { JobFate, RestoreJobs } from "../restore-jobs.ts";
import type { Principal } from "../simulated.ts";
import {
  type Cluster,
  describeCluster,
  describeProject,
  describeSnapshot,
  type Project,
  type Snapshot,
} from "../world.ts";
import { isBodyType, isTrue, type PathParameters } from "./routes.ts";

interface Call {
  url: URL;
  parameters: PathParameters;
  principal: Principal;
  contentType: string | undefined;
  body: string;
  faults: Fault[];
}

interface Scene {
  projects: Project[];
  jobs: RestoreJobs;
  downloadLimit: number;
  now: () => number;
}

export function createOperations(scene: Scene): Record<ApiOperation, (call: Call) => Outcome> {
  const { projects, jobs, now } = scene;
  const inProject = (answer: (project: Project, call: Call) => Outcome) => (call: Call) => {
    const project = findProject(projects, call.parameters);
    return isProblem(project) ? project : answer(project, call);
  };
  const inCluster = (answer: (cluster: Cluster, call: Call) => Outcome) =>
    inProject((project, call) => {
      const cluster = findCluster(project, call.parameters);
      return isProblem(cluster) ? cluster : answer(cluster, call);
    });
  return {
    listProjects: (call) =>
      paginate(
        projects.filter(({ foreign }) => !foreign).map((project) => describeProject(project, call.url)),
        call,
      ),
    getProject: inProject((project, { url }) => found(describeProject(project, url))),
    listFlexClusters: inProject(({ clusters }, call) =>
      paginate(
        clusters.filter(({ flex }) => flex).map((cluster) => describeCluster(cluster, now())),
        call,
      ),
    ),
    getFlexCluster: inCluster((cluster) => found(describeCluster(cluster, now()))),
    listSnapshots: inCluster(({ snapshots }, call) => paginate(snapshots.map(describeSnapshot), call)),
    getSnapshot: inCluster((cluster, { parameters }) => {
      const snapshot = findSnapshot(cluster, parameters);
      return isProblem(snapshot) ? snapshot : found(describeSnapshot(snapshot));
    }),
    requestDownload: inProject((project, call) => requestDownload(project, call, scene)),
    listRestoreJobs: inCluster((cluster, call) => {
      const hidden = has(call.faults, "hide-downloads") ? "DOWNLOAD" : "";
      const listed = jobs.ofCluster(cluster).filter(({ deliveryType }) => deliveryType !== hidden);
      return paginate(listed.map(jobs.describe), call);
    }),
    getRestoreJob: inCluster((cluster, { parameters, faults }) => {
      if (!isId(parameters.restoreJobId)) return problem("INVALID_JOB_ID", parameters);
      const job = jobs.find(cluster, parameters.restoreJobId);
      const isHidden = has(faults, "hide-downloads") && job?.deliveryType === "DOWNLOAD";
      return job && !isHidden ? found(jobs.describe(job)) : problem("TENANT_RESTORE_NOT_FOUND", parameters);
    }),
  };
}

function found(body: JsonObject): Outcome {
  return { status: 200, body, headers: {} };
}

/** Creates a download job; no other operation changes anything. */
function requestDownload(project: Project, call: Call, { jobs, downloadLimit }: Scene): Outcome {
  const { parameters, principal, faults } = call;
  if (!principal.mayDownload) return problem("USER_UNAUTHORIZED");
  const snapshotId = readSnapshotId(call);
  if (typeof snapshotId !== "string") return snapshotId;
  const cluster = findCluster(project, parameters);
  if (isProblem(cluster)) return cluster;
  const snapshot = findSnapshot(cluster, { ...parameters, snapshotId });
  if (isProblem(snapshot)) return snapshot;
  // Which code Atlas sends for a failed snapshot is not known.
  if (snapshot.state !== "COMPLETED") return problem("CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT");
  if (jobs.activeDownloads(project.id) >= downloadLimit) return problem("TOO_MANY_SNAPSHOT_DOWNLOADS");
  return found(jobs.describe(jobs.request(cluster, snapshot, fateOf(faults))));
}

function readSnapshotId({ contentType, body }: Call): string | Outcome {
  if (!isBodyType(contentType, "2024-11-13")) {
    return gatewayProblem(415, "The content type of the request is not supported.");
  }
  const value = parseJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return problem("VALIDATION_ERROR", { violation: "the body is not a JSON object" });
  }
  if (!("snapshotId" in value)) return bodyViolation("snapshotId", "is required");
  return isId(value.snapshotId) ? value.snapshotId : bodyViolation("snapshotId", "must be 24 hexadecimal digits");
}

/** The value of a JSON text; undefined if the text is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fateOf(faults: Fault[]): JobFate {
  if (has(faults, "job-fails")) return "fails";
  if (has(faults, "job-stays-pending")) return "stays-pending";
  return has(faults, "job-has-no-link") ? "has-no-link" : "completes";
}

/** Atlas answers malformed ids with 404, not with 400. */
function findProject(projects: Project[], parameters: PathParameters): Project | Outcome {
  if (!isId(parameters.groupId)) return problem("INVALID_GROUP_ID", parameters);
  const project = projects.find(({ id }) => id === parameters.groupId);
  if (!project) return problem("GROUP_NOT_FOUND", parameters);
  return project.foreign ? problem("NOT_IN_GROUP", parameters) : project;
}

function findCluster({ clusters }: Project, parameters: PathParameters): Cluster | Outcome {
  const cluster = clusters.find(({ name }) => name === parameters.name);
  if (!cluster) return problem("CLUSTER_NOT_FOUND", parameters);
  return cluster.flex ? cluster : problem("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", parameters);
}

function findSnapshot({ snapshots }: Cluster, parameters: PathParameters): Snapshot | Outcome {
  if (!isId(parameters.snapshotId)) return problem("INVALID_SNAPSHOT_ID", parameters);
  return snapshots.find(({ id }) => id === parameters.snapshotId) ?? problem("TENANT_SNAPSHOT_NOT_FOUND", parameters);
}

function isProblem<T extends object>(value: T | Outcome): value is Outcome {
  return "status" in value;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && /^[a-f0-9]{24}$/.test(value);
}

/** Cuts one page out of a list and describes it as Atlas does, or says which parameter is wrong. */
function paginate(items: JsonObject[], { url, faults }: Pick<Call, "url" | "faults">): Outcome {
  const wanted = wholeNumber(url.searchParams.get("itemsPerPage") ?? "100");
  const itemsPerPage = has(faults, "small-pages") ? Math.min(wanted, 100) : wanted;
  const pageNum = wholeNumber(url.searchParams.get("pageNum") ?? "1");
  const includeCount = isTrue(url, "includeCount", true);
  if (itemsPerPage < 1 || itemsPerPage > 500) {
    return problem("VALIDATION_ERROR", { violation: "itemsPerPage must be between 1 and 500" });
  }
  if (pageNum < 1) return problem("VALIDATION_ERROR", { violation: "pageNum must be at least 1" });

  const link = (rel: string, page: number) => {
    const href = new URL(url.pathname, url);
    // Atlas writes the parameters of the page itself in another order than those of its neighbours.
    const names =
      rel === "self" ? ["includeCount", "pageNum", "itemsPerPage"] : ["includeCount", "itemsPerPage", "pageNum"];
    const values: Record<string, number | boolean> = { includeCount, itemsPerPage, pageNum: page };
    href.search = names.map((name) => `${name}=${values[name]}`).join("&");
    return { href: href.href, rel };
  };
  const from = (pageNum - 1) * itemsPerPage;
  const links = [link("self", pageNum)];
  if (pageNum > 1) links.push(link("previous", pageNum - 1));
  if (from + itemsPerPage < items.length) links.push(link("next", pageNum + 1));
  const results = items.slice(from, from + itemsPerPage);
  const body = { links, results, ...(includeCount ? { totalCount: items.length } : {}) };
  return { status: 200, body, headers: {}, isList: true };
}

/** -1 for anything but a few digits. */
function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}
