import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, patienceMsFor, requestDownload, send, V2 } from "./harness.ts";

const PROJECT = `${V2}/groups/${SIMULATED.groupId}`;

describe("ordered statuses", () => {
  test.each([
    ["500", 500, { error: 500, errorCode: "UNEXPECTED_ERROR", reason: "Internal Server Error" }],
    ["404", 404, { errorCode: "RESOURCE_NOT_FOUND", parameters: [PROJECT.slice(1)] }],
    ["401:USER_UNAUTHORIZED", 401, { error: 401, reason: "Unauthorized", parameters: [] }],
    ["503", 503, { error: 503, reason: "Service Unavailable" }],
    ["418", 418, { error: 418 }],
    ["403:ORG_REQUIRES_ACCESS_LIST", 403, { errorCode: "ORG_REQUIRES_ACCESS_LIST" }],
    ["403:SOMETHING_NEW", 403, { errorCode: "SOMETHING_NEW", error: 403, reason: "Forbidden" }],
    ["400:ACCESS_FORBIDDEN", 400, { errorCode: "ACCESS_FORBIDDEN", error: 400 }],
    ["ACCOUNT_SUSPENDED", 402, { errorCode: "ACCOUNT_SUSPENDED", reason: "Payment Required", parameters: null }],
    ["GROUP_NOT_FOUND", 404, { errorCode: "GROUP_NOT_FOUND", parameters: [SIMULATED.groupId] }],
    ["WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", 405, { errorCode: "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES" }],
    ["LINK_EXPIRATION_AFTER_SNAPSHOT_DELETION", 409, { errorCode: "LINK_EXPIRATION_AFTER_SNAPSHOT_DELETION" }],
    ["201", 201, { id: SIMULATED.groupId }],
  ])("getProject=%s answers %i", async (fault, status, body) => {
    const answer = await call(await simulatorFor({ orders: `getProject=${fault}` }), PROJECT);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject(body);
    const { errorCode } = answer.json;
    expect(answer.headers["x-error-code"]).toBe(errorCode);
  });

  test.each([
    ["401", "UNEXPECTED_ERROR"],
    ["401+old-401", undefined],
  ])("%s is the gateway's refusal: a challenge, no X-Error-Code, no limits, errorCode %s", async (fault, errorCode) => {
    const { status, headers, json } = await call(await simulatorFor({ orders: `api=${fault}` }), PROJECT);
    expect({ status, errorCode: json.errorCode }).toEqual({ status: 401, errorCode });
    expect(headers["www-authenticate"]).toContain("Digest");
    for (const name of ["x-error-code", "ratelimit-limit", "x-java-method"]) expect(headers).not.toHaveProperty(name);
  });

  test.each([
    ["429", "1"],
    ["429:retry-after=5", "5"],
    ["503:retry-after=0", "0"],
    ["429:retry-after=none", undefined],
    ["429:retry-after=date", "Tue, 24 Nov 2026 12:00:05 GMT"],
    ["429:retry-after=past", "Tue, 24 Nov 2026 11:00:00 GMT"],
    ["429:retry-after=garbage", "soon, 3e1 minutes"],
    ["429:retry-after=huge", "4000000000"],
    ["503", undefined],
  ])("%s sends Retry-After %j", async (fault, expected) => {
    const now = () => Date.UTC(2026, 10, 24, 12);
    const { headers } = await call(await simulatorFor({ now, orders: `api=${fault}` }), PROJECT);
    expect(headers["retry-after"]).toBe(expected);
  });

  test("the seconds to wait are among the parameters of a 429", async () => {
    const { json } = await call(await simulatorFor({ orders: "api=429:retry-after=7" }), PROJECT);
    expect(json).toMatchObject({
      errorCode: "RATE_LIMITED_TOKEN_BUCKET",
      parameters: [PROJECT.slice(1), 7, 1200, 500, 60],
    });
  });

  test("an ordered failure is enveloped like other failures", async () => {
    const { status, json } = await call(await simulatorFor({ orders: "api=429" }), `${PROJECT}?envelope=true`);
    expect(status).toBe(429);
    expect(json).toMatchObject({ status: 429, content: { errorCode: "RATE_LIMITED_TOKEN_BUCKET" } });
  });

  test.each([
    ["500", 500, { error: "server_error" }],
    ["401", 401, { error: "invalid_client" }],
    ["access_denied", 403, { error: "access_denied" }],
    ["429", 429, { error: 429, errorCode: "RATE_LIMITED", parameters: ["/api/oauth/token", 10, 1] }],
    ["400:unsupported_grant_type", 400, { error: "unsupported_grant_type" }],
  ])("token=%s is answered as the token endpoint does", async (fault, status, body) => {
    const simulator = await simulatorFor({ orders: `token=${fault}` });
    const answer = await send(`${simulator.baseUrl}/api/oauth/token`, { method: "POST" });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject(body);
  });
});

