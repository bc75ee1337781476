import { describe, expect, test } from "vitest";
import { judgeSignIn } from "../../../src/commands/check/credentials.ts";
import { Failure, ownFailure } from "../../../src/core/errors.ts";
import { SIMULATED } from "../../../src/simulator/simulated.ts";
import { ACCESS_TOKEN, API_KEY, CLUSTER, SERVICE_ACCOUNT, serverAgainst, simulatorFor } from "../../fixtures.ts";
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
      { ...API_KEY, MONGODB_ATLAS_PRIVATE_API_KEY: "canary-of-a-key-1" },
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

  test.each(rejected)("%s fails only the step of the credentials", async (_, env, errorCode, advice) => {
    const { failed, step } = await checkedAgainst(await simulatorFor(), env);
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({ errorCode, whatToDo: expect.stringMatching(advice) });
    for (const id of DEPENDENT) expect(step(id)?.found).toBe("not tried: the credentials were not accepted");
  });

  test("an expired token fails, and the advice says how long tokens live", async () => {
    const simulator = await simulatorFor();
    simulator.revokeTokens();
    const { failed, step } = await checkedAgainst(simulator, ACCESS_TOKEN);
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({
      errorCode: "ACCESS_TOKEN_REJECTED",
      whatToDo: expect.stringContaining("Access tokens live one hour"),
    });
  });

  test.each([
    ["serviceAccount", "401"],
    ["serviceAccount", "401+old-401"],
    ["serviceAccount", "401:UNEXPECTED_ERROR"],
    ["apiKey", "401"],
    ["apiKey", "401+old-401"],
    ["accessToken", "401"],
    ["accessToken", "401+old-401"],
  ] as const)(
    "a 401 to a signed request (%s, %s) gets the same advice from check and from a tool",
    async (kind, fault) => {
      const simulator = await simulatorFor({ orders: `api=${fault}` });
      const env = simulator.environments.owner[kind];
      const { failed, step } = await checkedAgainst(simulator, env);
      const { fails } = await serverAgainst(simulator, { env });
      const { source, retryable, hint } = await fails("list_flex_snapshots", CLUSTER);
      expect({ source, retryable }).toEqual({ source: "credentials", retryable: false });
      expect(failed).toEqual(["credentials"]);
      expect(step("credentials")?.whatToDo).toBe(hint);
      expect(hint).not.toMatch(/in a minute|internal error/);
    },
  );

  test("an account with too many tokens fails, and the advice is to wait", async () => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders: "token=access_denied" }));
    expect(failed).toEqual(["credentials"]);
    expect(step("credentials")).toMatchObject({
      errorCode: "TOKEN_LIMIT_REACHED",
      whatToDo: expect.stringContaining("Tokens lapse after one hour"),
    });
  });

  test("a secret that the answer repeats does not leak", async () => {
    const { failed } = await checkedAgainst(await simulatorFor({ orders: "token=echo-secret" }));
    expect(failed).toEqual(["credentials"]);
  });
});

describe("credentials that Atlas accepts", () => {
  test.each(["serviceAccount", "apiKey", "accessToken"] as const)(
    "but not from this address fail the step of the access list, not that of the credentials (%s)",
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
  ])("but without the role to read %s get advice that names the role", async (id, orders, errorCode) => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders }));
    expect(failed).toEqual([id]);
    expect(step("credentials")?.state).toBe("ok");
    expect(step(id)).toMatchObject({ errorCode, whatToDo: expect.stringContaining("Project Read Only") });
  });

  test("but without the role to list projects fail only the step of the projects", async () => {
    const { failed, step } = await checkedAgainst(await simulatorFor({ orders: "listProjects=USER_UNAUTHORIZED*3" }));
    expect(step("connection")?.state).toBe("ok");
    expect(step("credentials")?.state).toBe("ok");
    expect(failed).toEqual(["projects"]);
  });
});

const refusal = (error: number, errorCode?: string) =>
  new Failure({ error, ...(errorCode ? { errorCode } : {}), source: "atlas", retryable: false, hint: "" });

test.each([
  ["a wrong secret", "rejected", ownFailure("INVALID_CREDENTIALS", { error: 401 })],
  ["an account with too many tokens", "rejected", ownFailure("TOKEN_LIMIT_REACHED", { error: 403 })],
  ["a token endpoint that does not exist", "rejected", ownFailure("TOKEN_REQUEST_FAILED", { error: 404 })],
  ["the gateway's 401", "rejected", refusal(401, "UNEXPECTED_ERROR")],
  ["the gateway's 401 of before July 2026", "rejected", refusal(401)],
  ["an undocumented 401", "rejected", refusal(401, "SOMETHING_NEW")],
  ["a missing role", "accepted", refusal(401, "USER_UNAUTHORIZED")],
  ["a project of somebody else", "accepted", refusal(401, "NOT_IN_GROUP")],
  ["an unpaid invoice", "accepted", refusal(402, "ACCOUNT_SUSPENDED")],
  ["a forbidden resource", "accepted", refusal(403, "ACCESS_FORBIDDEN")],
  ["an address that is not on the access list", "elsewhere", refusal(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST")],
  ["the old code for such an address", "elsewhere", refusal(403, "IP_ADDRESS_NOT_ON_WHITELIST")],
  ["an organization that requires an access list", "elsewhere", refusal(403, "ORG_REQUIRES_ACCESS_LIST")],
  ["a 403 without a code", "elsewhere", refusal(403)],
  ["a 403 whose code says nothing", "elsewhere", refusal(403, "UNEXPECTED_ERROR")],
  ["a busy Atlas", "unknown", refusal(429, "RATE_LIMITED_TOKEN_BUCKET")],
  ["an internal error of Atlas", "unknown", refusal(500, "UNEXPECTED_ERROR")],
  ["no answer", "unknown", ownFailure("TIMEOUT")],
])("after %s the sign-in is %s", (_, verdict, failure) => {
  expect(judgeSignIn({ failure }).verdict).toBe(verdict);
});
