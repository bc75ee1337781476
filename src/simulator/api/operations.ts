import { type Fault, has } from "../faults/orders.ts";
import type { ApiOperation } from "../faults/words.ts";
import {
  bodyViolation,
  gatewayProblem,
  isRecord,
  type JsonObject,
  type Outcome,
  type Problem,
  parseJson,
  problem,
} from "../problems.ts";
import type { JobFate, RestoreJob, RestoreJobs } from "../restore-jobs.ts";
import type { Principal } from "../simulated.ts";
import {
  type Cluster,
  describeCluster,
  describeProject,
  describeSnapshot,
  type Project,
  type Snapshot,
} from "../world.ts";
import { isBodyType, type PathParameters } from "./routes.ts";

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
}

export type Operations = Record<ApiOperation, (call: Call) => Outcome>;

export function createOperations(scene: Scene): Operations {
  const { projects, jobs } = scene;
  return {
    listProjects: ({ url }) => paginate(projects.filter(({ foreign }) => !foreign).map(describeProject), url),
    getProject: ({ parameters }) => {
      const project = findProject(projects, parameters);
      return isProblem(project) ? project : found(describeProject(project));
    },
    listFlexClusters: ({ parameters, url }) => {
      const project = findProject(projects, parameters);
      if (isProblem(project)) return project;
      return paginate(project.clusters.filter(({ flex }) => flex).map(describeCluster), url);
    },
    getFlexCluster: ({ parameters }) => {
      const cluster = findCluster(projects, parameters);
      return isProblem(cluster) ? cluster : found(describeCluster(cluster));
    },
    listSnapshots: ({ parameters, url }) => {
      const cluster = findCluster(projects, parameters);
      return isProblem(cluster) ? cluster : paginate(cluster.snapshots.map(describeSnapshot), url);
    },
    getSnapshot: ({ parameters }) => {
      const cluster = findCluster(projects, parameters);
      if (isProblem(cluster)) return cluster;
      const snapshot = findSnapshot(cluster, parameters);
      return isProblem(snapshot) ? snapshot : found(describeSnapshot(snapshot));
    },
    requestDownload: (call) => requestDownload(call, scene),
    listRestoreJobs: ({ parameters, url, faults }) => {
      const cluster = findCluster(projects, parameters);
      if (isProblem(cluster)) return cluster;
      const hidden = has(faults, "hide-downloads") ? "DOWNLOAD" : "";
      const listed = jobs.ofCluster(cluster).filter(({ deliveryType }) => deliveryType !== hidden);
      return paginate(listed.map(jobs.describe), url);
    },
    getRestoreJob: ({ parameters, faults }) => {
      const cluster = findCluster(projects, parameters);
      if (isProblem(cluster)) return cluster;
      const job = findJob(jobs, cluster, parameters);
      if (isProblem(job)) return job;
      if (has(faults, "hide-downloads") && job.deliveryType === "DOWNLOAD") {
        return problem("TENANT_RESTORE_NOT_FOUND", parameters);
      }
      return found(jobs.describe(job));
    },
  };
}

function found(body: JsonObject): Outcome {
  return { status: 200, body, headers: {} };
}

/** Creates a download job; the only operation here with an effect. */
function requestDownload(call: Call, { projects, jobs, downloadLimit }: Scene): Outcome {
  const project = findProject(projects, call.parameters);
  if (isProblem(project)) return project;
  if (!call.principal.mayDownload) return problem("USER_UNAUTHORIZED");
  const snapshotId = readSnapshotId(call);
  if (typeof snapshotId !== "string") return snapshotId;
  const cluster = findCluster(projects, call.parameters);
  if (isProblem(cluster)) return cluster;
  const snapshot = findSnapshot(cluster, { ...call.parameters, snapshotId });
  if (isProblem(snapshot)) return snapshot;
  if (snapshot.running) return problem("CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT");
  if (jobs.activeDownloads(project.id) >= downloadLimit) return problem("TOO_MANY_SNAPSHOT_DOWNLOADS");
  const job = jobs.request(cluster, snapshot, fateOf(call.faults));
  return { status: 200, body: jobs.describe(job), headers: {} };
}

function readSnapshotId({ contentType, body }: Call): string | Problem {
  if (!isBodyType(contentType, "2024-11-13")) {
    return gatewayProblem(415, "The content type of the request is not supported.");
  }
  const value = parseJson(body);
  if (!isRecord(value)) return problem("VALIDATION_ERROR", { violation: "the body is not a JSON object" });
  if (!("snapshotId" in value)) return bodyViolation("snapshotId", "is required");
  return isId(value.snapshotId) ? value.snapshotId : bodyViolation("snapshotId", "must be 24 hexadecimal digits");
}

