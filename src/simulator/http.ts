// An HTTP server on loopback. A reply describes how each byte is sent, so that a fault can change it.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Request bodies of this API have a few dozen bytes; a longer body is cut off here. */
const MAX_BODY_BYTES = 1024 * 1024;

/** A throttled body is sent in this many slices per second, which looks like a slow connection. */
const SLICES_PER_SECOND = 20;

/** The longest timer of Node.js. A hang ends when the client or `close()` ends the connection. */
const FOREVER_MS = 2_147_483_647;

/** An answer and how it is sent. A fault is a function from reply to reply. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[]>;
  body: Iterable<Uint8Array>;
  /** Bytes of `body`, announced when `framing` is `length`. */
  length: number;
  /** How the client learns where the body ends. */
  framing: "length" | "chunked" | "close";
  /** Ends the body after this many bytes, in this way. */
  end?: { afterBytes: number; by: "closing" | "reset" | "stalling" };
  /** Sends nothing at all. */
  silence?: "hang" | "reset";
  /** Delay before the first byte. */
  headersAfterMs?: number;
  /** Sends the informational answers 100 and 103 first. */
  informational?: boolean;
  /** Sends the body byte by byte with this pause. */
  byteEveryMs?: number;
  /** Speed limit of this reply; the lower of this and the host's limit counts. */
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

export function withHeaders(reply: Reply, headers: Reply["headers"]): Reply {
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

interface Listener {
  baseUrl: string;
  close: () => Promise<void>;
}

type Handle = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>;

/** Starts a server on loopback. If `handle` throws, the answer contains the stack, so that a test shows it. */
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
      handle(request, response, new URL(target, baseUrl)).catch((error) => answerException(error, response));
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

function answerException(error: unknown, response: ServerResponse): void {
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

interface Line {
  response: ServerResponse;
  /** The host's speed limit at this moment in bytes per second; 0 means no limit. */
  rate: () => number;
  /** Called when the headers are sent, which may never happen. */
  onHead: (status: number) => void;
}

/** Sends a reply as it describes; resolves when it is sent or the client has gone. */
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
    const bytesPerSecond = () => lowerLimit(reply.bytesPerSecond ?? 0, rate());
    for (const chunk of untilEnd(reply)) {
      if (reply.byteEveryMs) await sendBytewise(chunk, reply.byteEveryMs, response, signal);
      else await send(chunk, bytesPerSecond, response, signal);
    }
    await finish(reply, response, signal);
  } catch (error) {
    // A client may disconnect at any time.
    if (!signal.aborted) throw error;
  }
}

function writeHead(reply: Reply, response: ServerResponse): void {
  if (reply.informational) {
    response.writeContinue();
    response.writeEarlyHints({ link: "</>; rel=preload" });
  }
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  const mayHaveBody = reply.status !== 204 && reply.status !== 304;
  if (reply.framing === "length" && mayHaveBody) response.setHeader("Content-Length", reply.length);
  if (reply.framing === "close") {
    response.shouldKeepAlive = false;
    response.removeHeader("Transfer-Encoding");
  }
  response.flushHeaders();
}

/** The body up to the byte after which the connection ends. */
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

/** Resolves when all bytes are written: the callback of an empty write comes last. A reset would drop queued bytes. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.socket) response.socket.write("", () => resolve());
    else resolve();
  });
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

/** 0 means no limit. */
function lowerLimit(one: number, other: number): number {
  return one === 0 || other === 0 ? Math.max(one, other) : Math.min(one, other);
}
