import { has } from "../faults/order-book.ts";
import type { Fault } from "../faults/orders.ts";
import { isRecord, parseJson } from "../json.ts";
import { bodyViolation, gatewayProblem, type Outcome, type Problem, problem } from "../problems.ts";
import type { JobFate } from "../restore-jobs.ts";
import { findCluster, findProject, findSnapshot, isId, isProblem } from "./lookup.ts";
import { isBodyType } from "./media-type.ts";
import type { Call, Scene } from "./operations.ts";

/** Creates a download job; the only operation here with an effect. */
export function requestDownload(call: Call, { projects, jobs, downloadLimit }: Scene): Outcome {
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
