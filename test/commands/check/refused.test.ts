import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { ACCESS_TOKEN, API_KEY, SERVICE_ACCOUNT, simulatorFor } from "../../fixtures.ts";
import { checkedAgainst } from "./checked.ts";

const DEPENDENT = ["api-access-list", "projects", "flex-clusters", "snapshots"];

describe("credentials that Atlas does not accept", () => {
  const rejected: [string, Record<string, string>, string, RegExp][] = [
    [
      "a wrong secret",
      { ...SERVICE_ACCOUNT, MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_canary-of-a-secret" },
      "INVALID_CREDENTIALS",
      /^Check both halves/,
    ],
    [
      "a wrong private key",
      { ...API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY: "canary-of-a-key" },
      "INVALID_CREDENTIALS",
      /^Check both halves/,
    ],
    [
      "the two halves swapped",
      {
        MONGODB_ATLAS_CLIENT_ID: SIMULATED.clientSecret,
        MONGODB_ATLAS_CLIENT_SECRET: SIMULATED.clientId,
      },
      "INVALID_CREDENTIALS",
      /^The client id looks like a secret: the two halves may be swapped\.\n/,
    ],
  ];

  test.each(rejected)("%s fails the credentials and nothing else", async (_, env, errorCode, advice) => {
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({ errorCode, whatToDo: expect.stringMatching(advice) });
    for (const id of DEPENDENT) expect(step(id)?.found).toBe("not tried: the credentials were not accepted");
  });

  test("a token that has expired says how long tokens live", async () => {
    const simulator = await simulatorFor();
    simulator.revokeTokens();
    const { failed, step } = await checkedAgainst(simulator, ACCESS_TOKEN);
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({
      errorCode: "ACCESS_TOKEN_REJECTED",
      whatToDo: expect.stringContaining("Access tokens live one hour"),
    });
  });

  test("an account that holds all the tokens it may is told to wait", async () => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders: "token=access_denied" }));
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({
      errorCode: "TOKEN_LIMIT_REACHED",
      whatToDo: expect.stringContaining("Tokens lapse after one hour"),
    });
  });

  test("an answer that repeats the secret does not bring it out", async () => {
    const { failed } = await checkedAgainst(await simulatorFor({ orders: "token=echo-secret" }));
    expect(failed).toEqual(["credentials"]);
  });
});

describe("credentials that Atlas accepts, but not for everything", () => {
  test.each(["serviceAccount", "apiKey", "accessToken"] as const)(
    "at an address off the API access list are right, and the list is wrong (%s)",
    async (kind) => {
      const simulator = await simulatorFor();
      const { failed, step } = await checkedAgainst(simulator, simulator.environments.outsideAccessList[kind]);
      expect(failed).toEqual(["api-access-list"]);
      expect(step("credentials")?.found).toMatch(/Atlas knows it, but does not let it in from here$/);
      expect(step("api-access-list")).toMatchObject({
        errorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST",
        found: expect.stringContaining("127.0.0.1"),
        whatToDo: expect.stringMatching(/public IP address.*API access list/),
      });
      expect(step("projects")?.found).toBe("not tried: the credentials may not be used from this computer");
    },
  );

  test.each([
    ["flex-clusters", "listFlexClusters=USER_UNAUTHORIZED", "USER_UNAUTHORIZED"],
    ["snapshots", "listSnapshots=TENANT_SNAPSHOT_ACCESS_DENIED", "TENANT_SNAPSHOT_ACCESS_DENIED"],
  ])("without the role to read %s are told which role", async (id, orders, errorCode) => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders }));
    expect(failed).toEqual([id]);
    expect(step("credentials")?.state).toBe("ok");
    expect(step(id)).toMatchObject({ errorCode, whatToDo: expect.stringContaining("Project Read Only") });
  });

  test("without the role to list projects are accepted all the same", async () => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders: "listProjects=USER_UNAUTHORIZED*3" }));
    expect(step("connection")?.state).toBe("ok");
    expect(step("credentials")?.state).toBe("ok");
    expect(failed).toEqual(["projects"]);
  });

  test("one project that cannot be read is a warning as long as others have clusters", async () => {
    const simulator = await simulatorFor({ projects: 2, orders: "listFlexClusters=USER_UNAUTHORIZED*1" });
    const { code, step } = await checkedAgainst(simulator);
    expect(code).toBe(0);
    expect(step("flex-clusters")).toMatchObject({
      state: "warning",
      found: expect.stringContaining("1 of 4 projects cannot be read"),
      errorCode: "USER_UNAUTHORIZED",
    });
  });
});

describe("projects", () => {
  const { groupId, emptyGroupId, foreignGroupId } = SIMULATED;

  test("an allowed one that is somebody else's fails by its id, the others are looked at", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: `${foreignGroupId},${groupId}` };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["projects"]);
    expect(step("projects")).toMatchObject({
      errorCode: "NOT_IN_GROUP",
      found: `1 of 2 allowed projects cannot be read: ${foreignGroupId} (NOT_IN_GROUP)`,
      whatToDo: expect.stringMatching(
        /^Check the ids in ATLAS_FLEX_ALLOWED_PROJECTS\.\nThese credentials reach: Simulated shop \(5fa1000000000000000000b1\), Simulated sandbox \(\w+\)\.\n/,
      ),
    });
    expect(step("projects")?.whatToDo).not.toContain("List the Flex clusters");
    expect(step("snapshots")?.state).toBe("ok");
  });

  test("none that is allowed is a failure that names those within reach", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: "5fa100000000000000000Ob1" };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["settings", "projects"]);
    expect(step("projects")?.found).toBe("ATLAS_FLEX_ALLOWED_PROJECTS allows none");
    expect(step("projects")?.whatToDo).toContain(groupId);
  });

  test("the configured one that is somebody else's fails too", async () => {
    const env = { ...SERVICE_ACCOUNT, MONGODB_ATLAS_PROJECT_ID: foreignGroupId };
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["projects"]);
    expect(step("projects")?.whatToDo).toMatch(/^Check the ids in MONGODB_ATLAS_PROJECT_ID\.\n/);
  });

  test("one without Flex clusters is a warning, since nothing is wrong", async () => {
    const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: emptyGroupId };
    const { code, step } = await checkedAgainst(await simulatorFor(), env);
    expect(code).toBe(0);
    expect(step("flex-clusters")).toMatchObject({ state: "warning", found: "none in 1 project" });
    expect(step("snapshots")?.found).toBe("not tried: there is no Flex cluster to look at");
  });

  test("the configured one is not asked for when it is not among the allowed", async () => {
    const simulator = await simulatorFor();
    const projects = { ATLAS_FLEX_ALLOWED_PROJECTS: groupId, MONGODB_ATLAS_PROJECT_ID: emptyGroupId };
    const { failed, step } = await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ...projects });
    expect(failed).toEqual(["settings"]);
    expect(step("projects")?.found).toMatch(/^1 allowed project: Simulated shop/);
    expect(simulator.requests.filter(({ path }) => path.includes(emptyGroupId))).toEqual([]);
  });

  test("of the forbidden ones none is asked for", async () => {
    const simulator = await simulatorFor();
    await checkedAgainst(simulator, { ...SERVICE_ACCOUNT, ATLAS_FLEX_ALLOWED_PROJECTS: emptyGroupId });
    expect(simulator.requests.filter(({ path }) => path.includes(groupId))).toEqual([]);
  });
});
