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
