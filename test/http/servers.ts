import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface TestServer {
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

/** A broken connection is what the tests are about; the other side reports it. */
function ignore(): void {}

export const serve = (listener: RequestListener) => listen(createServer(listener));

export const serveTls = (files: { cert: string; key: string }, listener: RequestListener) =>
  listen(createTlsServer(files, listener), "https");

/** A server that speaks in bytes, for answers that no HTTP library would give. */
export const serveBytes = (onSocket: (socket: Socket) => void) => listen(createTcpServer(onSocket));

/** Bytes of a whole answer, kept alive. */
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

/** A CONNECT proxy in front of one target, whatever host is asked for. */
export async function serveProxy(targetPort: number, options: { authorization?: string; status?: number } = {}) {
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
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(socket).pipe(target);
    });
    target.on("error", () => socket.destroy());
    socket.on("error", () => target.destroy());
  });
  return { ...(await listen(server)), tunnels };
}
