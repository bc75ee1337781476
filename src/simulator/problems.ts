// What an operation answers, and every documented error of the Atlas Admin API with its wording.
import { STATUS_CODES } from "node:http";

export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
  [field: string]: Json;
}

/** What an operation answers, before `envelope` and `pretty` are applied. */
export interface Outcome {
  status: number;
  body: JsonObject;
  headers: Record<string, string>;
  /** With `envelope`, a list gets a `status` field instead of a wrapper. */
  isList?: boolean;
  /** The gateway's 401, which comes with a challenge and without the headers of the API. */
  isRefusal?: boolean;
}

/** The facts of a request that error texts contain. */
export interface RequestFacts {
  groupId: string;
  name: string;
  snapshotId: string;
  restoreJobId: string;
  /** The path without the leading slash. */
  resource: string;
  address: string;
  retrySeconds: number;
  capacity: number;
  refillPerMinute: number;
  violation: string;
}

export const NO_FACTS: RequestFacts = {
  groupId: "",
  name: "",
  snapshotId: "",
  restoreJobId: "",
  resource: "",
  address: "127.0.0.1",
  retrySeconds: 1,
  capacity: 1_200,
  refillPerMinute: 500,
  violation: "unspecified",
};

interface ProblemKind {
  status: number;
  /** The parameters replace each %s in turn. */
  detail: string;
  parameters: (keyof RequestFacts)[] | ((facts: RequestFacts) => Json[]);
}

const kind = (status: number, detail: string, ...parameters: (keyof RequestFacts)[]): ProblemKind => ({
  status,
  detail,
  parameters,
});

/** The documented error codes of the operations. */
const PROBLEMS: Record<string, ProblemKind> = {
  CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API: kind(400, "Cannot use non-flex cluster %s in the flex API.", "name"),
  CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API: kind(400, "Flex cluster %s cannot be used in the Cluster API.", "name"),
  VALIDATION_ERROR: kind(400, "The request content produced the validation error: %s.", "violation"),
  TOO_MANY_SNAPSHOT_DOWNLOADS: kind(400, "The project has reached its limit of active manual snapshot downloads."),
  USER_UNAUTHORIZED: kind(401, "Current user is not authorized to perform this action."),
  NOT_IN_GROUP: kind(401, "The current user is not in the group, or the group does not exist."),
  USER_CANNOT_ACCESS_GROUP: kind(401, "The current user cannot access the group %s.", "groupId"),
  USER_CANNOT_ACCESS_ORG: kind(401, "The current user cannot access this organization."),
  NO_CURRENT_USER: kind(401, "No current user."),
  TENANT_SNAPSHOT_ACCESS_DENIED: kind(401, "Not authorized to access specified tenant snapshot."),
  ACCOUNT_SUSPENDED: kind(402, "The account is suspended because an invoice is unpaid."),
  IP_ADDRESS_NOT_ON_ACCESS_LIST: kind(403, "IP address %s is not allowed to access this resource.", "address"),
  ORG_REQUIRES_ACCESS_LIST: kind(403, "This organization requires access through an access list of IP ranges."),
  RESOURCE_REQUIRES_ACCESS_LIST: kind(403, "This resource requires access through an access list of IP ranges."),
  ATLAS_NETWORK_PERMISSIONS_SIZE_EXCEEDED: kind(
    403,
    "The IP access list of the project is too large for tenant backups to be downloaded.",
  ),
  FEATURE_UNSUPPORTED: kind(403, "Feature not supported by the current account level."),
  ACCESS_FORBIDDEN: kind(403, "Access to this resource is forbidden."),
  UNSUPPORTED_FOR_CURRENT_PLAN: kind(403, "The current plan does not support this operation."),
  GLOBAL_USER_OUTSIDE_SUBNET: kind(403, "The user is outside the required subnet."),
  GROUP_NOT_FOUND: kind(404, "No group with ID %s exists.", "groupId"),
  INVALID_GROUP_ID: kind(404, "An invalid group ID %s was specified.", "groupId"),
  CLUSTER_NOT_FOUND: kind(404, "No cluster named %s exists in group %s.", "name", "groupId"),
  TENANT_SNAPSHOT_NOT_FOUND: kind(404, "No Flex snapshot with ID %s exists for cluster %s.", "snapshotId", "name"),
  TENANT_RESTORE_NOT_FOUND: kind(404, "No Flex restore with ID %s exists for cluster %s.", "restoreJobId", "name"),
  INVALID_SNAPSHOT_ID: kind(404, "An invalid snapshot ID %s was specified.", "snapshotId"),
  SNAPSHOT_NOT_FOUND: kind(404, "No snapshot with ID %s exists.", "snapshotId"),
  INVALID_JOB_ID: kind(404, "An invalid job ID %s was specified.", "restoreJobId"),
  RESOURCE_NOT_FOUND: kind(404, "Cannot find resource %s.", "resource"),
  NOT_ATLAS_GROUP: kind(404, "Group %s is not an Atlas group.", "groupId"),
  WRITES_NOT_ALLOWED_DURING_APP_UPGRADES: kind(405, "Writes are not allowed during a planned upgrade."),
  INVALID_VERSION_DATE: kind(406, "Invalid accept header or version date."),
  CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT: kind(409, "Cannot download a snapshot that is not complete."),
  CANNOT_START_RESTORE_JOB_FOR_DELETED_SNAPSHOT: kind(409, "Cannot start a job for a deleted snapshot."),
  ATLAS_CLUSTER_RESTORE_IN_PROGRESS: kind(409, "A restore of the cluster is in progress."),
  LINK_EXPIRATION_AFTER_SNAPSHOT_DELETION: kind(409, "The link would expire after the snapshot is deleted."),
  RATE_LIMITED_TOKEN_BUCKET: {
    status: 429,
    detail:
      "Rate limit exceeded for %s. Please retry after %s seconds. Request capacity: %s. Refill rate: %s per %s seconds.",
    parameters: (facts) => [facts.resource, facts.retrySeconds, facts.capacity, facts.refillPerMinute, 60],
  },
  RATE_LIMITED: {
    status: 429,
    detail: "Resource %s is limited to %s requests every %s minutes.",
    parameters: ({ resource, capacity }) => [`/${resource}`, capacity, 1],
  },
  UNEXPECTED_ERROR: kind(500, "Unexpected error."),
};

