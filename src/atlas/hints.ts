import { ATLAS_ACCESS_PAGE, type FailureSource, OWN_ERRORS } from "../core/own-errors.ts";

interface Advice {
  hint: string;
  /** Whom to ask; Atlas's own state unless given. */
  source?: FailureSource;
  /** Whether the same call may succeed later; it may not unless given. */
  retryable?: boolean;
}

const ROLE =
  "The credentials are valid but lack the role. Creating a download needs Project Owner or the newer Project Backup Export Operator on this project, reading needs Project Read Only. An Organization Owner must still be added to the project.";
const API_ACCESS_LIST = `Add the public IP address of this computer to the API access list of the service account or API key (Atlas: ${ATLAS_ACCESS_PAGE}). That list is separate from the project's IP access list.`;
const SNAPSHOT = "List the cluster's snapshots and use an id from there; Atlas deletes a snapshot after eight days.";
const PROJECT =
  "List the Flex clusters without a groupId to see the projects that these credentials can reach, with their ids.";
const JOBS = "List the cluster's restore jobs and use an id from there.";
const NO_BACKUPS = "This cluster or plan has no Flex backups. Flex clusters only.";
const RATE = "Atlas limits the rate of calls. Wait a minute, or as long as it asks for, then call again.";

/** What to do about each code that Atlas documents for these operations (MongoDB's page "Atlas Administration API error codes"). */
export const ADVICE: Readonly<Record<string, Advice>> = {
  CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API: {
    hint: "This cluster is not a Flex cluster. This server covers Flex clusters only; for M10 and above use the Atlas UI or the Atlas CLI.",
  },
  CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API: { hint: "Check MONGODB_ATLAS_BASE_URL: the request reached another API." },
  VALIDATION_ERROR: { hint: "Check the ids against a fresh list of snapshots, then call again." },
  TOO_MANY_SNAPSHOT_DOWNLOADS: {
    hint: "The project has reached its number of active downloads. Use an existing download job (see the cluster's restore jobs), or wait until its links expire, four hours after they were requested.",
    retryable: true,
  },
  USER_UNAUTHORIZED: { hint: ROLE, source: "credentials" },
  USER_CANNOT_ACCESS_GROUP: { hint: ROLE, source: "credentials" },
  USER_CANNOT_ACCESS_ORG: { hint: ROLE, source: "credentials" },
  NO_CURRENT_USER: { hint: ROLE, source: "credentials" },
  TENANT_SNAPSHOT_ACCESS_DENIED: { hint: ROLE, source: "credentials" },
  ACCESS_FORBIDDEN: { hint: ROLE, source: "credentials" },
  NOT_IN_GROUP: {
    hint: `The credentials do not belong to this project, or the project does not exist. ${PROJECT} In Atlas, invite the service account or API key to the project.`,
    source: "credentials",
  },
  ACCOUNT_SUSPENDED: {
    hint: "The organization is suspended because of an unpaid invoice; a billing admin must settle it in Atlas.",
  },
  IP_ADDRESS_NOT_ON_ACCESS_LIST: { hint: API_ACCESS_LIST, source: "credentials" },
  IP_ADDRESS_NOT_ON_WHITELIST: { hint: API_ACCESS_LIST, source: "credentials" },
  ORG_REQUIRES_ACCESS_LIST: { hint: API_ACCESS_LIST, source: "credentials" },
  ORG_REQUIRES_WHITELIST: { hint: API_ACCESS_LIST, source: "credentials" },
  RESOURCE_REQUIRES_ACCESS_LIST: { hint: API_ACCESS_LIST, source: "credentials" },
  RESOURCE_REQUIRES_WHITELIST: { hint: API_ACCESS_LIST, source: "credentials" },
  ATLAS_NETWORK_PERMISSIONS_SIZE_EXCEEDED: {
    hint: "The project's IP access list (Atlas: Network Access) is too long for a download link. Shorten it by merging entries, or restore the snapshot to another cluster and dump that.",
  },
  FEATURE_UNSUPPORTED: { hint: NO_BACKUPS },
  UNSUPPORTED_FOR_CURRENT_PLAN: { hint: NO_BACKUPS },
  GLOBAL_USER_OUTSIDE_SUBNET: { hint: API_ACCESS_LIST, source: "credentials" },
  GROUP_NOT_FOUND: { hint: PROJECT },
  INVALID_GROUP_ID: { hint: PROJECT },
  NOT_ATLAS_GROUP: { hint: PROJECT },
  CLUSTER_NOT_FOUND: {
    hint: "List the Flex clusters of the project and use a name from there; names are case-sensitive.",
  },
  TENANT_SNAPSHOT_NOT_FOUND: { hint: SNAPSHOT },
  SNAPSHOT_NOT_FOUND: { hint: SNAPSHOT },
  INVALID_SNAPSHOT_ID: { hint: SNAPSHOT },
  TENANT_RESTORE_NOT_FOUND: {
    hint: `${JOBS} If a download was requested just now, its job may not be readable: its own answer is then all there is.`,
  },
  INVALID_JOB_ID: { hint: JOBS },
  RESOURCE_NOT_FOUND: { hint: "Check the project id, the cluster's name and MONGODB_ATLAS_BASE_URL." },
  WRITES_NOT_ALLOWED_DURING_APP_UPGRADES: {
    hint: "Atlas is being upgraded and takes no requests that change something. Try again in some minutes.",
    retryable: true,
  },
  INVALID_VERSION_DATE: {
    hint: "Check MONGODB_ATLAS_BASE_URL and any proxy in between: the Accept header did not arrive as it was sent.",
  },
  CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT: {
    hint: "Wait until the snapshot's status is COMPLETED, or choose an older one.",
    retryable: true,
  },
  CANNOT_START_RESTORE_JOB_FOR_DELETED_SNAPSHOT: { hint: SNAPSHOT },
  ATLAS_CLUSTER_RESTORE_IN_PROGRESS: {
    hint: "Wait for the running restore of this cluster to end, then call again.",
    retryable: true,
  },
  LINK_EXPIRATION_AFTER_SNAPSHOT_DELETION: {
    hint: "The snapshot will be deleted before a link would expire. Choose a newer snapshot.",
  },
  RATE_LIMITED_TOKEN_BUCKET: {
    hint: RATE,
    retryable: true,
  },
  RATE_LIMITED: {
    hint: RATE,
    retryable: true,
  },
  UNEXPECTED_ERROR: {
    hint: "Atlas reports a fault of its own. Call again in a minute; if it persists, look at the status page of MongoDB Cloud.",
    retryable: true,
  },
};

