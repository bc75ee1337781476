import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "./reply.ts";

/** Slices a throttled body is sent in, per second: small enough to look like a slow line. */
const SLICES_PER_SECOND = 20;

/** A hang lasts until the other side or `close()` ends it; nothing needs to fire before that. */
const FOREVER_MS = 2_147_483_647;

export interface Line {
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
