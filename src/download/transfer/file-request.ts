import type { Readable } from "node:stream";
import { Agent, type Dispatcher, request } from "undici";
import { type ProxySettings, proxyAgent } from "../../http/dispatchers.ts";
import type { HttpResponse } from "../../http/send.ts";
import type { Limits } from "../limits.ts";
import { checkedLookup, type HostPolicy, leadsHere } from "./host-policy.ts";

interface FileResponse extends Pick<HttpResponse, "status" | "headers"> {
  body: BodyQueue;
}

/** The part of the file to ask for, of the version that `validator` names. */
export interface FileRange {
  offset: number;
  validator: string;
}

/** Sends requests to file hosts: no credentials, no redirects, nothing decoded. */
export interface FileRequester {
  get: (url: URL, range: FileRange | undefined, signal: AbortSignal) => Promise<FileResponse>;
  close: () => Promise<void>;
}

interface RequesterOptions {
  policy: HostPolicy;
  limits: Pick<Limits, "connectTimeoutMs">;
  proxy?: ProxySettings;
  /** In place of connections of our own. */
  dispatcher?: Dispatcher;
}

export function createFileRequester(options: RequesterOptions): FileRequester {
  const { direct, proxied } = options.dispatcher
    ? { direct: options.dispatcher, proxied: options.dispatcher }
    : createDispatchers(options);
  return {
    get: async (url, range, signal) => {
      const response = await request(url, {
        // Loopback never goes through a proxy.
        dispatcher: leadsHere(url) ? direct : proxied,
        method: "GET",
        headers: {
          // A stored .gz must arrive as it is.
          "accept-encoding": "identity",
          ...(range && { range: `bytes=${range.offset}-`, "if-range": range.validator }),
        },
        signal,
        // The speed watch covers headers and body.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      return { status: response.statusCode, headers: response.headers, body: queueBody(response.body) };
    },
    close: async () => {
      await Promise.all([direct.destroy(), proxied.destroy()]);
    },
  };
}

/** Behind a proxy the names are resolved there, so only the link itself is checked; direct connections check addresses too. */
function createDispatchers(options: RequesterOptions): { direct: Dispatcher; proxied: Dispatcher } {
  const connectMs = options.limits.connectTimeoutMs;
  const connect = { lookup: checkedLookup(options.policy), timeout: connectMs };
  const { proxy } = options;
  const direct = new Agent({ connect });
  return { direct, proxied: proxy?.httpsProxy ? proxyAgent(proxy, { connectMs }, { connect }) : direct };
}

/** A response body as it arrives. */
interface BodyQueue extends AsyncIterable<Buffer> {
  /** Drops the connection; the rest is of no interest. */
  drop: () => void;
}

/** Held ahead of the reader; the socket rests above it. */
const AHEAD_BYTES = 1024 * 1024;

/**
 * Takes a body's chunks off the stream at once. A stream that fails throws away what it still buffers, which on a line that
 * breaks often would be all the progress there is; here everything that arrived comes out before the error does.
 */
function queueBody(body: Readable): BodyQueue {
  const chunks: Buffer[] = [];
  let queued = 0;
  let end: { error?: unknown } | undefined;
  let wake: () => void = () => undefined;

  function finish(how: { error?: unknown }): void {
    end ??= how;
    wake();
  }

  body.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    queued += chunk.length;
    if (queued >= AHEAD_BYTES) body.pause();
    wake();
  });
  body.on("end", () => finish({}));
  body.on("error", (error) => finish({ error }));
  body.on("close", () => finish({ error: new Error("The body was closed before its end.") }));

  async function* read(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = chunks.shift();
        if (chunk) {
          queued -= chunk.length;
          if (queued < AHEAD_BYTES / 2 && body.isPaused()) body.resume();
          yield chunk;
        } else if (end) {
          if ("error" in end) throw end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      body.destroy();
    }
  }

  return { [Symbol.asyncIterator]: read, drop: () => void body.destroy() };
}
