import { Agent } from "node:http";
import { describe, expect, test } from "vitest";
import { SIMULATED, startSimulator } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { call, ORDERS, send, V2 } from "./harness.ts";

describe("a simulator", () => {
  test("records operation, method, target, headers, status and connection of each request", async () => {
    const simulator = await simulatorFor();
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

  test("lets other processes read the recorded requests without recording that", async () => {
    const simulator = await simulatorFor();
    await call(simulator, `${V2}/groups`);
    const { text, status } = await send(`${simulator.baseUrl}/_simulator/requests`);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ requests: [{ operation: "listProjects", status: 200 }] });
    expect(simulator.requests).toHaveLength(1);
  });

  test("gives the variables of every principal and kind of credentials", async () => {
    const simulator = await simulatorFor();
    expect(simulator.environment).toEqual({
      MONGODB_ATLAS_BASE_URL: simulator.baseUrl,
      MONGODB_ATLAS_CLIENT_ID: SIMULATED.clientId,
      MONGODB_ATLAS_CLIENT_SECRET: SIMULATED.clientSecret,
    });
    expect(simulator.environments.withoutDownloadRole.apiKey).toMatchObject({
      MONGODB_ATLAS_PUBLIC_API_KEY: SIMULATED.withoutDownloadRole.publicKey,
    });
    expect(simulator.environments.outsideAccessList.accessToken).toMatchObject({
      MONGODB_ATLAS_ACCESS_TOKEN: SIMULATED.outsideAccessList.accessToken,
    });
  });

  test("can be closed twice, and fails on a taken port without leaving the file host open", async () => {
    const first = await startSimulator();
    const port = Number(new URL(first.baseUrl).port);
    await expect(startSimulator({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first.close();
    await first.close();
    const second = await startSimulator({ port });
    expect(second.baseUrl).toBe(first.baseUrl);
    await second.close();
  });

  test("can be closed while a request hangs", async () => {
    const simulator = await startSimulator({ orders: "getProject=hang" });
    const hanging = call(simulator, `${V2}/groups/${SIMULATED.groupId}`);
    while (simulator.count("getProject") === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await simulator.close();
    expect(await hanging).toMatchObject({ status: 0, end: "aborted" });
  });
});
