// What MongoDB documents of each operation that a save uses: statuses, media types, fields and the values of enumerations.

/** A date, one of these values, or anything else. */
export type FieldKind = "date" | "other" | readonly string[];
type Fields = Readonly<Record<string, FieldKind>>;

export interface Documented {
  statuses: readonly number[];
  mediaType: string;
  /** Paths as `results[].status`. */
  fields: Fields;
}

// Atlas Administration API v2, https://www.mongodb.com/docs/api/doc/atlas-admin-api-v2/, of Flex clusters, their snapshots and
// restore jobs, in the version of 2024-11-13, and of projects in that of 2023-01-01.
const FLEX_MEDIA_TYPE = "application/vnd.atlas.2024-11-13+json";
const PROJECT_MEDIA_TYPE = "application/vnd.atlas.2023-01-01+json";

const PROGRESS = ["PENDING", "QUEUED", "RUNNING", "FAILED", "COMPLETED"] as const;

/** Of a page, and sometimes of its entries. */
const LINKS = { links: "other", "links[].href": "other", "links[].rel": "other" } as const;

const PROJECT: Fields = {
  clusterCount: "other",
  created: "date",
  id: "other",
  ...LINKS,
  name: "other",
  orgId: "other",
  regionUsageRestrictions: ["COMMERCIAL_FEDRAMP_REGIONS_ONLY", "GOV_REGIONS_ONLY"],
  tags: "other",
  "tags[].key": "other",
  "tags[].value": "other",
  withDefaultAlertsSettings: "other",
};

const CLUSTER: Fields = {
  backupSettings: "other",
  "backupSettings.enabled": "other",
  clusterType: ["REPLICASET"],
  connectionStrings: "other",
  "connectionStrings.standard": "other",
  "connectionStrings.standardSrv": "other",
  createDate: "date",
  groupId: "other",
  id: "other",
  ...LINKS,
  mongoDBVersion: "other",
  name: "other",
  providerSettings: "other",
  "providerSettings.backingProviderName": ["AWS", "AZURE", "GCP"],
  "providerSettings.diskSizeGB": "other",
  "providerSettings.providerName": ["FLEX"],
  "providerSettings.regionName": "other",
  stateName: ["IDLE", "CREATING", "UPDATING", "DELETING", "REPAIRING"],
  tags: "other",
  "tags[].key": "other",
  "tags[].value": "other",
  terminationProtectionEnabled: "other",
  versionReleaseSystem: ["LTS"],
};

const SNAPSHOT: Fields = {
  expiration: "date",
  finishTime: "date",
  id: "other",
  ...LINKS,
  mongoDBVersion: "other",
  scheduledTime: "date",
  startTime: "date",
  status: PROGRESS,
};

const JOB: Fields = {
  deliveryType: ["RESTORE", "DOWNLOAD"],
  expirationDate: "date",
  id: "other",
  instanceName: "other",
  ...LINKS,
  projectId: "other",
  restoreFinishedDate: "date",
  restoreScheduledDate: "date",
  snapshotFinishedDate: "date",
  snapshotId: "other",
  snapshotUrl: "other",
  status: PROGRESS,
  targetDeploymentItemName: "other",
  targetProjectId: "other",
};

/** Of an answer with an error. Atlas has hundreds of codes, so none is odd. */
export const ERROR_FIELDS: Fields = {
  badRequestDetail: "other",
  "badRequestDetail.fields": "other",
  "badRequestDetail.fields[].description": "other",
  "badRequestDetail.fields[].field": "other",
  detail: "other",
  error: "other",
  errorCode: "other",
  parameters: "other",
  reason: "other",
};
export const ERROR_MEDIA_TYPE = "application/json";

/** RFC 6749 section 5.2, for an answer of the token endpoint with an error. */
export const TOKEN_ERROR_FIELDS: Fields = { error: "other", error_description: "other", error_uri: "other" };

function listOf(entry: Fields): Fields {
  const inList = Object.entries(entry).map(([path, kind]) => [`results[].${path}`, kind] as const);
  return { ...LINKS, results: "other", totalCount: "other", ...Object.fromEntries(inList) };
}

