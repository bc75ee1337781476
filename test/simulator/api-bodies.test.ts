import { describe, expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, type JsonAnswer, ORDERS, requestDownload, send, V2 } from "./harness.ts";

const PROJECT = `${V2}/groups/${SIMULATED.groupId}`;
const JOBS = `${ORDERS}/backup/restoreJobs`;

function stringsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsOf) : [];
}

describe("faults of the body", () => {
  test.each(["garbage", "html", "empty"])("%s cannot be read as JSON", async (fault) => {
    const { text, headers } = await call(await simulatorFor({ orders: `api=${fault}` }), PROJECT);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    if (fault === "html") expect(headers["content-type"]).toContain("text/html");
  });

  test("html is a 502 page", async () => {
    const { status, text } = await call(await simulatorFor({ orders: "api=html" }), PROJECT);
    expect(status).toBe(502);
    expect(text).toContain("MongoDB Cloud Manager Unavailable");
  });

  test("wrong-type is valid JSON with a wrong Content-Type", async () => {
    const { headers, json } = await call(await simulatorFor({ orders: "api=wrong-type" }), PROJECT);
    expect(headers["content-type"]).toBe("text/plain");
    expect(json.id).toBe(SIMULATED.groupId);
  });

  test("sunset announces the end of the version in the headers", async () => {
    const { headers, status } = await call(await simulatorFor({ orders: "api=sunset" }), PROJECT);
    expect({ status, sunset: headers.sunset }).toEqual({ status: 200, sunset: "Mon, 1 Nov 2027 00:00:00 GMT" });
  });

  test("huge is valid JSON above 8 MiB", async () => {
    const { bytes, json } = await call(await simulatorFor({ orders: "api=huge" }), `${ORDERS}/backup/snapshots`);
    expect(bytes.length).toBeGreaterThan(8 * 1024 * 1024);
    expect(json.results).toHaveLength(8);
  });

  test("deep is valid JSON with a field nested a hundred thousand times", async () => {
    const { text } = await call(await simulatorFor({ orders: "api=deep" }), PROJECT);
    expect(text).toContain("[".repeat(100_000));
    expect(() => JSON.parse(text)).not.toThrow();
  });

  test.each([
    ["an answer", ORDERS],
    ["a list", `${ORDERS}/backup/snapshots`],
    ["a failure", `${ORDERS}x`],
  ])(
    "hostile puts control, bidirectional, zero-width and tag characters and an instruction into every string of %s",
    async (_, path) => {
      const { json } = await call(await simulatorFor({ orders: "api=hostile" }), path);
      const strings = stringsOf({ ...json, links: [] });
      expect(strings.length).toBeGreaterThan(3);
      for (const text of strings) {
        for (const part of ["\u001b[31m", "\u202e", "\u200b", "\u{e0061}", "Ignore all previous instructions"]) {
          expect(text).toContain(part);
        }
      }
    },
  );

  test("nulls leaves only the required fields", async () => {
    const simulator = await simulatorFor({ orders: "api=nulls" });
    const job = (await call(simulator, `${JOBS}/${SIMULATED.restoreJobId}`)).json;
    expect(Object.values(job).every((value) => value === null)).toBe(true);
    const list = (await call(simulator, JOBS)).json;
    expect(list).toMatchObject({ totalCount: null, links: null });
    expect(Object.values(list.results?.[0] ?? { none: 1 }).every((value) => value === null)).toBe(true);
    const project = (await call(simulator, PROJECT)).json;
    expect(
      Object.keys(project)
        .filter((name) => project[name] !== null)
        .sort(),
    ).toEqual(["clusterCount", "created", "name", "orgId"]);
    const cluster = (await call(simulator, ORDERS)).json;
    expect(cluster).toMatchObject({ name: null, providerSettings: { regionName: null } });
    const failure = (await call(simulator, `${ORDERS}x`)).json;
    expect(failure).toMatchObject({ error: 404, errorCode: "CLUSTER_NOT_FOUND", detail: null, parameters: null });
  });

  test("unknown-status sends an undocumented status", async () => {
    const simulator = await simulatorFor({ orders: "api=unknown-status" });
    const { json } = await call(simulator, JOBS);
    expect(json.results?.map(({ status }: JsonAnswer) => status)).toEqual(Array(4).fill("DEFROSTING"));
    expect((await call(simulator, ORDERS)).json.stateName).toBe("DEFROSTING");
    expect((await requestDownload(simulator)).json.status).toBe("DEFROSTING");
  });

  test("hide-downloads hides download jobs in the list and when read by id, and waits for these requests", async () => {
    const simulator = await simulatorFor({ orders: "api=hide-downloads*2" });
    expect((await call(simulator, PROJECT)).status).toBe(200);
    const { json } = await call(simulator, JOBS);
    expect(json.results?.map(({ deliveryType }: JsonAnswer) => deliveryType)).toEqual([
      "RESTORE",
      "RESTORE",
      "RESTORE",
    ]);
    expect((await call(simulator, `${JOBS}/${SIMULATED.restoreJobId}`)).json.errorCode).toBe(
      "TENANT_RESTORE_NOT_FOUND",
    );
    expect((await call(simulator, JOBS)).json.totalCount).toBe(4);
  });

  test.each([
    ["getProject", PROJECT, { method: "GET" }],
    ["token", "/api/oauth/token", { method: "POST" }],
  ])("echo-secret on %s repeats the Authorization header in a 401", async (operation, path, exchange) => {
    const simulator = await simulatorFor({ orders: `${operation}=echo-secret` });
    const authorization = `Bearer ${SIMULATED.accessToken}`;
    const { status, text } = await send(`${simulator.baseUrl}${path}`, { ...exchange, headers: { authorization } });
    expect(status).toBe(401);
    expect(text).toContain(authorization);
  });

  test("revoke-tokens waits for a request with a token and revokes all tokens before it", async () => {
    const simulator = await simulatorFor({ orders: "getProject=revoke-tokens*1" });
    await send(`${simulator.baseUrl}${PROJECT}`);
    expect((await call(simulator, ORDERS)).status).toBe(200);
    expect((await call(simulator, PROJECT)).status).toBe(401);
    expect((await call(simulator, ORDERS)).status).toBe(401);
  });

  test("several faults strike one answer", async () => {
    const { status, json, end } = await call(
      await simulatorFor({ orders: "getProject=503:SOMETHING+hostile+cut" }),
      `${PROJECT}?pretty=true`,
    );
    expect({ status, json, end }).toEqual({ status: 503, json: {}, end: "aborted" });
  });
});
