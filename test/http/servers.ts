import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

interface TestServer {
  port: number;
  url: URL;
  /** Connections accepted so far. */
  connections: () => number;
}

/** Listens on a free loopback port until the test ends. */
async function listen(server: Server, protocol = "http"): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", ignore).on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the test server listens on no port");
  const url = new URL(`${protocol}://127.0.0.1:${address.port}/api`);
  return { port: address.port, url, connections: () => connections };
}

/** Broken connections are intended here; the client under test reports them. */
function ignore(): void {}

export const serve = (listener: RequestListener) => listen(createServer(listener));

/** For localhost, 127.0.0.1 and atlas.test; signed by the authority in ca.pem. */
export const tls = {
  cert: readFileSync("test/fixtures/server.pem", "utf8"),
  key: readFileSync("test/fixtures/server-key.pem", "utf8"),
};

export const serveTls = (files: { cert: string; key: string }, listener: RequestListener) =>
  listen(createTlsServer(files, listener), "https");

/** A server of raw bytes, for answers that no HTTP library would send. */
export const serveBytes = (onSocket: (socket: Socket) => void) => listen(createTcpServer(onSocket));

/** The bytes of a complete answer that keeps the connection alive. */
export function answer(body: string, headers = ""): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
}

/** A loopback port on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

/** A CONNECT proxy that leads to one target, whatever host is requested. `opening` is how it says that a tunnel is open. */
export async function serveProxy(
  targetPort: number,
  options: { authorization?: string; status?: number; opening?: string } = {},
) {
  const tunnels: string[] = [];
  const server = createServer((_, response) => response.writeHead(500).end());
  server.on("connect", (request, socket) => {
    if (options.authorization && request.headers["proxy-authorization"] !== options.authorization) {
      socket.end(
        "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n",
      );
      return;
    }
    if (options.status) {
      socket.end(`HTTP/1.1 ${options.status} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    tunnels.push(request.url ?? "");
    const target = connect(targetPort, "127.0.0.1", () => {
      socket.write(`${options.opening ?? "HTTP/1.1 200 Connection established"}\r\n\r\n`);
      target.pipe(socket).pipe(target);
    });
    target.on("error", () => socket.destroy());
    socket.on("error", () => target.destroy());
  });
  return { ...(await listen(server)), tunnels };
}
