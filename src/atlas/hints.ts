// What to do about each error of Atlas, by its code, else by its HTTP status.
import type { Failure } from "../core/errors.ts";
import { ATLAS_ACCESS_PAGE, type FailureSource, isOwnCode } from "../core/own-errors.ts";

interface Advice {
  hint: string;
  /** Where the failure arose; "atlas" if omitted. */
  source?: FailureSource;
  /** Whether the same call may succeed later; false if omitted. */
  retryable?: boolean;
}

const ROLE: Advice = {
  hint: "The credentials are valid but lack the role. Creating a download needs Project Owner or the newer Project Backup Export Operator on this project, reading needs Project Read Only. An Organization Owner must still be added to the project.",
  source: "credentials",
};
const API_ACCESS_LIST: Advice = {
  hint: `Add the public IP address of this computer to the API access list of the service account or API key (Atlas: ${ATLAS_ACCESS_PAGE}). That list is separate from the project's IP access list.`,
  source: "credentials",
};
const SNAPSHOT: Advice = {
  hint: "List the cluster's snapshots and use an id from there; Atlas deletes a snapshot after eight days.",
};
const PROJECT: Advice = {
  hint: "List the Flex clusters without a groupId to see the projects that these credentials can reach, with their ids.",
};
const JOBS: Advice = { hint: "List the cluster's restore jobs and use an id from there." };
const NO_BACKUPS: Advice = { hint: "This cluster or plan has no Flex backups. Flex clusters only." };
const RATE: Advice = {
  hint: "Atlas limits the rate of calls. Call again in a minute.",
  retryable: true,
};

/** For each code that Atlas documents for these operations (MongoDB's page "Atlas Administration API error codes"). */
export const ADVICE: Readonly<Record<string, Advice>> = {
  CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API: {
    hint: "This cluster is not a Flex cluster. This server covers Flex clusters only; for M10 and above use the Atlas UI or the Atlas CLI.",
  },
  CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API: { hint: "Check MONGODB_ATLAS_BASE_URL: the request reached another API." },
  VALIDATION_ERROR: { hint: "Check the ids against a fresh list of snapshots, then call again." },
  TOO_MANY_SNAPSHOT_DOWNLOADS: {
    hint: "The project has reached its limit of active downloads. Use an existing download job (see the cluster's restore jobs), or call again once its links have expired, four hours after they were requested.",
    retryable: true,
  },
  USER_UNAUTHORIZED: ROLE,
  USER_CANNOT_ACCESS_GROUP: ROLE,
  USER_CANNOT_ACCESS_ORG: ROLE,
  NO_CURRENT_USER: ROLE,
  TENANT_SNAPSHOT_ACCESS_DENIED: ROLE,
  ACCESS_FORBIDDEN: ROLE,
  NOT_IN_GROUP: {
    hint: `The credentials do not belong to this project, or the project does not exist. ${PROJECT.hint} In Atlas, invite the service account or API key to the project.`,
    source: "credentials",
  },
  ACCOUNT_SUSPENDED: {
    hint: "The organization is suspended because of an unpaid invoice; a billing admin must settle it in Atlas.",
  },
  IP_ADDRESS_NOT_ON_ACCESS_LIST: API_ACCESS_LIST,
  IP_ADDRESS_NOT_ON_WHITELIST: API_ACCESS_LIST,
  ORG_REQUIRES_ACCESS_LIST: API_ACCESS_LIST,
  ORG_REQUIRES_WHITELIST: API_ACCESS_LIST,
  RESOURCE_REQUIRES_ACCESS_LIST: API_ACCESS_LIST,
  RESOURCE_REQUIRES_WHITELIST: API_ACCESS_LIST,
  ATLAS_NETWORK_PERMISSIONS_SIZE_EXCEEDED: {
    hint: "The project's IP access list (Atlas: Network Access) is too long for a download link. Shorten it by merging entries, or restore the snapshot to another cluster and dump that.",
  },
  FEATURE_UNSUPPORTED: NO_BACKUPS,
  UNSUPPORTED_FOR_CURRENT_PLAN: NO_BACKUPS,
  GLOBAL_USER_OUTSIDE_SUBNET: API_ACCESS_LIST,
  GROUP_NOT_FOUND: PROJECT,
  INVALID_GROUP_ID: PROJECT,
  NOT_ATLAS_GROUP: PROJECT,
  CLUSTER_NOT_FOUND: {
    hint: "List the Flex clusters of the project and use a name from there; names are case-sensitive.",
  },
  TENANT_SNAPSHOT_NOT_FOUND: SNAPSHOT,
  SNAPSHOT_NOT_FOUND: SNAPSHOT,
  INVALID_SNAPSHOT_ID: SNAPSHOT,
  TENANT_RESTORE_NOT_FOUND: {
    hint: `${JOBS.hint} If a download was requested just now, its job may not be readable: its own answer is then all there is.`,
  },
  INVALID_JOB_ID: JOBS,
  RESOURCE_NOT_FOUND: { hint: "Check the project id, the cluster's name and MONGODB_ATLAS_BASE_URL." },
  WRITES_NOT_ALLOWED_DURING_APP_UPGRADES: {
    hint: "Atlas is being upgraded and takes no requests that change something. Call again in some minutes.",
    retryable: true,
  },
  INVALID_VERSION_DATE: {
    hint: "Check MONGODB_ATLAS_BASE_URL and any proxy in between: the Accept header did not arrive as it was sent.",
  },
  CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT: {
    hint: "Look at the snapshot's status. Wait while Atlas is taking it; one that is FAILED never becomes complete, so choose another. Then call again.",
    retryable: true,
  },
  CANNOT_START_RESTORE_JOB_FOR_DELETED_SNAPSHOT: SNAPSHOT,
  ATLAS_CLUSTER_RESTORE_IN_PROGRESS: {
    hint: "Wait for the running restore of this cluster to end, then call again.",
    retryable: true,
  },
  LINK_EXPIRATION_AFTER_SNAPSHOT_DELETION: {
    hint: "The snapshot will be deleted before a link would expire. Choose a newer snapshot.",
  },
  RATE_LIMITED_TOKEN_BUCKET: RATE,
  RATE_LIMITED: RATE,
  UNEXPECTED_ERROR: {
    hint: "Atlas reported an internal error. Call again in a minute; if it persists, look at the status page of MongoDB Cloud.",
    retryable: true,
  },
};

