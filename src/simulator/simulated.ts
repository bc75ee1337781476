/** The ids and credentials of the simulated world, the same in every process, so that documentation and scripts can name them. */
export const SIMULATED = {
  clientId: "mdb_sa_id_5fa1000000000000000000aa",
  clientSecret: "mdb_sa_sk_simulated-secret",
  publicKey: "simulate",
  privateKey: "5fa10000-0000-4000-8000-0000000000aa",
  accessToken: "simulated-access-token-5fa1000000000000000000aa",
  /** May read everything, but not request a download. */
  withoutDownloadRole: {
    clientId: "mdb_sa_id_5fa1000000000000000000ab",
    clientSecret: "mdb_sa_sk_simulated-read-only",
    publicKey: "readonly",
    privateKey: "5fa10000-0000-4000-8000-0000000000ab",
    accessToken: "simulated-access-token-5fa1000000000000000000ab",
  },
  /** Right, but the API access list of these credentials does not hold this computer. */
  outsideAccessList: {
    clientId: "mdb_sa_id_5fa1000000000000000000ac",
    clientSecret: "mdb_sa_sk_simulated-elsewhere",
    publicKey: "elsewher",
    privateKey: "5fa10000-0000-4000-8000-0000000000ac",
    accessToken: "simulated-access-token-5fa1000000000000000000ac",
  },
  groupId: "5fa1000000000000000000b1",
  name: "orders",
  /** The newest of eight daily snapshots `…c1` to `…c8`; its download job takes `jobMs`. */
  snapshotId: "5fa1000000000000000000c8",
  /** Its download job is complete at once, and one such job exists from the start: */
  downloadedSnapshotId: "5fa1000000000000000000c7",
  restoreJobId: "5fa1000000000000000000e7",
  /** A project without Flex clusters. */
  emptyGroupId: "5fa1000000000000000000b2",
  /** A project that exists and that none of the credentials may see. */
  foreignGroupId: "5fa1000000000000000000bf",
  /** Its newest snapshot is still being taken. */
  runningSnapshot: { name: "customers", snapshotId: "5fa1000000000000000001c4" },
  /** Still being created: no snapshots, no connection strings. */
  freshName: "fresh",
  /** Not a Flex cluster. */
  dedicatedName: "warehouse",
  /** A cluster whose files are not data directories. */
  reports: {
    name: "reports",
    dumpDirectorySnapshotId: "5fa1000000000000000002c1",
    mongodumpArchiveSnapshotId: "5fa1000000000000000002c2",
  },
} as const;

export type CredentialKind = "serviceAccount" | "apiKey" | "accessToken";
type PrincipalName = "owner" | "withoutDownloadRole" | "outsideAccessList";

/** Variables that point a client at this simulator, for each person and kind of credentials. */
export type Environments = Record<PrincipalName, Record<CredentialKind, Record<string, string>>>;

export function environmentsOf(baseUrl: string): Environments {
  const [owner, withoutDownloadRole, outsideAccessList] = PRINCIPALS.map((principal) => kindsOf(principal, baseUrl));
  if (!owner || !withoutDownloadRole || !outsideAccessList) throw new Error("The simulated world lacks a principal.");
  return { owner, withoutDownloadRole, outsideAccessList };
}

function kindsOf(principal: Principal, baseUrl: string): Record<CredentialKind, Record<string, string>> {
  const base = { MONGODB_ATLAS_BASE_URL: baseUrl };
  return {
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
  };
}

/** Someone who may call the API, with one credential of each kind. */
export interface Principal {
  clientId: string;
  clientSecret: string;
  publicKey: string;
  privateKey: string;
  /** Ready-made, never expiring by itself. */
  accessToken: string;
  mayDownload: boolean;
  /** Whether this computer is on the API access list of the credentials. */
  onAccessList: boolean;
}

const { clientId, clientSecret, publicKey, privateKey, accessToken } = SIMULATED;

export const PRINCIPALS: readonly Principal[] = [
  { clientId, clientSecret, publicKey, privateKey, accessToken, mayDownload: true, onAccessList: true },
  { ...SIMULATED.withoutDownloadRole, mayDownload: false, onAccessList: true },
  { ...SIMULATED.outsideAccessList, mayDownload: true, onAccessList: false },
];
