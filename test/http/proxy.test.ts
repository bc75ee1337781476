import { expect, test } from "vitest";
import { neverSent } from "../../src/core/errors.ts";
import { failureOf, get, post, transport } from "./requests.ts";
import { closedPort, serve, serveBytes, serveProxy, serveTls, tls } from "./servers.ts";

const target = new URL("http://atlas.test/api?secret=1");
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

test("a proxy with a password tunnels to any host", async () => {
  const server = await serve((request, response) => response.end(JSON.stringify(request.headers)));
  const proxy = await serveProxy(server.port, { authorization: basic("user:p@ss/word") });
  const send = transport({ proxy: { httpProxy: `http://user:p%40ss%2Fword@127.0.0.1:${proxy.port}` } });
  const { json } = await send(get(target));
  expect(json).toMatchObject({ host: "atlas.test" });
  expect(json).not.toHaveProperty("proxy-authorization");
  expect(proxy.tunnels).toEqual(["atlas.test:80"]);
});

test.each([
  "HTTP/1.1 200 OK",
  "HTTP/1.0 200 Connection established",
  "HTTP/1.1 201 Created",
  "HTTP/1.1 204 No Content",
  "HTTP/1.1 205 Reset Content",
  "HTTP/1.1 299 Whatever",
  "HTTP/1.1 200 OK\r\nconnection: close",
  "HTTP/1.1 201 Created\r\ncontent-length: 5",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked",
])(
  "any 2xx to CONNECT opens the tunnel, and the headers announce no body (RFC 9110 section 9.3.6): %s",
  async (opening) => {
    const server = await serve((_, response) => response.end("{}"));
    const proxy = await serveProxy(server.port, { opening });
    const send = transport({ proxy: { httpProxy: `http://127.0.0.1:${proxy.port}` } });
    expect(await send(get(target))).toMatchObject({ status: 200, json: {} });
    expect(proxy.tunnels).toHaveLength(1);
  },
);

test("loopback, hosts in NO_PROXY, and https without HTTPS_PROXY are reached directly", async () => {
  const server = await serve((_, response) => response.end("{}"));
  const proxy = await serveProxy(server.port);
  const setting = `http://127.0.0.1:${proxy.port}`;
  const send = transport({ proxy: { httpProxy: setting, noProxy: "nowhere.invalid" } });
  for (const host of ["127.0.0.1", "localhost"]) {
    expect((await send(get(new URL(`http://${host}:${server.port}/`)))).status).toBe(200);
  }
  expect((await failureOf(send(get(new URL("http://nowhere.invalid/"))))).code).toBe("CONNECTION_FAILED");
  expect((await failureOf(send(get(new URL("https://nowhere2.invalid/"))))).code).toBe("CONNECTION_FAILED");
  expect(proxy.connections()).toBe(0);
});

test("HTTP_PROXY in the environment is ignored: only the configuration counts", async () => {
  const before = process.env.HTTP_PROXY;
  process.env.HTTP_PROXY = `http://127.0.0.1:${await closedPort()}`;
  try {
    const failure = await failureOf(transport({ proxy: {} })(get(new URL("http://nowhere.invalid/"))));
    expect(failure.code).toBe("CONNECTION_FAILED");
  } finally {
    if (before === undefined) delete process.env.HTTP_PROXY;
    else process.env.HTTP_PROXY = before;
  }
});

test("a fresh connection gets its own tunnel", async () => {
  const server = await serve((request, response) => request.resume().on("end", () => response.end("{}")));
  const proxy = await serveProxy(server.port);
  const send = transport({ proxy: { httpProxy: `http://127.0.0.1:${proxy.port}` } });
  for (let count = 0; count < 3; count += 1) await send(post(target));
  expect(proxy.tunnels).toHaveLength(3);
});

test.each([
  ["wants another password", { authorization: basic("user:right") }, "answered 407"],
  ["refuses the target", { status: 403 }, "answered 403"],
  ["cannot reach the target", { status: 502 }, "answered 502"],
  ["redirects", { status: 302 }, "answered 302"],
])("a proxy that %s fails with PROXY_FAILED: nothing is sent and no secret revealed", async (_, options, detail) => {
  const server = await serve((_, response) => response.end("{}"));
  const proxy = await serveProxy(server.port, options);
  const send = transport({ proxy: { httpProxy: `http://user:wrong-password@127.0.0.1:${proxy.port}` } });
  const failure = await failureOf(send(post(target)));
  expect(failure.code).toBe("PROXY_FAILED");
  expect(failure.message).toContain(`The proxy 127.0.0.1:${proxy.port} ${detail}`);
  expect(JSON.stringify(failure.envelope)).not.toMatch(/wrong-password|secret/);
  expect(neverSent(failure)).toBe(true);
  expect(server.connections()).toBe(0);
});

test("a proxy that hangs up during CONNECT is dialled once", async () => {
  const proxy = await serveBytes((socket) => socket.once("data", () => socket.end()));
  const send = transport({ proxy: { httpProxy: `http://127.0.0.1:${proxy.port}` } });
  const failure = await failureOf(send(post(target, { deadline: Date.now() + 2_000 })));
  expect(failure.code).toBe("PROXY_FAILED");
  expect(neverSent(failure)).toBe(true);
  expect(proxy.connections()).toBe(1);
});

test("a proxy that does not answer, does not listen or does not speak HTTP fails with PROXY_FAILED", async () => {
  const silent = await serveBytes(() => {});
  const other = await serveBytes((socket) => socket.write("220 mail ready\r\n"));
  for (const port of [silent.port, await closedPort(), other.port]) {
    const send = transport({ proxy: { httpProxy: `http://127.0.0.1:${port}` }, limits: { connectMs: 1_000 } });
    const failure = await failureOf(send(post(target)));
    expect(failure.code).toBe("PROXY_FAILED");
    expect(neverSent(failure)).toBe(true);
  }
});

test("a tunnel that breaks after the request was sent is a lost connection", async () => {
  const server = await serveBytes((socket) => socket.once("data", () => socket.destroy()));
  const proxy = await serveProxy(server.port);
  const send = transport({ proxy: { httpProxy: `http://127.0.0.1:${proxy.port}` } });
  const failure = await failureOf(send(post(target)));
  expect(failure.code).toBe("CONNECTION_LOST");
  expect(neverSent(failure)).toBe(false);
});

test("an untrusted certificate fails with TLS_FAILED before anything is sent, directly and through a proxy", async () => {
  let requests = 0;
  const server = await serveTls(tls, (_, response) => {
    requests += 1;
    response.end("{}");
  });
  const proxy = await serveProxy(server.port);
  const send = transport({ proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` } });
  for (const url of [server.url, new URL("https://atlas.test/api")]) {
    const failure = await failureOf(send(post(url)));
    expect(failure.code).toBe("TLS_FAILED");
    expect(failure.message).toContain(url.host);
    expect(neverSent(failure)).toBe(true);
  }
  expect(requests).toBe(0);
});

test("https to a server that speaks plain HTTP fails with TLS_FAILED", async () => {
  const server = await serve((_, response) => response.end("{}"));
  const failure = await failureOf(transport()(post(new URL(`https://127.0.0.1:${server.port}/`))));
  expect(failure.code).toBe("TLS_FAILED");
  expect(neverSent(failure)).toBe(true);
});
