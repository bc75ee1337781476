import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { neverSent } from "../../src/core/errors.ts";
import { createTransport } from "../../src/http/transport.ts";
import { failureOf, get, post, transport } from "./requests.ts";
import { answer, closedPort, serve, serveBytes } from "./servers.ts";

const onRequest = (act: (socket: Socket) => void) => (socket: Socket) => socket.once("data", () => act(socket));

test.each([
  ["resets before the answer", onRequest((socket) => socket.resetAndDestroy()), "CONNECTION_LOST"],
  ["closes before the answer", onRequest((socket) => socket.destroy()), "CONNECTION_LOST"],
  ["closes within the headers", onRequest((socket) => socket.end("HTTP/1.1 200 OK\r\ncont")), "CONNECTION_LOST"],
  ["closes within the body", onRequest((socket) => socket.end(answer("{}").slice(0, -1))), "CONNECTION_LOST"],
  [
    "resets within the body",
    onRequest((socket) => socket.write(answer("{}").slice(0, -1), () => socket.resetAndDestroy())),
    "CONNECTION_LOST",
  ],
  ["speaks another protocol", onRequest((socket) => socket.end("220 mail ready\r\n")), "UNREADABLE_RESPONSE"],
  [
    "sends endless headers",
    onRequest((socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(40_000)}\r\n`)),
    "UNREADABLE_RESPONSE",
  ],
])("if a server %s after it received the request, the request may have had an effect", async (_, onSocket, code) => {
  const server = await serveBytes(onSocket);
  for (const request of [get(server.url), post(server.url)]) {
    const failure = await failureOf(transport()(request));
    expect(failure.code).toBe(code);
    expect(neverSent(failure)).toBe(false);
  }
});

test("nothing is sent to a port where nobody listens", async () => {
  const port = await closedPort();
  const failure = await failureOf(transport()(post(new URL(`http://127.0.0.1:${port}/?secret=1`))));
  expect(failure.envelope).toMatchObject({
    errorCode: "CONNECTION_FAILED",
    detail: `No connection to 127.0.0.1:${port} could be made (ECONNREFUSED).`,
  });
  expect(neverSent(failure)).toBe(true);
});

test("nothing is sent to a host that does not exist", async () => {
  const failure = await failureOf(transport()(post(new URL("http://nowhere.invalid/"))));
  expect(failure.code).toBe("CONNECTION_FAILED");
  expect(neverSent(failure)).toBe(true);
});

test("a TLS handshake that never completes is abandoned, and nothing is sent", async () => {
  const server = await serveBytes(() => {});
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  const failure = await failureOf(transport({ limits: { connectMs: 1_000 } })(post(url)));
  expect(failure.code).toBe("CONNECTION_FAILED");
  expect(neverSent(failure)).toBe(true);
});

test("a server that sends no headers or stops within the body causes TIMEOUT, and the request counts as sent", async () => {
  const silent = await serveBytes(() => {});
  const stalled = await serveBytes((socket) => socket.write(answer("{}").slice(0, -1)));
  const send = transport({ limits: { headersMs: 500, bodyIdleMs: 500 } });
  const failures = await Promise.all([silent, stalled].map(({ url }) => failureOf(send(post(url)))));
  expect(failures.map(({ code }) => code)).toEqual(["TIMEOUT", "TIMEOUT"]);
  expect(failures.map(neverSent)).toEqual([false, false]);
});

test("a body that trickles forever is cut off at the deadline", async () => {
  const server = await serve(async (_, response) => {
    while (!response.destroyed) {
      response.write(" ");
      await delay(20);
    }
  });
  const failure = await failureOf(transport()(get(server.url, { deadline: Date.now() + 1_000 })));
  expect(failure.code).toBe("TIMEOUT");
  expect(neverSent(failure)).toBe(false);
});

test("if the deadline passes during the TLS handshake, nothing is sent, not even later", async () => {
  let received = "";
  const server = await serveBytes((socket) => socket.on("data", (data) => (received += data.toString("latin1"))));
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  const failure = await failureOf(transport()(post(url, { deadline: Date.now() + 200 })));
  expect(failure.code).toBe("TIMEOUT");
  expect(neverSent(failure)).toBe(true);
  expect(received).not.toContain("snapshotId");
});

test("an abort ends a request at once with the signal's reason, at every stage", async () => {
  const silent = await serveBytes(() => {});
  const stalled = await serveBytes((socket) => socket.write(answer("{}").slice(0, -1)));
  const connecting = new URL(`https://127.0.0.1:${silent.port}/`);
  const send = transport();
  for (const url of [silent.url, stalled.url, connecting]) {
    const controller = new AbortController();
    const response = send(get(url, { signal: controller.signal }));
    await delay(100);
    const reason = new Error("cancelled by the client");
    controller.abort(reason);
    await expect(response).rejects.toBe(reason);
  }
  await expect(send(get(silent.url, { signal: AbortSignal.abort("before") }))).rejects.toBe("before");
});

test("an invalid header is reported as an internal error, not as a network failure", async () => {
  const server = await serve((_, response) => response.end());
  const failure = await failureOf(transport()(post(server.url, { headers: { accept: "a\nb" } })));
  expect(failure.code).toBe("INTERNAL_ERROR");
  expect(neverSent(failure)).toBe(true);
  expect(server.connections()).toBe(0);
});

test("a closed transport fails without sending", async () => {
  const server = await serve((_, response) => response.end("{}"));
  const { send, close } = createTransport({ proxy: {}, userAgent: "test" });
  await send(get(server.url));
  await close();
  const failures = [await failureOf(send(get(server.url))), await failureOf(send(post(server.url)))];
  expect(failures.map(neverSent)).toEqual([true, true]);
});
