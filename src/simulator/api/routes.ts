import type { ApiOperation } from "../faults/words.ts";

export interface PathParameters {
  groupId?: string;
  name?: string;
  snapshotId?: string;
  restoreJobId?: string;
}

export interface Route {
  operation: ApiOperation;
  method: "GET" | "POST";
  version: ResourceVersion;
  parameters: PathParameters;
}

const CLUSTER = "groups/:groupId/flexClusters/:name";

const ROUTES: [ApiOperation, Route["method"], ResourceVersion, string][] = [
  ["listProjects", "GET", "2023-01-01", "groups"],
  ["getProject", "GET", "2023-01-01", "groups/:groupId"],
  ["listFlexClusters", "GET", "2024-11-13", "groups/:groupId/flexClusters"],
  ["getFlexCluster", "GET", "2024-11-13", CLUSTER],
  ["listSnapshots", "GET", "2024-11-13", `${CLUSTER}/backup/snapshots`],
  ["getSnapshot", "GET", "2024-11-13", `${CLUSTER}/backup/snapshots/:snapshotId`],
  ["requestDownload", "POST", "2024-11-13", `${CLUSTER}/backup/download`],
  ["listRestoreJobs", "GET", "2024-11-13", `${CLUSTER}/backup/restoreJobs`],
  ["getRestoreJob", "GET", "2024-11-13", `${CLUSTER}/backup/restoreJobs/:restoreJobId`],
];

const BASE = "/api/atlas/v2/";

/** Which operation a request asks for; a known path with another method names the method it has. */
export function findRoute(method: string, pathname: string): Route | { allow: string } | undefined {
  if (!pathname.startsWith(BASE)) return undefined;
  const segments = pathname.slice(BASE.length).split("/");
  let allow: string | undefined;
  for (const [operation, verb, version, pattern] of ROUTES) {
    const parameters = matchSegments(pattern.split("/"), segments);
    if (parameters && verb === method) return { operation, method: verb, version, parameters };
    if (parameters) allow = verb;
  }
  return allow === undefined ? undefined : { allow };
}

function matchSegments(pattern: string[], segments: string[]): PathParameters | undefined {
  if (pattern.length !== segments.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const segment = segments[index] ?? "";
    if (expected.startsWith(":")) found[expected.slice(1)] = decode(segment);
    else if (expected !== segment) return undefined;
  }
  return found;
}

/** A segment that is not valid percent-encoding stays as it came and then matches no id. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The version of each resource, as the date in its media type. */
export type ResourceVersion = "2023-01-01" | "2024-11-13";

const VERSIONED = /^application\/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$/;

/**
 * Whether an Accept header reaches the resource: one of its types must be versioned, and not older than the resource.
 * A newer date means the newest version up to it, which here is the only one.
 */
export function accepts(accept: string | undefined, version: ResourceVersion): boolean {
  return typesOf(accept).some((type) => reaches(type, version));
}

/** Whether a request body may be sent as this type: plain JSON or a version that the resource has. */
export function isBodyType(contentType: string | undefined, version: ResourceVersion): boolean {
  const [type = ""] = typesOf(contentType);
  return type === "application/json" || reaches(type, version);
}

export function mediaType(version: ResourceVersion): string {
  return `application/vnd.atlas.${version}+json;charset=utf-8`;
}

function typesOf(header = ""): string[] {
  return header.split(",").map((entry) => (entry.split(";")[0] ?? "").trim().toLowerCase());
}

function reaches(type: string, version: ResourceVersion): boolean {
  const date = VERSIONED.exec(type)?.[1];
  return date !== undefined && !Number.isNaN(Date.parse(date)) && date >= version;
}