const USUAL = [200, 400, 401, 403, 404, 429, 500];
const flex = (fields: Fields, statuses = USUAL): Documented => ({ statuses, mediaType: FLEX_MEDIA_TYPE, fields });
const project = (fields: Fields): Documented => ({ statuses: USUAL, mediaType: PROJECT_MEDIA_TYPE, fields });

const GROUP = "/api/atlas/v2/groups/{groupId}";
const BACKUP = `${GROUP}/flexClusters/{name}/backup`;
export const DOWNLOAD = `POST ${BACKUP}/download`;
export const TOKEN = "POST /api/oauth/token";

export const OPERATIONS: Readonly<Record<string, Documented>> = {
  "GET /api/atlas/v2/groups": project(listOf(PROJECT)),
  [`GET ${GROUP}`]: project(PROJECT),
  [`GET ${GROUP}/flexClusters`]: flex(listOf(CLUSTER), [200, 401, 403, 404, 409, 429, 500]),
  [`GET ${GROUP}/flexClusters/{name}`]: flex(CLUSTER, [...USUAL, 409]),
  [`GET ${BACKUP}/snapshots`]: flex(listOf(SNAPSHOT)),
  [`GET ${BACKUP}/snapshots/{snapshotId}`]: flex(SNAPSHOT),
  [DOWNLOAD]: flex(JOB, [...USUAL, 409]),
  [`GET ${BACKUP}/restoreJobs`]: flex(listOf(JOB)),
  [`GET ${BACKUP}/restoreJobs/{restoreJobId}`]: flex(JOB),
  // Atlas documentation, "Generate Service Account Token", and RFC 6749 section 5.1.
  [TOKEN]: {
    statuses: [200, 400, 401, 403, 429, 500],
    mediaType: "application/json",
    fields: { access_token: "other", expires_in: "other", token_type: "other" },
  },
  // RFC 7009 section 2.2: an empty answer.
  "POST /api/oauth/revoke": { statuses: [200, 400, 401, 403, 429, 500], mediaType: "application/json", fields: {} },
};

/** The fields whose values are words of an enumeration, wherever they are. */
export const ENUM_FIELDS: ReadonlySet<string> = new Set(
  Object.values(OPERATIONS).flatMap(({ fields }) =>
    Object.entries(fields).flatMap(([path, kind]) =>
      typeof kind === "string" ? [] : [path.slice(path.lastIndexOf(".") + 1)],
    ),
  ),
);

/** What the service answers to a request without credentials, with which a Digest exchange begins (RFC 7616). */
export const CHALLENGE_STATUS = 401;

/** Each template as a pattern, most specific first, so that a name never becomes a part of what is shown. */
const TEMPLATES = [...new Set(Object.keys(OPERATIONS).map(pathOf))].map((template) => ({
  template,
  pattern: new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`),
}));

function pathOf(operation: string): string {
  return operation.slice(operation.indexOf("/"));
}

/** The template of an operation: `GET /api/atlas/v2/groups/{groupId}`. */
export function operationOf(method: "GET" | "POST", { pathname }: URL): string {
  const known = TEMPLATES.find(({ pattern }) => pattern.test(pathname));
  return known ? `${method} ${known.template}` : `${method} another path of ${pathname.split("/").length - 1} segments`;
}

/** Parameters of a query that this program sends. */
export const QUERY_PARAMETERS = ["envelope", "pretty", "itemsPerPage", "pageNum", "includeCount"];

/** Each name and value of this table in lower case: that one of them is in a text tells nothing. */
export function documentedWords(): string[] {
  const fields = [...Object.values(OPERATIONS).map((operation) => operation.fields), ERROR_FIELDS, TOKEN_ERROR_FIELDS];
  return [
    ...Object.keys(OPERATIONS).flatMap((operation) => [pathOf(operation), ...operation.split(/[^A-Za-z0-9]+/)]),
    ...fields
      .flatMap((each) => Object.entries(each))
      .flatMap(([path, kind]) => [...path.split(/[^A-Za-z_]+/), ...(typeof kind === "string" ? [] : kind)]),
    ...QUERY_PARAMETERS,
  ].map((word) => word.toLowerCase());
}
