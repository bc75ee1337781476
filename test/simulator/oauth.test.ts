import { describe, expect, test } from "vitest";
import { SIMULATED, type Simulator } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, createClock, type Exchange, ORDERS, send, V2 } from "./harness.ts";

const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
const OWNER = basic(SIMULATED.clientId, SIMULATED.clientSecret);
const FORM = "application/x-www-form-urlencoded";

async function post(simulator: Simulator, path: string, { headers, ...exchange }: Exchange = {}) {
  const answer = await send(`${simulator.baseUrl}/api/oauth/${path}`, {
    method: "POST",
    headers: { authorization: OWNER, "content-type": FORM, ...headers },
    body: "grant_type=client_credentials",
    ...exchange,
  });
  const json: { access_token?: string; [field: string]: unknown } = answer.text ? JSON.parse(answer.text) : {};
  return { ...answer, json };
}

const bearer = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } });

describe("the token endpoint", () => {
  test("issues a token that the API accepts", async () => {
    const simulator = await simulatorFor();
    const { status, json, headers } = await post(simulator, "token");
    expect(status).toBe(200);
    expect(json).toEqual({ access_token: expect.any(String), expires_in: 3600, token_type: "Bearer" });
    expect(headers["cache-control"]).toBe("no-store");
    expect((await call(simulator, ORDERS, bearer(json.access_token))).status).toBe(200);
  });

  test.each([
    ["a wrong secret", { headers: { authorization: basic(SIMULATED.clientId, "wrong") } }, 401, "invalid_client"],
    ["an unknown client", { headers: { authorization: basic("mdb_sa_id_x", "y") } }, 401, "invalid_client"],
    ["another scheme", { headers: { authorization: "Bearer x" } }, 401, "invalid_client"],
    [
      "a percent-encoded pair",
      { headers: { authorization: basic(SIMULATED.clientId.replaceAll("_", "%5F"), SIMULATED.clientSecret) } },
      401,
      "invalid_client",
    ],
    ["no grant type", { body: "" }, 400, "invalid_request"],
    [
      "two grant types",
      { body: "grant_type=client_credentials&grant_type=client_credentials" },
      400,
      "invalid_request",
    ],
    ["a JSON body", { headers: { "content-type": "application/json" } }, 400, "invalid_request"],
    ["another grant type", { body: "grant_type=password" }, 400, "unsupported_grant_type"],
  ])("answers %s with an error of RFC 6749", async (_, exchange, status, error) => {
    const answer = await post(await simulatorFor(), "token", exchange);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ error, error_description: expect.any(String) });
  });

  test("answers GET with 405", async () => {
    const { status, headers } = await send(`${(await simulatorFor()).baseUrl}/api/oauth/token`);
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: "POST" });
  });

  test("issues tokens outside the access list, which fail only when used", async () => {
    const simulator = await simulatorFor();
    const { clientId, clientSecret } = SIMULATED.outsideAccessList;
    const { status, json } = await post(simulator, "token", {
      headers: { authorization: basic(clientId, clientSecret) },
    });
    expect(status).toBe(200);
    expect((await call(simulator, `${V2}/groups`, bearer(json.access_token))).status).toBe(403);
  });

  test("limits requests per client and minute, with an error of the API", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now, tokenRequestsPerMinute: 2 });
    await post(simulator, "token");
    clock.advance(20_000);
    await post(simulator, "token");
    const limited = await post(simulator, "token");
    expect(limited.status).toBe(429);
    expect(limited.headers["retry-after"]).toBe("40");
    expect(limited.json).toEqual({
      detail: "Resource /api/oauth/token is limited to 2 requests every 1 minutes.",
      error: 429,
      errorCode: "RATE_LIMITED",
      parameters: ["/api/oauth/token", 2, 1],
      reason: "Too Many Requests",
    });
    const { clientId, clientSecret } = SIMULATED.withoutDownloadRole;
    const other = await post(simulator, "token", { headers: { authorization: basic(clientId, clientSecret) } });
    expect(other.status).toBe(200);
    clock.advance(40_001);
    expect((await post(simulator, "token")).status).toBe(200);
  });

  test("refuses more live tokens than allowed until one expires or is revoked", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now, liveTokens: 2, tokenRequestsPerMinute: 100 });
    const first = await post(simulator, "token");
    await post(simulator, "token");
    const refused = await post(simulator, "token");
    expect(refused.status).toBe(403);
    expect(refused.json).toMatchObject({ error: "access_denied", error_description: expect.stringContaining("limit") });
    await post(simulator, "revoke", { body: `token=${first.json.access_token}` });
    expect((await post(simulator, "token")).status).toBe(200);
    clock.advance(3_600_000);
    expect((await post(simulator, "token")).status).toBe(200);
  });

  test("allows a hundred live tokens by default", async () => {
    const simulator = await simulatorFor({ tokenRequestsPerMinute: 200 });
    for (let count = 0; count < 100; count += 1) expect((await post(simulator, "token")).status).toBe(200);
    expect((await post(simulator, "token")).status).toBe(403);
  });
});

describe("a token", () => {
  test("expires after an hour", async () => {
    const clock = createClock();
    const simulator = await simulatorFor({ now: clock.now });
    const { json } = await post(simulator, "token");
    clock.advance(3_599_999);
    expect((await call(simulator, ORDERS, bearer(json.access_token))).status).toBe(200);
    clock.advance(1);
    expect((await call(simulator, ORDERS, bearer(json.access_token))).status).toBe(401);
  });

  test("ends when its own client revokes it", async () => {
    const simulator = await simulatorFor();
    const { json } = await post(simulator, "token");
    const body = `token=${json.access_token}&token_type_hint=access_token`;
    const { clientId, clientSecret } = SIMULATED.withoutDownloadRole;
    await post(simulator, "revoke", { body, headers: { authorization: basic(clientId, clientSecret) } });
    expect((await call(simulator, ORDERS, bearer(json.access_token))).status).toBe(200);
    const revoked = await post(simulator, "revoke", { body });
    expect({ status: revoked.status, text: revoked.text }).toEqual({ status: 200, text: "" });
    expect((await call(simulator, ORDERS, bearer(json.access_token))).status).toBe(401);
  });

  test.each([
    ["an unknown token", { body: "token=nope" }, 200],
    ["no token", { body: "" }, 400],
    ["a wrong secret", { body: "token=x", headers: { authorization: basic("a", "b") } }, 401],
  ])("revoking %s is answered with %i", async (_, exchange, expected) => {
    expect((await post(await simulatorFor(), "revoke", exchange)).status).toBe(expected);
  });

  test("ends when all are revoked, even if it is ready-made", async () => {
    const simulator = await simulatorFor();
    expect((await call(simulator, ORDERS)).status).toBe(200);
    simulator.revokeTokens();
    expect((await call(simulator, ORDERS)).status).toBe(401);
  });
});
