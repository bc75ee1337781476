import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Bodies of this API are a few dozen bytes; whatever is larger is cut off. */
const MAX_BODY_BYTES = 1024 * 1024;

interface Listener {
  baseUrl: string;
  close: () => Promise<void>;
}

type Handle = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

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

/** An answer down to the way its bytes travel, so that a fault is a function from reply to reply. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[]>;
  body: Iterable<Uint8Array>;
  /** Bytes of `body`, announced when `framing` is `length`. */
  length: number;
  /** How a reader learns where the body ends. */
  framing: "length" | "chunked" | "close";
  /** What happens to the connection, and after how many bytes of the body; without it the answer is complete. */
  end?: { afterBytes: number; by: "closing" | "reset" | "stalling" };
  /** Nothing is answered at all. */
  silence?: "hang" | "reset";
  /** Wait before the first byte. */
  headersAfterMs?: number;
  /** Answers 100 and 103 that precede the real one. */
  preliminary?: boolean;
  /** Wait between single bytes of the body. */
  byteEveryMs?: number;
  /** A limit of its own below that of the host. */
  bytesPerSecond?: number;
}

export function textReply(status: number, type: string, text: string, headers: Reply["headers"] = {}): Reply {
  const bytes = Buffer.from(text);
  return {
    status,
    headers: { "Content-Type": type, ...headers },
    body: [bytes],
    length: bytes.length,
    framing: "length",
  };
}

/** Slices a throttled body is sent in, per second: small enough to look like a slow line. */
const SLICES_PER_SECOND = 20;

/** A hang lasts until the other side or `close()` ends it; nothing needs to fire before that. */
const FOREVER_MS = 2_147_483_647;

interface Line {
  response: ServerResponse;
  /** Bytes per second of this host at this moment; 0 means no limit. */
  rate: () => number;
  /** Called when the head is sent, which may be never. */
  onHead: (status: number) => void;
}

/** Sends a reply the way it says; resolves when it is sent or the other side has gone. */
export async function transmit(reply: Reply, { response, rate, onHead }: Line): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const signal = gone.signal;
  try {
    if (reply.silence === "reset") return reset(response);
    if (reply.silence === "hang") return await sleep(FOREVER_MS, undefined, { signal });
    if (reply.headersAfterMs) await sleep(reply.headersAfterMs, undefined, { signal });
    onHead(reply.status);
    writeHead(reply, response);
    const bytesPerSecond = () => slower(reply.bytesPerSecond ?? 0, rate());
    for (const chunk of untilEnd(reply)) {
      if (reply.byteEveryMs) await sendBytewise(chunk, reply.byteEveryMs, response, signal);
      else await send(chunk, bytesPerSecond, response, signal);
    }
    await finish(reply, response, signal);
  } catch (error) {
    // The other side has gone, which is its right and sometimes the point.
    if (!signal.aborted) throw error;
  }
}

function writeHead(reply: Reply, response: ServerResponse): void {
  if (reply.preliminary) {
    response.writeContinue();
    response.writeEarlyHints({ link: "</>; rel=preload" });
  }
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (reply.framing === "length" && mayHaveBody(reply.status)) response.setHeader("Content-Length", reply.length);
  if (reply.framing === "close") {
    response.shouldKeepAlive = false;
    response.removeHeader("Transfer-Encoding");
  }
  response.flushHeaders();
}

function mayHaveBody(status: number): boolean {
  return status !== 204 && status !== 304;
}

/** The body up to the byte after which its connection ends. */
function* untilEnd({ body, end }: Reply): Generator<Uint8Array> {
  let left = end?.afterBytes ?? Number.POSITIVE_INFINITY;
  for (const chunk of body) {
    if (left <= 0) return;
    yield chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= chunk.length;
  }
}

async function send(
  chunk: Uint8Array,
  rate: () => number,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  let offset = 0;
  while (offset < chunk.length) {
    signal.throwIfAborted();
    const limit = rate();
    const size = limit > 0 ? Math.max(1, Math.ceil(limit / SLICES_PER_SECOND)) : chunk.length;
    const slice = chunk.subarray(offset, offset + size);
    if (!response.write(slice)) await once(response, "drain", { signal });
    if (limit > 0) await sleep((slice.length / limit) * 1_000, undefined, { signal });
    offset += slice.length;
  }
}

async function sendBytewise(
  chunk: Uint8Array,
  everyMs: number,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  for (let offset = 0; offset < chunk.length; offset += 1) {
    response.write(chunk.subarray(offset, offset + 1));
    await sleep(everyMs, undefined, { signal });
  }
}

async function finish({ end }: Reply, response: ServerResponse, signal: AbortSignal): Promise<void> {
  if (!end) {
    response.end();
    return;
  }
  await flushed(response);
  if (end.by === "closing") response.socket?.destroySoon();
  else if (end.by === "reset") reset(response);
  else await sleep(FOREVER_MS, undefined, { signal });
}

/** An empty write is called back after every byte before it: a reset would drop what still waits. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.socket) response.socket.write("", () => resolve());
    else resolve();
  });
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

function slower(one: number, other: number): number {
  if (one === 0 || other === 0) return Math.max(one, other);
  return Math.min(one, other);
}
