import { type Problem, problem } from "../problems.ts";
import type { RestoreJob, RestoreJobs } from "../restore-jobs.ts";
import type { Snapshot } from "../snapshots.ts";
import type { Cluster, Project } from "../world.ts";
import type { PathParameters } from "./routes.ts";

const ID = /^[a-f0-9]{24}$/;

export function isProblem<T extends object>(value: T | Problem): value is Problem {
  return "status" in value;
}

export function isId(value: unknown): value is string {
  return typeof value === "string" && ID.test(value);
}

/** Malformed ids are answered with 404, as Atlas does, not with 400. */
export function findProject(projects: Project[], parameters: PathParameters): Project | Problem {
  if (!isId(parameters.groupId)) return problem("INVALID_GROUP_ID", parameters);
  const project = projects.find(({ id }) => id === parameters.groupId);
  if (!project) return problem("GROUP_NOT_FOUND", parameters);
  return project.foreign ? problem("NOT_IN_GROUP", parameters) : project;
}

export function findCluster(projects: Project[], parameters: PathParameters): Cluster | Problem {
  const project = findProject(projects, parameters);
  if (isProblem(project)) return project;
  const cluster = project.clusters.find(({ name }) => name === parameters.name);
  if (!cluster) return problem("CLUSTER_NOT_FOUND", parameters);
  return cluster.flex ? cluster : problem("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", parameters);
}

export function findSnapshot(cluster: Cluster, parameters: PathParameters): Snapshot | Problem {
  if (!isId(parameters.snapshotId)) return problem("INVALID_SNAPSHOT_ID", parameters);
  return (
    cluster.snapshots.find(({ id }) => id === parameters.snapshotId) ?? problem("TENANT_SNAPSHOT_NOT_FOUND", parameters)
  );
}

export function findJob(jobs: RestoreJobs, cluster: Cluster, parameters: PathParameters): RestoreJob | Problem {
  if (!isId(parameters.restoreJobId)) return problem("INVALID_JOB_ID", parameters);
  return jobs.find(cluster, parameters.restoreJobId) ?? problem("TENANT_RESTORE_NOT_FOUND", parameters);
}