describe("the effect of a request with a fault", () => {
  test.each([
    ["503", 0],
    ["reset-before", 0],
    ["hang", 0],
    ["redirect", 0],
    ["echo-secret", 0],
    ["502:after", 1],
    ["hang-after", 1],
    ["reset-after", 1],
    ["cut", 1],
    ["garbage", 1],
    ["html", 1],
    ["empty", 1],
    ["no-content", 1],
  ])("requestDownload=%s leaves %i jobs", async (fault, jobs) => {
    const simulator = await simulatorFor({ orders: `requestDownload=${fault}*1` });
    const spoiled = await requestDownload(simulator, SIMULATED.snapshotId, { patienceMs: patienceMsFor(fault) });
    expect(simulator.jobs).toHaveLength(jobs);
    if (spoiled.status === 200) expect(spoiled.json).not.toHaveProperty("id");
    expect((await requestDownload(simulator)).json).toMatchObject({ status: "PENDING" });
    expect(simulator.jobs).toHaveLength(jobs + 1);
    expect(simulator.count("requestDownload")).toBe(2);
  });

  test("a request with wrong credentials leaves the order for the next", async () => {
    const simulator = await simulatorFor({ orders: "getProject=503*1" });
    await call(simulator, PROJECT, { headers: { authorization: "Bearer nope" } });
    expect((await call(simulator, PROJECT)).status).toBe(503);
    expect((await call(simulator, PROJECT)).status).toBe(200);
  });
});

describe("faults of the transport", () => {
  test.each([
    ["hang", { status: 0, end: "impatient" }],
    ["hang-after", { status: 0, end: "impatient" }],
    ["reset-before", { status: 0, end: "aborted" }],
    ["reset-after", { status: 0, end: "aborted" }],
    ["cut", { status: 200, end: "aborted" }],
    ["empty", { status: 200, text: "", end: "complete" }],
    ["no-content", { status: 204, text: "", end: "complete" }],
    ["slow-headers@50", { status: 200, end: "complete" }],
    ["trickle@0", { status: 200, end: "complete" }],
    ["redirect", { status: 302, end: "complete" }],
    ["redirect@308", { status: 308, end: "complete" }],
    ["307", { status: 307, end: "complete" }],
  ])("getProject=%s ends with %j", async (fault, expected) => {
    const simulator = await simulatorFor({ orders: `getProject=${fault}*1` });
    const answer = await call(simulator, PROJECT, { patienceMs: patienceMsFor(fault) });
    expect(answer).toMatchObject(expected);
    if (answer.status > 300) expect(answer.headers.location).toBe(`${simulator.fileBaseUrl}/elsewhere`);
    expect(simulator.requests[0]?.status).toBe(answer.status);
    expect((await call(simulator, PROJECT)).status).toBe(200);
  });

  test("a cut answer announces more than arrives", async () => {
    const { headers, bytes } = await call(await simulatorFor({ orders: "api=cut" }), PROJECT);
    expect(bytes.length).toBeLessThan(Number(headers["content-length"]));
  });

  test("slow-headers and trickle delay the answer", async () => {
    const simulator = await simulatorFor({ orders: "getProject=slow-headers@120*1,getProject=trickle@1*1" });
    for (const atLeastMs of [120, 100]) {
      const begun = performance.now();
      await call(simulator, PROJECT);
      expect(performance.now() - begun).toBeGreaterThan(atLeastMs - 2);
    }
  });
});
