import type { Principal } from "../auth/principals.ts";
import { has } from "../faults/order-book.ts";
import type { Fault } from "../faults/orders.ts";
import type { ApiOperation } from "../faults/words.ts";
import type { JsonObject } from "../json.ts";
import { type Outcome, problem } from "../problems.ts";
import type { RestoreJobs } from "../restore-jobs.ts";
import { describeSnapshot } from "../snapshots.ts";
import { describeCluster, describeProject, type Project } from "../world.ts";
import { requestDownload } from "./download.ts";
import { findCluster, findJob, findProject, findSnapshot, isProblem } from "./lookup.ts";
import { paginate } from "./paging.ts";
import type { PathParameters } from "./routes.ts";

export interface Call {
  url: URL;
  parameters: PathParameters;
  principal: Principal;
  contentType: string | undefined;
  body: string;
  faults: Fault[];
}

export interface Scene {
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
