import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, ORDERS, requestDownload, send, V2 } from "./harness.ts";

const { groupId } = SIMULATED;
const CLUSTERS = `${V2}/groups/${groupId}/flexClusters`;
const UNKNOWN = "0123456789abcdef01234567";

describe("failures of reading operations", () => {
  test.each([
    ["malformed project id", `${V2}/groups/XYZ`, 404, "INVALID_GROUP_ID", ["XYZ"]],
    [
      "upper-case project id",
      `${V2}/groups/${groupId.toUpperCase()}`,
      404,
      "INVALID_GROUP_ID",
      [groupId.toUpperCase()],
    ],
    ["unknown project", `${V2}/groups/${UNKNOWN}`, 404, "GROUP_NOT_FOUND", [UNKNOWN]],
    ["foreign project", `${V2}/groups/${SIMULATED.foreignGroupId}/flexClusters`, 401, "NOT_IN_GROUP", []],
    ["unknown cluster", `${CLUSTERS}/nope`, 404, "CLUSTER_NOT_FOUND", ["nope", groupId]],
    ["dedicated cluster", `${CLUSTERS}/warehouse`, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", ["warehouse"]],
    ["malformed snapshot id", `${ORDERS}/backup/snapshots/c8`, 404, "INVALID_SNAPSHOT_ID", ["c8"]],
    [
      "unknown snapshot",
      `${ORDERS}/backup/snapshots/${UNKNOWN}`,
      404,
      "TENANT_SNAPSHOT_NOT_FOUND",
      [UNKNOWN, "orders"],
    ],
    ["malformed job id", `${ORDERS}/backup/restoreJobs/1`, 404, "INVALID_JOB_ID", ["1"]],
    ["unknown job", `${ORDERS}/backup/restoreJobs/${UNKNOWN}`, 404, "TENANT_RESTORE_NOT_FOUND", [UNKNOWN, "orders"]],
    ["unknown path", `${V2}/orgs`, 404, "RESOURCE_NOT_FOUND", [`${V2}/orgs`]],
  ])("%s: %s is answered with %i %s", async (_, path, status, errorCode, parameters) => {
    const answer = await call(await simulatorFor(), path);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "x-error-code": errorCode });
    expect(answer.json).toMatchObject({ error: status, errorCode, parameters });
    expect(Object.keys(answer.json).sort()).toEqual(["detail", "error", "errorCode", "parameters", "reason"]);
    for (const value of parameters ?? []) expect(answer.json.detail).toContain(value);
  });

  test("the error for an unknown cluster is the one recorded from Atlas", async () => {
    const { json } = await call(await simulatorFor(), `${CLUSTERS}/cluster-83`);
    expect(json).toEqual({
      detail: `No cluster named cluster-83 exists in group ${groupId}.`,
      error: 404,
      errorCode: "CLUSTER_NOT_FOUND",
      parameters: ["cluster-83", groupId],
      reason: "Not Found",
    });
  });

  test.each([
    ["POST", `${ORDERS}/backup/restoreJobs`, "GET"],
    ["DELETE", ORDERS, "GET"],
    ["GET", `${ORDERS}/backup/download`, "POST"],
  ])("%s %s is answered with 405 and the allowed method", async (method, path, allow) => {
    const { status, headers } = await call(await simulatorFor(), path, { method });
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow });
  });
});

describe("failures of a download request", () => {
  test.each([
    ["no JSON", "{", "body"],
    ["a list", "[]", "body"],
    ["nothing", "", "body"],
    ["no snapshotId", "{}", "snapshotId"],
    ["a number", '{"snapshotId":7}', "snapshotId"],
    ["a malformed id", '{"snapshotId":"c8"}', "snapshotId"],
  ])("a body that is %s is a VALIDATION_ERROR", async (_, body, named) => {
    const { status, json } = await requestDownload(await simulatorFor(), "", { body });
    expect(status).toBe(400);
    expect(json).toMatchObject({ errorCode: "VALIDATION_ERROR", detail: expect.stringContaining(named) });
    if (named === "snapshotId") expect(json).toMatchObject({ badRequestDetail: { fields: [{ field: "snapshotId" }] } });
  });

  test.each([
    ["an unknown snapshot", ORDERS, UNKNOWN, 404, "TENANT_SNAPSHOT_NOT_FOUND"],
    ["another cluster's snapshot", ORDERS, "5fa1000000000000000001c1", 404, "TENANT_SNAPSHOT_NOT_FOUND"],
    [
      "a running snapshot",
      `${CLUSTERS}/customers`,
      "5fa1000000000000000001c4",
      409,
      "CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT",
    ],
    ["a failed snapshot", ORDERS, SIMULATED.failedSnapshotId, 409, "CANNOT_DOWNLOAD_INCOMPLETE_SNAPSHOT"],
    ["a dedicated cluster", `${CLUSTERS}/warehouse`, UNKNOWN, 400, "CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API"],
    ["a foreign project", ORDERS.replace(groupId, SIMULATED.foreignGroupId), UNKNOWN, 401, "NOT_IN_GROUP"],
  ])("%s is refused", async (_, path, snapshotId, status, errorCode) => {
    const simulator = await simulatorFor();
    const answer = await requestDownload(simulator, snapshotId, { path });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ errorCode });
    expect(simulator.jobs).toEqual([]);
  });

  test("the limit of active downloads counts the jobs that have not expired", async () => {
    const simulator = await simulatorFor({ downloadLimit: 2 });
    expect((await requestDownload(simulator)).status).toBe(200);
    const { status, json } = await requestDownload(simulator);
    expect(status).toBe(400);
    expect(json).toMatchObject({ errorCode: "TOO_MANY_SNAPSHOT_DOWNLOADS" });
  });

  test("credentials without the download role may read, and get a 401 without a challenge for a download", async () => {
    const simulator = await simulatorFor();
    const headers = { authorization: `Bearer ${SIMULATED.withoutDownloadRole.accessToken}` };
    expect((await call(simulator, ORDERS, { headers })).status).toBe(200);
    const refused = await requestDownload(simulator, SIMULATED.snapshotId, { headers });
    expect(refused.status).toBe(401);
    expect(refused.json).toMatchObject({ errorCode: "USER_UNAUTHORIZED" });
    expect(refused.headers).not.toHaveProperty("www-authenticate");
  });
});