/** Whether a code is one of the documented ones; any other is text of a stranger, which advice must not repeat. */
export function isKnownCode(code: string): boolean {
  return Object.hasOwn(ADVICE, code) || Object.hasOwn(OWN_ERRORS, code);
}

/** What to do about an answer that is no success. */
export function adviceFor(status: number, errorCode: string | undefined): Required<Advice> {
  const known = errorCode !== undefined && Object.hasOwn(ADVICE, errorCode) ? ADVICE[errorCode] : undefined;
  return known ? { source: "atlas", retryable: false, ...known } : adviceForStatus(status);
}

/**
 * Statuses below 500 that a gateway can send after the request reached Atlas: 408 (RFC 9110 section 15.5.9), 425 (RFC 8470), and
 * nginx's 499. They say nothing of what became of the request.
 */
export function isByGateway(status: number): boolean {
  return status === 408 || status === 425 || status === 499;
}

/** What to do when Atlas named no code, or one that is not documented. */
function adviceForStatus(status: number): Required<Advice> {
  if (status === 401)
    return {
      source: "credentials",
      retryable: false,
      hint: "Atlas rejects the credentials. Check that they are complete, not expired, and belong to the organization of this project.",
    };
  if (status === 403)
    return { source: "credentials", retryable: false, hint: `${API_ACCESS_LIST} If it is there already: ${ROLE}` };
  if (status === 404)
    return {
      source: "atlas",
      retryable: false,
      hint: "Check the project id, the cluster's name and the snapshot or job id against fresh lists.",
    };
  if (status === 409)
    return {
      source: "atlas",
      retryable: true,
      hint: "The present state of the cluster or snapshot does not allow this. Look at its status and call again later.",
    };
  if (status === 410)
    return {
      source: "atlas",
      retryable: false,
      hint: "Atlas no longer offers this version of its API; update this server.",
    };
  if (status === 429)
    return {
      source: "atlas",
      retryable: true,
      hint: RATE,
    };
  if (isByGateway(status))
    return {
      source: "atlas",
      retryable: true,
      hint: "The request took too long on its way, or something between this computer and Atlas broke it off. Call again in a minute; if it persists, check the network and any proxy.",
    };
  if (status >= 500)
    return {
      source: "atlas",
      retryable: true,
      hint: "Atlas has a fault or is in maintenance. Call again in a minute; if it persists, look at the status page of MongoDB Cloud.",
    };
  return {
    source: "atlas",
    retryable: false,
    hint: "Check the arguments against fresh lists of clusters and snapshots, then call again.",
  };
}
