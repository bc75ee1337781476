// What a request asks for: the operation of its path, the version of its media types, and its query flags.
import type { ApiOperation } from "../faults/words.ts";

/** The version of a resource, as the date in its media type. */
export type ResourceVersion = "2023-01-01" | "2024-11-13";

export interface PathParameters {
  groupId?: string;
  name?: string;
  snapshotId?: string;
  restoreJobId?: string;
}

export interface Route {
  operation: ApiOperation;
  version: ResourceVersion;
  parameters: PathParameters;
}

const BASE = "/api/atlas/v2/";
const CLUSTER = "groups/:groupId/flexClusters/:name";

const ROUTES: [ApiOperation, "GET" | "POST", ResourceVersion, string][] = [
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

/** The operation that a request asks for. If only the method is wrong, `allow` names the right one. */
export function findRoute(method: string, pathname: string): Route | { allow: string } | undefined {
  if (!pathname.startsWith(BASE)) return undefined;
  const segments = pathname.slice(BASE.length).split("/");
  let allow: string | undefined;
  for (const [operation, verb, version, pattern] of ROUTES) {
    const parameters = matchSegments(pattern.split("/"), segments);
    if (parameters && verb === method) return { operation, version, parameters };
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

/** A segment with invalid percent-encoding stays unchanged and then matches no id. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const VERSIONED = /^application\/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json$/;

/**
 * Whether an Accept header admits the resource: one of its types must be versioned and not older than the resource.
 * A newer date means the newest version up to that date; each resource here has one version.
 */
export function accepts(accept: string | undefined, version: ResourceVersion): boolean {
  return typesOf(accept).some((type) => admits(type, version));
}

/** Whether a request body may have this type: plain JSON or a version of the resource. */
export function isBodyType(contentType: string | undefined, version: ResourceVersion): boolean {
  const [type = ""] = typesOf(contentType);
  return type === "application/json" || admits(type, version);
}

export function mediaType(version: ResourceVersion): string {
  return `application/vnd.atlas.${version}+json;charset=utf-8`;
}

function typesOf(header = ""): string[] {
  return header.split(",").map((entry) => (entry.split(";")[0] ?? "").trim().toLowerCase());
}

function admits(type: string, version: ResourceVersion): boolean {
  const date = VERSIONED.exec(type)?.[1];
  return date !== undefined && !Number.isNaN(Date.parse(date)) && date >= version;
}

/** The value of a boolean query parameter. */
export function isTrue({ searchParams }: URL, name: string, byDefault = false): boolean {
  const value = searchParams.get(name);
  return value === null ? byDefault : value.toLowerCase() === "true";
}
