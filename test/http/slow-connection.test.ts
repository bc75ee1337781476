import dns from "node:dns";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test, vi } from "vitest";
import { createFileRequester } from "../../src/download/transfer/file-request.ts";
import { failureOf, get, post, transport } from "./requests.ts";

/** A thread that answers every request, and CONNECT with 403. While it waits at the gate, its system drops new connections. */
const SERVER = `
  const { parentPort, workerData: gate } = require("node:worker_threads");
  const server = require("node:net").createServer((socket) =>
    socket.on("error", () => undefined).once("data", (data) => {
      const refused = data.toString("latin1").startsWith("CONNECT");
      socket.end("HTTP/1.1 " + (refused ? "403 No" : "200 OK") + "\\r\\ncontent-length: 2\\r\\n\\r\\n{}");
    }),
  );
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(gate, 0, 0));
  });
`;

/** A server whose connections come about only after the gate is open, with the second packet: a second later on Linux. */
async function slowServer() {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const open = () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
  };
  const worker = new Worker(SERVER, { eval: true, workerData: gate });
  onTestFinished(async () => {
    open();
    await worker.terminate();
  });
  const [port]: number[] = await once(worker, "message");
  if (port === undefined) throw new Error("the slow server listens on no port");
  const dial = () => {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  // Two connections fill its queue.
  await Promise.all([dial(), dial()].map((socket) => once(socket, "connect")));
  return { port, open, probe: dial() };
}

// Only Linux certainly drops what does not fit into the queue; Windows refuses it.
test("a slow address is not given up for one that leads nowhere: Atlas and file host, direct and through a proxy", {
  tags: "linux",
}, async () => {
  const { port, open, probe } = await slowServer();
  vi.spyOn(dns, "lookup").mockImplementation((...args: unknown[]) => {
    const done = args.at(-1);
    const addresses = [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 }, // Nobody listens there.
    ];
    if (typeof done === "function") done(null, addresses);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const here = new URL(`http://localhost:${port}/`);
  const send = transport();
  const proxied = transport({ proxy: { httpProxy: here.origin } });
  const exempting = transport({ proxy: { httpProxy: here.origin, noProxy: "atlas.test" } });
  const policy = { allowLoopback: true, fileHosts: ["atlas.test", "files.test"] };
  const proxy = { httpsProxy: here.origin };
  const requester = createFileRequester({ policy, limits: { connectTimeoutMs: 10_000 }, proxy });
  onTestFinished(requester.close);
  const { signal } = new AbortController();
  const statusOf = async (response: Promise<{ status: number }>) => (await response).status;
  const outcomes = Promise.all([
    statusOf(send(get(here))),
    statusOf(send(post(here))),
    failureOf(proxied(get(new URL("http://atlas.test/")))).then(({ message }) => message),
    statusOf(exempting(get(new URL(`http://atlas.test:${port}/`)))),
    statusOf(requester.get(here, undefined, signal)),
    requester.get(new URL("https://files.test/"), undefined, signal).catch((error: unknown) => String(error)),
  ]);
  outcomes.catch(() => undefined); // Awaited below.
  await delay(400);
  expect(probe.connecting).toBe(true);
  open();
  const refused = expect.stringContaining(`The proxy localhost:${port} answered 403.`);
  expect(await outcomes).toEqual([200, 200, refused, 200, 200, refused]);
});