describe("the gateway", () => {
  test.each([
    ["no credentials", {}],
    ["an unknown token", { authorization: "Bearer nope" }],
    ["another scheme", { authorization: "Basic bm9wZTpub3Bl" }],
    ["a broken digest", { authorization: 'Digest username="simulate"' }],
  ])(
    "refuses %s with a challenge, as recorded since August 2026 or, on order, as until July 2026",
    async (_, headers) => {
      const simulator = await simulatorFor({ orders: "getFlexCluster=old-401*1" });
      const old = await send(`${simulator.baseUrl}${ORDERS}`, { headers });
      expect(old.text).toBe(
        '{"error":401,"reason":"Unauthorized","detail":"You are not authorized for this resource."}',
      );
      expect(old.headers["www-authenticate"]).toMatch(/^Digest /);
      const { status, text, headers: answered } = await send(`${simulator.baseUrl}${ORDERS}`, { headers });
      expect({ old: old.status, status }).toEqual({ old: 401, status: 401 });
      expect(text).toBe(
        [
          "{",
          '  "error" : 401,',
          '  "reason" : "Unauthorized",',
          '  "detail" : "You are not authorized for this resource.",',
          '  "errorCode" : "UNEXPECTED_ERROR"',
          "}",
        ].join("\n"),
      );
      expect(answered.vary).toBe("Accept-Encoding");
      expect(answered).not.toHaveProperty("ratelimit-limit");
      expect(answered["www-authenticate"]).toMatch(
        /^Digest realm="MMS Public API", domain="", nonce="[^"]+", algorithm=MD5, qop="auth", stale=false$/,
      );
      expect(answered).not.toHaveProperty("x-error-code");
    },
  );

  test("refuses credentials whose access list does not include this computer", async () => {
    const headers = { authorization: `Bearer ${SIMULATED.outsideAccessList.accessToken}` };
    const { status, json } = await call(await simulatorFor(), ORDERS, { headers });
    expect(status).toBe(403);
    expect(json).toMatchObject({ errorCode: "IP_ADDRESS_NOT_ON_ACCESS_LIST", parameters: ["127.0.0.1"] });
  });
});

describe("the request limit", () => {
  test("uses a bucket per project and set of operations, says how long to wait, and refills", async () => {
    let time = Date.UTC(2026, 10, 24);
    const simulator = await simulatorFor({ now: () => time, rateLimit: { capacity: 2, refillPerMinute: 6 } });
    expect((await call(simulator, `${ORDERS}/backup/snapshots`)).headers["ratelimit-remaining"]).toBe("1");
    await call(simulator, `${ORDERS}/backup/snapshots`);
    const { status, headers, json } = await call(simulator, `${ORDERS}/backup/snapshots`);
    expect(status).toBe(429);
    expect(headers).toMatchObject({ "retry-after": "10", "ratelimit-limit": "2", "ratelimit-remaining": "0" });
    const resource = `${ORDERS.slice(1)}/backup/snapshots`;
    expect(json).toMatchObject({ errorCode: "RATE_LIMITED_TOKEN_BUCKET", parameters: [resource, 10, 2, 6, 60] });
    expect((await call(simulator, `${ORDERS}/backup/restoreJobs`)).status).toBe(200);
    time += 10_000;
    expect((await call(simulator, `${ORDERS}/backup/snapshots`)).status).toBe(200);
  });
});
