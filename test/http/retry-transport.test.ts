import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { withRetry } from "../../src/http/retry.ts";
import { skippingClock } from "./clocks.ts";
import { failureOf, get, post, transport } from "./requests.ts";
import { closedPort, serve } from "./servers.ts";

const later = (): number => skippingClock().now() + 45_000;

test("a POST that was carried out before its connection broke is carried out once, a GET is asked again", async () => {
  const jobs: string[] = [];
  const server = await serve((request, response) => {
    request.resume().on("end", () => {
      jobs.push(request.method ?? "");
      if (jobs.length > 2) response.end("{}");
      else request.socket.resetAndDestroy();
    });
  });
  const send = withRetry(skippingClock())((request) => transport()({ ...request, deadline: Date.now() + 10_000 }));
  expect((await failureOf(send(post(server.url, { deadline: later() })))).code).toBe("CONNECTION_LOST");
  expect(jobs).toEqual(["POST"]);
  expect((await send(get(server.url, { deadline: later() }))).status).toBe(200);
  expect(jobs).toEqual(["POST", "GET", "GET"]);
});

test("a POST for which no connection could be made is sent once there is one", async () => {
  const port = await closedPort();
  const jobs: string[] = [];
  const server = createServer((request, response) => {
    jobs.push(request.method ?? "");
    request.resume().on("end", () => response.end("{}"));
  });
  onTestFinished(() => void server.close());
  const clock = skippingClock();
  const opening = {
    ...clock,
    sleep: (ms: number, signal: AbortSignal) =>
      clock.sleep(ms, signal).then(() => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))),
  };
  const send = withRetry(opening)((request) => transport()({ ...request, deadline: Date.now() + 10_000 }));
  const url = new URL(`http://127.0.0.1:${port}/`);
  expect((await send(post(url, { deadline: later() }))).status).toBe(200);
  expect(jobs).toEqual(["POST"]);
});
