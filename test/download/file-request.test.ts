import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { hostname } from "node:os";
import { createServer as createTlsServer, type Server } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { kindOfAddress } from "../../src/download/transfer/host-policy.ts";
import { serveProxy } from "../http/servers.ts";
import { needsFound } from "../platform.ts";
import { KIB, openStore, remoteFile, saveTo, temporaryFolder } from "./fixtures.ts";

async function portOf(server: Server | ReturnType<typeof createTcpServer>, host = "127.0.0.1"): Promise<number> {
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** macOS has only the first of the addresses of RFC 1122 §3.2.1.3. */
const LOOPBACK = ["127.0.0.1", "localhost", ...(process.platform === "darwin" ? [] : ["127.0.0.2"])];

const sourceFor = (url: string) => ({ describe: async () => ({}), link: async () => ({ url }) });

describe("behind a proxy", () => {
  async function proxied(answer: string, link: string, settings = {}) {
    const seen: string[] = [];
    const proxy = createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", (data) => {
        seen.push(data.toString("latin1").split("\r\n")[0] ?? "");
        if (answer) socket.write(answer);
        socket.end();
      });
    });
    const httpsProxy = `http://user:SENTINEL@127.0.0.1:${await portOf(proxy)}`;
    const store = openStore(await temporaryFolder(), {
      source: sourceFor(link),
      proxy: { httpsProxy, ...settings },
      allowLoopback: false,
    });
    return { outcome: await saveTo(store).catch((error: unknown) => error), seen };
  }

  test.each([
    ["wants a password", "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"],
    ["hangs up", ""],
  ])("that %s, names are resolved by the proxy, and the error names the proxy", async (_what, answer) => {
    const { outcome, seen } = await proxied(answer, "https://files.example.com/x?sig=SENTINEL");
    expect(outcome).toMatchObject({ state: "paused", lastError: { errorCode: "PROXY_FAILED" } });
    expect(JSON.stringify(outcome)).not.toContain("SENTINEL");
    expect(seen).toEqual(["CONNECT files.example.com:443 HTTP/1.1"]);
  });

  test("that opens the tunnel with 201, the secure connection starts within it", async () => {
    const opening = "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";
    const { outcome } = await proxied(opening, "https://files.example.com/x");
    expect(outcome).toMatchObject({ state: "paused", lastError: { errorCode: "TRANSFER_INTERRUPTED" } });
  });

  test.each(["https://127.0.0.1/x", "http://files.example.com/x", "https://10.0.0.1/x", "https://localhost/x"])(
    "the link itself is still checked: %s",
    async (link) => {
      const { outcome, seen } = await proxied("", link);
      expect(outcome).toMatchObject({ code: "LINK_UNSAFE" });
      expect(seen).toEqual([]);
    },
  );

  test.each(["*", "files.invalid", ".invalid"])("NO_PROXY=%s is honoured", async (noProxy) => {
    const { outcome, seen } = await proxied("", "https://files.invalid/x", { noProxy });
    expect(outcome).toMatchObject({ state: "paused", lastError: { errorCode: "TRANSFER_INTERRUPTED" } });
    expect(seen).toEqual([]);
  });

  test.each(LOOPBACK)("%s is reached without the proxy", async (host) => {
    const file = await remoteFile(20 * KIB);
    const server = createHttpServer((_, response) => response.end(file.bytes));
    const port = await portOf(server, host.startsWith("127") ? host : "127.0.0.1");
    const proxy = await serveProxy(port);
    const store = openStore(await temporaryFolder(), {
      source: sourceFor(`http://${host}:${port}/x`),
      proxy: { httpProxy: proxy.url.origin, httpsProxy: proxy.url.origin },
    });
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(proxy.connections()).toBe(0);
  });
});

test("an untrusted certificate ends the transfer at once", async () => {
  const cert = await readFile("test/fixtures/server.pem", "utf8");
  const key = await readFile("test/fixtures/server-key.pem", "utf8");
  const server = createTlsServer({ cert, key }, (socket) => socket.end());
  const link = `https://localhost:${await portOf(server)}/x`;
  const store = openStore(await temporaryFolder(), { source: sourceFor(link) });
  const report = await saveTo(store);
  expect(report).toMatchObject({ state: "paused", lastError: { errorCode: "TLS_FAILED", source: "file-host" } });
});

test("a name that resolves to an address that is not public is refused before any connection", async () => {
  const name = hostname();
  const found = await lookup(name).catch(() => undefined);
  const isPublic = !found || kindOfAddress(found.address) === "public" || name.includes("localhost");
  const { address } = needsFound("private-name", isPublic ? undefined : found);
  const server = createTcpServer();
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    socket.destroy();
  });
  const link = `https://${name}:${await portOf(server, address)}/x`;
  const store = openStore(await temporaryFolder(), { source: sourceFor(link), allowLoopback: false });
  await expect(saveTo(store)).rejects.toMatchObject({ code: "LINK_UNSAFE" });
  expect(connections).toBe(0);
});