/** The code of a status if an order names none. */
const CODE_OF_STATUS: Record<number, string> = {
  400: "VALIDATION_ERROR",
  402: "ACCOUNT_SUSPENDED",
  403: "ACCESS_FORBIDDEN",
  404: "RESOURCE_NOT_FOUND",
  405: "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES",
  406: "INVALID_VERSION_DATE",
  409: "ATLAS_CLUSTER_RESTORE_IN_PROGRESS",
  429: "RATE_LIMITED_TOKEN_BUCKET",
  500: "UNEXPECTED_ERROR",
};

export const PROBLEM_CODES: readonly string[] = Object.keys(PROBLEMS);

/** A documented error, filled in for a request. `status` overrides the documented status. */
export function problem(errorCode: string, facts: Partial<RequestFacts> = {}, status?: number): Outcome {
  const known = PROBLEMS[errorCode] ?? kind(status ?? 500, "Something undocumented happened.");
  const all = { ...NO_FACTS, ...facts };
  const { parameters } = known;
  const values = typeof parameters === "function" ? parameters(all) : parameters.map((name) => all[name]);
  const rest = [...values];
  const answered = status ?? known.status;
  return {
    status: answered,
    body: {
      detail: known.detail.replace(/%s/g, () => String(rest.shift() ?? "")),
      error: answered,
      errorCode,
      // For a code without parameters, Atlas sends either null or an empty list. Here, a 401 has the empty list.
      parameters: values.length > 0 || answered === 401 ? values : null,
      reason: STATUS_CODES[answered] ?? "Unknown",
    },
    headers: { "X-Error-Code": errorCode },
  };
}

/** The error with the usual code of this status; if the status has no code, an answer of the gateway. */
export function problemOfStatus(status: number, facts: Partial<RequestFacts> = {}): Outcome {
  if (status === 401) return gatewayRefusal();
  const code = CODE_OF_STATUS[status];
  return code === undefined ? gatewayProblem(status, `HTTP ${status}.`) : problem(code, facts);
}

/** An error of the gateway in front of the API, which has no error code and no parameters. */
export function gatewayProblem(status: number, detail: string, headers: Record<string, string> = {}): Outcome {
  return { status, body: { error: status, reason: STATUS_CODES[status] ?? "Unknown", detail }, headers };
}

/** The gateway's 401 for missing and for wrong credentials, as recorded since August 2026. */
export function gatewayRefusal(detail = "You are not authorized for this resource."): Outcome {
  const { status, body } = gatewayProblem(401, detail);
  const headers = { Vary: "Accept-Encoding" };
  return { status, body: { ...body, errorCode: "UNEXPECTED_ERROR" }, headers, isRefusal: true };
}

/** The gateway's 401 until July 2026: no error code, and JSON on one line. */
export function oldRefusal(refusal: Outcome): Outcome {
  const { errorCode: _code, ...body } = refusal.body;
  const { Vary: _vary, ...headers } = refusal.headers;
  return { ...refusal, body, headers };
}

/** The error for a request body, with the name of the wrong field. */
export function bodyViolation(field: string, description: string): Outcome {
  const found = problem("VALIDATION_ERROR", { violation: `${field} ${description}` });
  return { ...found, body: { ...found.body, badRequestDetail: { fields: [{ description, field }] } } };
}