const INTERRUPTED: Advice = {
  hint: "The request took too long on its way, or something between this computer and Atlas broke it off. Call again in a minute; if it persists, check the network and any proxy.",
  retryable: true,
};
const SERVER_ERROR: Advice = {
  hint: "Atlas has an internal error or is in maintenance. Call again in a minute; if it persists, look at the status page of MongoDB Cloud.",
  retryable: true,
};
const OTHER: Advice = { hint: "Check the arguments against fresh lists of clusters and snapshots, then call again." };

/** For answers without a documented code. */
const STATUS_ADVICE: Readonly<Record<number, Advice>> = {
  401: {
    hint: "Atlas rejects the credentials. Check that they are complete, not expired, and belong to the organization of this project.",
    source: "credentials",
  },
  403: { hint: `${API_ACCESS_LIST.hint} If it is there already: ${ROLE.hint}`, source: "credentials" },
  404: { hint: "Check the project id, the cluster's name and the snapshot or job id against fresh lists." },
  409: {
    hint: "The present state of the cluster or snapshot does not allow this. Look at its status and call again later.",
    retryable: true,
  },
  410: { hint: "Atlas no longer offers this version of its API; update this server." },
  429: RATE,
};

export function adviceFor(status: number, errorCode: string | undefined): Required<Advice> {
  const code = tellingCode(status, errorCode);
  const known = code !== undefined && Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined;
  return { source: "atlas", retryable: false, ...(known ?? adviceForStatus(status)) };
}

/**
 * The code, unless the status says more. Atlas also sends UNEXPECTED_ERROR when it rejects credentials (401) or does not find
 * something (404), so this code means a fault of Atlas only with a status from 500 on.
 */
export function tellingCode(status: number | undefined, errorCode: string | undefined): string | undefined {
  return errorCode === "UNEXPECTED_ERROR" && status !== undefined && status < 500 ? undefined : errorCode;
}

function adviceForStatus(status: number): Advice {
  if (isByGateway(status)) return INTERRUPTED;
  return STATUS_ADVICE[status] ?? (status >= 500 ? SERVER_ERROR : OTHER);
}

/** The longest documented code has 48 characters. */
const ATLAS_CODE = /^[A-Z][A-Z0-9_]{0,79}$/;

/**
 * Whether a text has the form of Atlas's codes, of which the documented ones are only some. Any other text could be an
 * instruction. One of this server's own codes would make Atlas's words look like ours.
 */
export function isAtlasCode(text: string | undefined): text is string {
  return text !== undefined && ATLAS_CODE.test(text) && !isOwnCode(text);
}

/** Whether a code is documented. Advice must not repeat any other code, which could be any text. */
export function isKnownCode(code: string): boolean {
  return Object.hasOwn(ADVICE, code) || isOwnCode(code);
}

/** The known code or the HTTP status of a failure, after `before`; empty when it has neither. */
export function reasonInWords({ envelope: { error, errorCode } }: Failure, before: string): string {
  const code = tellingCode(error, errorCode);
  if (code !== undefined && isKnownCode(code)) return `${before}${code}`;
  return error === undefined ? "" : `${before}HTTP ${error}`;
}

/** Statuses below 500 that a gateway can send although Atlas received the request: RFC 9110 section 15.5.9, RFC 8470, nginx. */
export function isByGateway(status: number): boolean {
  return [408, 425, 499].includes(status);
}