function fateOf(faults: Fault[]): JobFate {
  if (has(faults, "job-fails")) return "fails";
  if (has(faults, "job-stays-pending")) return "stays-pending";
  return has(faults, "job-has-no-link") ? "has-no-link" : "completes";
}

const ID = /^[a-f0-9]{24}$/;

function isProblem<T extends object>(value: T | Problem): value is Problem {
  return "status" in value;
}

function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

/** Malformed ids are answered with 404, as Atlas does, not with 400. */
function findProject(projects: Project[], parameters: PathParameters): Project | Problem {
  if (!isId(parameters.groupId)) return problem("INVALID_GROUP_ID", parameters);
  const project = projects.find(({ id }) => id === parameters.groupId);
  if (!project) return problem("GROUP_NOT_FOUND", parameters);
  return project.foreign ? problem("NOT_IN_GROUP", parameters) : project;
}

function findCluster(projects: Project[], parameters: PathParameters): Cluster | Problem {
  const project = findProject(projects, parameters);
  if (isProblem(project)) return project;
  const cluster = project.clusters.find(({ name }) => name === parameters.name);
  if (!cluster) return problem("CLUSTER_NOT_FOUND", parameters);
  return cluster.flex ? cluster : problem("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", parameters);
}

function findSnapshot(cluster: Cluster, parameters: PathParameters): Snapshot | Problem {
  if (!isId(parameters.snapshotId)) return problem("INVALID_SNAPSHOT_ID", parameters);
  return (
    cluster.snapshots.find(({ id }) => id === parameters.snapshotId) ?? problem("TENANT_SNAPSHOT_NOT_FOUND", parameters)
  );
}

function findJob(jobs: RestoreJobs, cluster: Cluster, parameters: PathParameters): RestoreJob | Problem {
  if (!isId(parameters.restoreJobId)) return problem("INVALID_JOB_ID", parameters);
  return jobs.find(cluster, parameters.restoreJobId) ?? problem("TENANT_RESTORE_NOT_FOUND", parameters);
}

interface PageRequest {
  itemsPerPage: number;
  pageNum: number;
  includeCount: boolean;
}

/** Cuts one page out of a list and describes it as Atlas does, or says which parameter is wrong. */
function paginate(items: JsonObject[], url: URL): Outcome {
  const request = readPaging(url.searchParams);
  if ("status" in request) return request;
  const { itemsPerPage, pageNum, includeCount } = request;
  const from = (pageNum - 1) * itemsPerPage;
  const results = items.slice(from, from + itemsPerPage);
  const link = (rel: string, page: number) => ({ href: hrefOf(url, request, page), rel });
  const links = [link("self", pageNum)];
  if (pageNum > 1) links.push(link("previous", pageNum - 1));
  if (from + itemsPerPage < items.length) links.push(link("next", pageNum + 1));
  const body = { links, results, ...(includeCount ? { totalCount: items.length } : {}) };
  return { status: 200, body, headers: {}, isList: true };
}

export function isTrue(parameters: URLSearchParams, name: string, byDefault = false): boolean {
  const value = parameters.get(name);
  return value === null ? byDefault : value.toLowerCase() === "true";
}

function readPaging(parameters: URLSearchParams): PageRequest | Problem {
  const itemsPerPage = wholeNumber(parameters.get("itemsPerPage") ?? "100");
  const pageNum = wholeNumber(parameters.get("pageNum") ?? "1");
  if (itemsPerPage < 1 || itemsPerPage > 500) return outOfRange("itemsPerPage must be between 1 and 500");
  if (pageNum < 1) return outOfRange("pageNum must be at least 1");
  return { itemsPerPage, pageNum, includeCount: isTrue(parameters, "includeCount", true) };
}

function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

function outOfRange(violation: string): Problem {
  return problem("VALIDATION_ERROR", { violation });
}

function hrefOf(url: URL, { itemsPerPage, includeCount }: PageRequest, pageNum: number): string {
  const href = new URL(url.pathname, url);
  href.search = new URLSearchParams({
    includeCount: String(includeCount),
    itemsPerPage: String(itemsPerPage),
    pageNum: String(pageNum),
  }).toString();
  return href.href;
}
