import { Agent } from "node:http";
import { describe, expect, test } from "vitest";
import { SIMULATED, type Simulator } from "../../src/simulator/simulator.ts";
import { call, linkOf, ORDERS, requestDownload, send, start, V2 } from "./harness.ts";

const control = (simulator: Simulator, method: string, path: string, body?: string) =>
  send(`${simulator.baseUrl}/_simulator/${path}`, { method, ...(body === undefined ? {} : { body }) });

describe("what a simulator records", () => {
  test("operation, method, target, headers, status and connection of each request", async () => {
    const simulator = await start();
    const agent = new Agent({ keepAlive: true });
    await call(simulator, `${V2}/groups?pretty=true`, { agent, headers: { "user-agent": "one" } });
    await call(simulator, `${ORDERS}x`, { agent });
    await call(simulator, `${V2}/nothing`);
    agent.destroy();
    expect(simulator.requests).toMatchObject([
      {
        operation: "listProjects",
        method: "GET",
        path: `${V2}/groups?pretty=true`,
        headers: { "user-agent": "one" },
        status: 200,
      },
      { operation: "getFlexCluster", status: 404 },
      { operation: "unknown", status: 404 },
    ]);
    const [first, second, third] = simulator.requests.map(({ connectionId }) => connectionId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(simulator.count("listProjects")).toBe(1);
    expect(simulator.count("api")).toBe(2);
    expect(simulator.count("file")).toBe(0);
  });
});

describe("control over HTTP", () => {
  test("tells ports, environments, counts, jobs and pending orders, and is not recorded", async () => {
    const simulator = await start({ orders: "file=503*2" });
    await requestDownload(simulator);
    const { text, status } = await control(simulator, "GET", "state");
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      baseUrl: simulator.baseUrl,
      fileBaseUrl: simulator.fileBaseUrl,
      environment: { MONGODB_ATLAS_CLIENT_ID: SIMULATED.clientId },
      counts: { requestDownload: 1 },
      jobs: [
        {
          id: expect.stringMatching(/^5fa1[0-9a-f]{8}00c800000001$/),
          snapshotId: SIMULATED.snapshotId,
          name: "orders",
        },
      ],
      orders: [{ target: "file", times: 2 }],
    });
    expect(simulator.requests).toHaveLength(1);
    const requests = await control(simulator, "GET", "requests");
    expect(JSON.parse(requests.text)).toMatchObject({ requests: [{ operation: "requestDownload" }] });
  });

  test("orders and clears", async () => {
    const simulator = await start();
    expect((await control(simulator, "POST", "orders", "getFlexCluster=503")).status).toBe(200);
    expect((await call(simulator, ORDERS)).status).toBe(503);
    await control(simulator, "DELETE", "orders");
    expect((await call(simulator, ORDERS)).status).toBe(200);
  });

  test.each([
    ["POST", "orders", "api=explode", 400, "Unknown fault"],
    ["POST", "file-rate?bytesPerSecond=x", undefined, 400, "number of bytes per second"],
    ["POST", "replace-object?snapshotId=nope", undefined, 400, "There is no snapshot"],
    ["GET", "nothing", undefined, 404, "POST expire-links"],
  ])("%s %s is refused with the reason", async (method, path, body, status, reason) => {
    const answer = await control(await start(), method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(reason);
  });

  test("expires links, revokes tokens, replaces objects and throttles", async () => {
    const simulator = await start({ snapshotBytes: 100_000 });
    const link = await linkOf(simulator);
    const before = await send(link);
    await control(simulator, "POST", `replace-object?snapshotId=${SIMULATED.downloadedSnapshotId}`);
    const after = await send(link);
    expect(after.headers.etag).not.toBe(before.headers.etag);
    expect(after.bytes.equals(before.bytes)).toBe(false);
    await control(simulator, "POST", "file-rate?bytesPerSecond=400000");
    const begun = performance.now();
    await send(link);
    expect(performance.now() - begun).toBeGreaterThan(200);
    await control(simulator, "POST", "expire-links");
    expect((await send(link)).status).toBe(403);
    await control(simulator, "POST", "revoke-tokens");
    expect((await call(simulator, ORDERS)).status).toBe(401);
  });
});
