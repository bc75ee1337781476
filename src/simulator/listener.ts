import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** Bodies of this API are a few dozen bytes; whatever is larger is cut off. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface Listener {
  baseUrl: string;
  close: () => Promise<void>;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** An HTTP server on loopback. A defect in `handle` is answered with its stack, so that a test sees it. */
export async function listen(port: number, handle: Handle): Promise<Listener> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The listener has no port.");
  const baseUrl = `http://127.0.0.1:${address.port}`;
  server.on("request", (request, response) => {
    const { url: target = "/" } = request;
    if (URL.canParse(target, baseUrl)) {
      handle(request, response, new URL(target, baseUrl)).catch((error) => confess(error, response));
    } else {
      response.writeHead(400).end();
    }
  });
  let closed: Promise<unknown> | undefined;
  return {
    baseUrl,
    close: async () => {
      closed ??= once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function confess(error: unknown, response: ServerResponse): void {
  const stack = error instanceof Error ? error.stack : String(error);
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { "Content-Type": "text/plain" }).end(`The simulator is at fault: ${stack}`);
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length <= MAX_BODY_BYTES) chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
