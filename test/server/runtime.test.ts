import { request } from "node:http";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverAgainst, serverWith, simulatorFor } from "../fixtures.ts";
import { serveProxy, serveTls, tls } from "../http/servers.ts";

const SNAPSHOT = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };

test("a link to loopback is opened only if the base URL is on loopback too", async () => {
  const simulator = await simulatorFor({ snapshotBytes: 100_000 });
  const asked = () => simulator.requests.filter(({ operation }) => operation === "file").length;
  const front = await serveTls(tls, (incoming, response) => {
    const { method, headers } = incoming;
    const onward = request(new URL(incoming.url ?? "", simulator.baseUrl), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  const proxy = await serveProxy(front.port);
  const remote = await serverWith({
    env: {
      ...SERVICE_ACCOUNT,
      MONGODB_ATLAS_BASE_URL: "https://atlas.test",
      HTTPS_PROXY: proxy.url.origin,
      NODE_EXTRA_CA_CERTS: resolve("test/fixtures/ca.pem"),
    },
  });
  expect(await remote.fails("save_flex_snapshot", SNAPSHOT)).toMatchObject({ errorCode: "LINK_UNSAFE" });
  expect(asked()).toBe(0);
  const local = await serverAgainst(simulator);
  expect(await local.ok("save_flex_snapshot", SNAPSHOT)).toMatchObject({ state: "complete" });
  expect(asked()).toBe(1);
});
