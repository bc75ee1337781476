// The table of this server's own errors: source, meaning and hint of each.

/** Where a failure arose, which tells whom to ask. */
export type FailureSource = "atlas" | "credentials" | "network" | "configuration" | "input" | "file-host" | "disk";

interface OwnError {
  source: FailureSource;
  retryable: boolean;
  /** What happened, in one sentence. */
  meaning: string;
  hint: string;
}

/** The page of Atlas for credentials, by its present and its former name. */
export const ATLAS_ACCESS_PAGE = "Project Identity & Access (formerly Access Manager)";

/** A client takes the environment of a server from its own configuration, or from a form. */
const WHERE_SETTINGS_ARE =
  "where the MCP client keeps the settings of this server (env in its configuration, or the form of the desktop extension)";

/**
 * In the order of the documentation. Atlas's own codes are in `atlas/hints.ts`. Hints name no tool, because a configuration may
 * offer only some of them. A hint is the whole advice, to which nothing is added: it says itself whether to call again, which
 * means the same call, and when.
 */
export const OWN_ERRORS = {
  INVALID_INPUT: {
    source: "input",
    retryable: false,
    meaning: "An argument does not have the required form; nothing was sent.",
    hint: "Correct the named arguments and call again.",
  },
  PROJECT_NOT_ALLOWED: {
    source: "configuration",
    retryable: false,
    meaning: "The project is not in ATLAS_FLEX_ALLOWED_PROJECTS; nothing was sent.",
    hint: "Use one of the allowed projects, or ask the person who configured this server to add the id to ATLAS_FLEX_ALLOWED_PROJECTS.",
  },
  CLUSTER_UNKNOWN: {
    source: "input",
    retryable: false,
    meaning: "No Flex cluster has this name.",
    hint: "Ask the person which cluster is meant, or list the clusters. Names are case-sensitive. For a cluster of another tier (M0, M10 and above), use the Atlas UI or the Atlas CLI: this server does not cover it.",
  },
  SEVERAL_CLUSTERS: {
    source: "input",
    retryable: false,
    meaning: "Several projects have a Flex cluster of this name.",
    hint: "Ask the person which project is meant, then call again with its groupId.",
  },
  PROJECTS_UNREADABLE: {
    source: "atlas",
    retryable: true,
    meaning: "Some projects could not be read, so the cluster may also be in one of them.",
    hint: "Call again, or name the project of the cluster as groupId. Projects that stay unreadable need an invitation of the credentials, or ATLAS_FLEX_ALLOWED_PROJECTS without them.",
  },
  NO_COMPLETE_SNAPSHOT: {
    source: "atlas",
    retryable: true,
    meaning: "The cluster has no complete backup.",
    hint: "Call again once Atlas has taken one; none can be taken on demand. For the data of this moment, use mongodump.",
  },
  CREDENTIALS_MISSING: {
    source: "configuration",
    retryable: false,
    meaning: "No complete credentials are configured.",
    hint: `Set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET ${WHERE_SETTINGS_ARE}, then restart it. They come from a service account of Atlas: ${ATLAS_ACCESS_PAGE} > Create Application > Service Account; docs/setup.md of this server has the steps. An API key (MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY) works too.`,
  },
  CONFIGURATION_INVALID: {
    source: "configuration",
    retryable: false,
    meaning: "A setting cannot be used; every problem is listed.",
    hint: `Correct the named settings ${WHERE_SETTINGS_ARE}, then restart it.`,
  },
  INVALID_CREDENTIALS: {
    source: "credentials",
    retryable: false,
    meaning: "Atlas does not know the client id or key, or its secret is wrong or expired.",
    hint: `Check both halves of the configured credentials: client id and client secret, or public and private API key. Secrets of service accounts expire; create a new one in Atlas: ${ATLAS_ACCESS_PAGE}.`,
  },
  ACCESS_TOKEN_REJECTED: {
    source: "credentials",
    retryable: false,
    meaning: "Atlas rejects the configured MONGODB_ATLAS_ACCESS_TOKEN.",
    hint: "Access tokens live one hour. Set a new MONGODB_ATLAS_ACCESS_TOKEN and restart this server, or configure a service account, which renews its tokens by itself.",
  },
  TOKEN_LIMIT_REACHED: {
    source: "credentials",
    retryable: true,
    meaning: "The service account already holds the 100 access tokens that Atlas allows.",
    hint: "Tokens lapse after one hour. Call again later, or use a service account of its own for this server.",
  },
  TOKEN_REQUEST_FAILED: {
    source: "credentials",
    retryable: true,
    meaning: "The token endpoint gave no usable answer.",
    hint: "Call again in a minute. If it persists, check MONGODB_ATLAS_BASE_URL and any proxy between this computer and Atlas.",
  },
  CONNECTION_FAILED: {
    source: "network",
    retryable: true,
    meaning: "No connection could be made; nothing was sent.",
    hint: "Check the network connection, MONGODB_ATLAS_BASE_URL and, where one is needed, HTTPS_PROXY in the settings of this server, then call again.",
  },
  PROXY_FAILED: {
    source: "network",
    retryable: false,
    meaning: "The configured proxy refused the connection or could not be reached.",
    hint: "Check HTTPS_PROXY or HTTP_PROXY in the settings of this server, its user name and password included; NO_PROXY exempts hosts. Then call again.",
  },
  TLS_FAILED: {
    source: "network",
    retryable: false,
    meaning: "The certificate of the other side is not trusted, or the secure connection could not be set up.",
    hint: "Behind a company's inspecting proxy, set NODE_EXTRA_CA_CERTS to its CA certificate file in the settings of this server. Check the clock of this computer too. Then call again.",
  },
  CONNECTION_LOST: {
    source: "network",
    retryable: true,
    meaning: "The connection broke before the answer was complete.",
    hint: "Call again. If it persists, check the network and any proxy in between.",
  },
  TIMEOUT: {
    source: "network",
    retryable: true,
    meaning: "No complete answer arrived in time.",
    hint: "Call again in a moment. If it persists, check the network and the status page of MongoDB Cloud.",
  },
  REDIRECT_REFUSED: {
    source: "network",
    retryable: false,
    meaning:
      "A redirect arrived that is not followed. Requests to Atlas carry secrets; a file host may redirect three times, but not from https to http.",
    hint: "Check MONGODB_ATLAS_BASE_URL: it must be the origin of the Atlas API itself. A captive portal or proxy may answer in its place. Then call again.",
  },
  UNREADABLE_RESPONSE: {
    source: "atlas",
    retryable: true,
    meaning: "The answer is not what the Atlas API documents.",
    hint: "A proxy or captive portal may have answered in place of Atlas. Check MONGODB_ATLAS_BASE_URL and the network, then call again.",
  },
  RESPONSE_TOO_LARGE: {
    source: "atlas",
    retryable: false,
    meaning: "The answer exceeds 8 MiB, more than any answer of the Atlas API.",
    hint: "Check MONGODB_ATLAS_BASE_URL: something other than Atlas may be answering.",
  },
  OUTCOME_UNKNOWN: {
    source: "atlas",
    retryable: false,
    meaning: "The download request may or may not have created a job, and the cluster's restore jobs do not show one.",
    hint: "Do not simply repeat the request. Look at the cluster's restore jobs first: a new DOWNLOAD job of this snapshot is the result. Only if none has appeared after a few minutes is another request safe.",
  },
  JOB_FAILED: {
    source: "atlas",
    retryable: true,
    meaning: "Atlas reports the download job as FAILED.",
    hint: "Call again, which requests one more job.",
  },
  JOBS_KEEP_FAILING: {
    source: "atlas",
    retryable: false,
    meaning:
      "At least two download jobs of this snapshot failed in Atlas within the last hour, so no other job is requested until an hour has passed.",
    hint: "Save another snapshot of the cluster. If its jobs fail too, ask MongoDB support.",
  },
  JOB_WITHOUT_LINK: {
    source: "atlas",
    retryable: false,
    meaning:
      "The download job ended without a link that can be used. No other job is requested in its place until its four hours have passed.",
    hint: "Save another snapshot of the cluster. If its job has no link either, ask MongoDB support.",
  },
  LINK_NOT_READY: {
    source: "atlas",
    retryable: true,
    meaning: "The download job has not received its link yet.",
    hint: "Call again in a minute; the job goes on in Atlas and is not requested twice.",
  },
  SNAPSHOT_NOT_COMPLETE: {
    source: "input",
    retryable: true,
    meaning: "The snapshot is not complete yet, so there is nothing to download.",
    hint: "Wait until its status is COMPLETED and call again, or choose an older snapshot.",
  },
  SNAPSHOT_FAILED: {
    source: "input",
    retryable: false,
    meaning: "Atlas failed to take this snapshot. It will never become complete.",
    hint: "Choose another snapshot of the cluster whose status is COMPLETED, and call again with its id.",
  },
  LINK_EXPIRED: {
    source: "file-host",
    retryable: true,
    meaning: "The file host refuses a link that is no longer fresh, and no new one was to be had in this run.",
    hint: "Call again: a new link is then asked for.",
  },
  LINK_REFUSED: {
    source: "file-host",
    retryable: true,
    meaning: "The file host refuses a fresh link; the detail says why, if the host does.",
    hint: "Add this computer's public IP address to the project's IP access list (Atlas: Network Access), then call again.",
  },
  LINK_UNSAFE: {
    source: "file-host",
    retryable: false,
    meaning: "The link does not lead to a public https host, so it is not opened.",
    hint: 'A VPN or proxy program may give hosts addresses of its own ("fake IP", such as 198.18.0.0/15), or your company may reach this host through a private endpoint. If so, set ATLAS_FLEX_FILE_HOSTS to the value in the message, restart this server and call again; no second download job is requested.',
  },
  FILE_HOST_FAILED: {
    source: "file-host",
    retryable: true,
    meaning: "The file host answered in a way from which no file can be saved.",
    hint: "Call again later.",
  },
  NOT_A_SNAPSHOT: {
    source: "file-host",
    retryable: false,
    meaning: "What the file host sent is not a gzip file, or unpacks to a text such as a web page.",
    hint: "A login page of a proxy or captive portal may have answered in place of the file host. Check the network, then call again.",
  },
  TRANSFER_INTERRUPTED: {
    source: "file-host",
    retryable: true,
    meaning: "The transfer broke off or stalled and every new attempt failed; the part is kept.",
    hint: "Check the network and call again.",
  },
  FILE_DAMAGED: {
    source: "file-host",
    retryable: true,
    meaning: "The complete file failed its check and was discarded, twice.",
    hint: "Call again later, or save another snapshot. If it persists, something on the way alters the data.",
  },
  FILE_TOO_LARGE: {
    source: "file-host",
    retryable: false,
    meaning: "The file exceeds 64 GiB, far above the storage of a Flex cluster.",
    hint: "Check that the link leads to a snapshot of a Flex cluster.",
  },
  DISK_FULL: {
    source: "disk",
    retryable: false,
    meaning: "The disk of the download folder has too little free space; what was saved before is kept.",
    hint: "Free space on that disk, then call again. To use another disk, set ATLAS_FLEX_DOWNLOAD_DIR and restart this server; the transfer starts from the beginning there.",
  },
  DISK_FAILED: {
    source: "disk",
    retryable: false,
    meaning: "The operating system refused to read or write in the download folder.",
    hint: "Check the permissions, quota and file system of the download folder, then call again.",
  },
  DOWNLOAD_DIR_UNUSABLE: {
    source: "configuration",
    retryable: false,
    meaning: "The download folder belongs to another user, can be written by other users, or cannot be created.",
    hint: "Set ATLAS_FLEX_DOWNLOAD_DIR to a folder of your own that only you can write to.",
  },
  FILE_EXISTS: {
    source: "disk",
    retryable: false,
    meaning: "Another file already has this name; it is not overwritten.",
    hint: "Choose another fileName, or move the existing file away.",
  },
  FILE_NOT_FOUND: {
    source: "disk",
    retryable: false,
    meaning: "No saved file has this name in the download folder.",
    hint: "List the saved snapshots and use a file name exactly as it is there.",
  },
  FILE_FOREIGN: {
    source: "disk",
    retryable: false,
    meaning: "This file belongs to another user of this computer, so it counts as no backup.",
    hint: "If you put the file there yourself, make yourself its owner, then call again. Otherwise do not restore from it.",
  },
  PART_UNUSABLE: {
    source: "disk",
    retryable: false,
    meaning: "The partial file is not a plain file of this user, so it is not continued.",
    hint: "Look at the partial file in the download folder and remove it, then call again.",
  },
  TRANSFER_STOPPED: {
    source: "disk",
    retryable: true,
    meaning: "The save was stopped on request; what was saved is kept.",
    hint: "To continue where it stopped, call again to save the snapshot.",
  },
  CALL_CANCELLED: {
    source: "disk",
    retryable: true,
    meaning: "The client cancelled the last call that waited for this save, so it stopped; what was saved is kept.",
    hint: "To continue where it stopped, call again to save the snapshot.",
  },
  SAVED_ELSEWHERE: {
    source: "disk",
    retryable: true,
    meaning: "Another process is saving this snapshot right now.",
    hint: "Wait for the other process to finish; then call again to see the finished file.",
  },
  INTERNAL_ERROR: {
    source: "configuration",
    retryable: false,
    meaning: "The server itself is at fault.",
    hint: "Please report this with the server's log from standard error.",
  },
} as const satisfies Record<string, OwnError>;

/** Whether this server named the failure, so that its detail is made of our own words. Atlas's failures never have such a code. */
export const isOwnCode = (code: string | undefined): boolean => code !== undefined && Object.hasOwn(OWN_ERRORS, code);
