// The fixed ids and credentials of the simulated Atlas, and the variables that point a client at it.
/** The same in every process, so that documentation and scripts can name them. */
export const SIMULATED = {
  clientId: "mdb_sa_id_5fa1000000000000000000aa",
  clientSecret: "mdb_sa_sk_simulated-secret",
  publicKey: "simulate",
  privateKey: "5fa10000-0000-4000-8000-0000000000aa",
  accessToken: "simulated-access-token-5fa1000000000000000000aa",
  /** These may read everything, but may not request a download. */
  withoutDownloadRole: {
    clientId: "mdb_sa_id_5fa1000000000000000000ab",
    clientSecret: "mdb_sa_sk_simulated-read-only",
    publicKey: "readonly",
    privateKey: "5fa10000-0000-4000-8000-0000000000ab",
    accessToken: "simulated-access-token-5fa1000000000000000000ab",
  },
  /** These are valid, but their API access list does not include this computer. */
  outsideAccessList: {
    clientId: "mdb_sa_id_5fa1000000000000000000ac",
    clientSecret: "mdb_sa_sk_simulated-elsewhere",
    publicKey: "elsewher",
    privateKey: "5fa10000-0000-4000-8000-0000000000ac",
    accessToken: "simulated-access-token-5fa1000000000000000000ac",
  },
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  /** The newest of eight daily snapshots `…c1` to `…c8`. Its download job takes `jobMs`. */
  snapshotId: "5fa1000000000000000000c8",
  /** Its download job is complete at once. `restoreJobId` is such a job, which exists from the start. */
  downloadedSnapshotId: "5fa1000000000000000000c7",
  restoreJobId: "5fa1000000000000000000e7",
  /** Atlas failed to take it. It keeps its place among the eight. */
  failedSnapshotId: "5fa1000000000000000000c4",
  /** A project without Flex clusters. */
  emptyGroupId: "5fa1000000000000000000b2",
  /** A project that exists, but that no credentials may see. */
  foreignGroupId: "5fa1000000000000000000bf",
  /** Its newest snapshot is still being taken. */
  runningSnapshot: { name: "customers", snapshotId: "5fa1000000000000000001c4" },
  /** A cluster that is still being created, without snapshots and at first without connection strings. */
  freshName: "fresh",
  /** A cluster that is not a Flex cluster. */
  dedicatedName: "warehouse",
  /** A cluster whose files are not data directories. */
  reports: {
    name: "reports",
    dumpDirectorySnapshotId: "5fa1000000000000000002c1",
    mongodumpArchiveSnapshotId: "5fa1000000000000000002c2",
  },
  /** A project with one Flex cluster, which has the name of `reports` in the first project. */
  archive: { groupId: "5fa1000000000000000000b3", name: "reports", snapshotId: "5fa1000000000000000003c8" },
} as const;

/** Someone who may call the API, with one credential of each kind. */
export interface Principal {
  clientId: string;
  clientSecret: string;
  publicKey: string;
  privateKey: string;
  /** A ready-made token that does not expire. */
  accessToken: string;
  mayDownload: boolean;
  /** Whether the API access list of the credentials includes this computer. */
  onAccessList: boolean;
}

const { clientId, clientSecret, publicKey, privateKey, accessToken } = SIMULATED;

const OWNER: Principal = {
  clientId,
  clientSecret,
  publicKey,
  privateKey,
  accessToken,
  mayDownload: true,
  onAccessList: true,
};
const READER: Principal = { ...SIMULATED.withoutDownloadRole, mayDownload: false, onAccessList: true };
const OUTSIDER: Principal = { ...SIMULATED.outsideAccessList, mayDownload: true, onAccessList: false };

export const PRINCIPALS: readonly Principal[] = [OWNER, READER, OUTSIDER];

export type CredentialKind = "serviceAccount" | "apiKey" | "accessToken";

/** The variables that point a client at this simulator, for each principal and kind of credentials. */
export type Environments = Record<
  "owner" | "withoutDownloadRole" | "outsideAccessList",
  Record<CredentialKind, Record<string, string>>
>;

export function environmentsOf(baseUrl: string): Environments {
  const base = { MONGODB_ATLAS_BASE_URL: baseUrl };
  const environmentOf = (principal: Principal) => ({
    serviceAccount: {
      ...base,
      MONGODB_ATLAS_CLIENT_ID: principal.clientId,
      MONGODB_ATLAS_CLIENT_SECRET: principal.clientSecret,
    },
    apiKey: {
      ...base,
      MONGODB_ATLAS_PUBLIC_API_KEY: principal.publicKey,
      MONGODB_ATLAS_PRIVATE_API_KEY: principal.privateKey,
    },
    accessToken: { ...base, MONGODB_ATLAS_ACCESS_TOKEN: principal.accessToken },
  });
  return {
    owner: environmentOf(OWNER),
    withoutDownloadRole: environmentOf(READER),
    outsideAccessList: environmentOf(OUTSIDER),
  };
}
