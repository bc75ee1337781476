import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import {
  ACCESS_TOKEN,
  API_KEY,
  CLUSTER,
  SERVICE_ACCOUNT,
  serverAgainst,
  serverWith,
  simulatorFor,
} from "../fixtures.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.snapshotId };

describe.each([
  ["a service account", SERVICE_ACCOUNT, { MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_wrong-one" }, "INVALID_CREDENTIALS"],
  ["an API key", API_KEY, { MONGODB_ATLAS_PRIVATE_API_KEY: "wrong-private-key" }, "INVALID_CREDENTIALS"],
  ["a ready-made token", ACCESS_TOKEN, { MONGODB_ATLAS_ACCESS_TOKEN: "wrong-access-token" }, "ACCESS_TOKEN_REJECTED"],
])("%s", (_, right, wrong, errorCode) => {
  test("serves every kind of call", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator, { env: right });
    await ok("list_flex_clusters");
    await ok("request_flex_snapshot_download", SNAPSHOT);
    expect(simulator.jobs).toHaveLength(1);
  });

  test("never reaches the file host", async () => {
    const simulator = await simulatorFor({ snapshotBytes: 100_000 });
    const { ok } = await serverAgainst(simulator, { env: right });
    await ok("save_flex_snapshot", { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId });
    const asked = simulator.requests.filter(({ operation }) => operation === "file");
    expect(asked.length).toBeGreaterThan(0);
    const names = new Set(asked.flatMap(({ headers }) => Object.keys(headers)));
    expect(names).toEqual(new Set(["host", "connection", "accept-encoding"]));
    for (const secret of Object.values(right)) expect(JSON.stringify(asked)).not.toContain(secret);
  });

  test("that is wrong is distinguished from a missing role", async () => {
    const simulator = await simulatorFor();
    const { fails } = await serverAgainst(simulator, { env: { ...right, ...wrong } });
    expect(await fails("request_flex_snapshot_download", SNAPSHOT)).toMatchObject({
      errorCode,
      source: "credentials",
      retryable: false,
    });
    expect(simulator.jobs).toEqual([]);
  });
});

describe("valid credentials", () => {
  const kinds = ["serviceAccount", "apiKey", "accessToken"] as const;

  test.each(kinds)("without the role get an answer that names the role (%s)", async (kind) => {
    const simulator = await simulatorFor();
    const { ok, fails } = await serverAgainst(simulator, { env: simulator.environments.withoutDownloadRole[kind] });
    await ok("list_flex_snapshots", CLUSTER);
    expect(await fails("request_flex_snapshot_download", SNAPSHOT)).toMatchObject({
      error: 401,
      errorCode: "USER_UNAUTHORIZED",
      hint: expect.stringContaining("Project Owner"),
    });
  });

  test.each(kinds)(
    "used from an address that is not on the access list get an answer that names the list (%s)",
    async (kind) => {
      const simulator = await simulatorFor();
      const { fails } = await serverAgainst(simulator, { env: simulator.environments.outsideAccessList[kind] });
      expect(await fails("list_flex_snapshots", CLUSTER)).toMatchObject({
        error: 403,
        errorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
        hint: expect.stringContaining("API access list"),
      });
    },
  );

  test.each(kinds)("of another project get an answer that says so (%s)", async (kind) => {
    const simulator = await simulatorFor();
    const { fails } = await serverAgainst(simulator, { env: simulator.environments.owner[kind] });
    expect(await fails("list_flex_clusters", { groupId: SIMULATED.foreignGroupId })).toMatchObject({
      error: 401,
      errorCode: "NOT_IN_GROUP",
    });
  });
});

describe("the access token of a service account", () => {
  test("is fetched once for fifty calls that find it expired at the same time", async () => {
    const simulator = await simulatorFor();
    const { ok } = await serverAgainst(simulator);
    await ok("list_flex_snapshots", CLUSTER);
    simulator.revokeTokens();
    const before = simulator.count("token");
    await Promise.all(Array.from({ length: 50 }, () => ok("list_flex_snapshots", CLUSTER)));
    expect(simulator.count("token") - before).toBe(1);
  });

  test("is not fetched again for fifty calls that lack a role", async () => {
    const simulator = await simulatorFor({ orders: "listSnapshots=USER_UNAUTHORIZED" });
    const { fails } = await serverAgainst(simulator);
    await Promise.all(Array.from({ length: 50 }, () => fails("list_flex_snapshots", CLUSTER)));
    expect(simulator.count("token")).toBe(1);
  });

  test("is fetched again when a 401 arrives inside an envelope", async () => {
    const simulator = await simulatorFor({ envelopedFailures: "always-200" });
    const { ok } = await serverAgainst(simulator);
    await ok("list_flex_snapshots", CLUSTER);
    simulator.revokeTokens();
    await ok("get_restore_job", { ...CLUSTER, restoreJobId: SIMULATED.restoreJobId, envelope: true });
    expect(simulator.count("token")).toBe(2);
  });

  test("is revoked when the client disconnects", async () => {
    const simulator = await simulatorFor();
    const { client, ok } = await serverAgainst(simulator);
    await ok("list_flex_snapshots", CLUSTER);
    await client.close();
    expect(simulator.count("revoke")).toBe(1);
  });

  test.each([
    ["access_denied", { errorCode: "TOKEN_LIMIT_REACHED", retryable: true }],
    ["429:retry-after=7", { errorCode: "TOKEN_REQUEST_FAILED", error: 429, retryable: true, retryAfterSeconds: 7 }],
    ["500", { errorCode: "TOKEN_REQUEST_FAILED", error: 500, retryable: true }],
    ["html", { errorCode: "TOKEN_REQUEST_FAILED", retryable: true }],
  ])("that cannot be fetched (%s) fails the call with the reason, and creates no job", async (fault, expected) => {
    const simulator = await simulatorFor({ orders: `token=${fault}` });
    const { fails } = await serverAgainst(simulator);
    expect(await fails("request_flex_snapshot_download", SNAPSHOT)).toMatchObject({
      source: "credentials",
      ...expected,
    });
    expect(simulator.jobs).toEqual([]);
    expect(simulator.count("requestDownload")).toBe(0);
  });
});

test("without credentials the server lists its tools, and a call says which variables to set and where they come from", async () => {
  const { fails, log } = await serverWith();
  expect(await fails("list_flex_snapshots", CLUSTER)).toMatchObject({
    errorCode: "CREDENTIALS_MISSING",
    source: "configuration",
    hint: expect.stringMatching(/MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.*Service Account;/),
  });
  await expect.poll(log).toContain("No credentials are configured");
});

test("every problem of the configuration is in the log and in each call's answer", async () => {
  const { fails, log } = await serverWith({
    env: {
      MONGODB_ATLAS_CLIENT_ID: "half",
      ATLAS_FLEX_TOOLS: "nothing,list_flex_snapshots",
      ATLAS_FLEX_ALLOWED_PROJECTS: "x",
    },
  });
  const failure = await fails("list_flex_snapshots", CLUSTER);
  expect(failure).toMatchObject({ errorCode: "CONFIGURATION_INVALID", source: "configuration" });
  for (const name of ["MONGODB_ATLAS_CLIENT_SECRET", "ATLAS_FLEX_TOOLS", "ATLAS_FLEX_ALLOWED_PROJECTS"]) {
    expect(failure.detail).toContain(name);
    await expect.poll(log).toContain(name);
  }
});
