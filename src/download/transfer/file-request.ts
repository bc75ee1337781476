// Sends GET requests to file hosts, directly or through the proxy: no credentials, no redirects, no decoding.
import type { Readable } from "node:stream";
import { Agent, request } from "undici";
import { connectOptions, type ProxySettings, proxyAgent } from "../../http/dispatchers.ts";
import type { HttpResponse } from "../../http/messages.ts";
import type { Limits } from "../limits.ts";
import { checkedLookup, type HostPolicy, leadsHere } from "./host-policy.ts";

/** Unread bytes at which the socket pauses. */
const AHEAD_BYTES = 1024 * 1024;

/** The part of the file to request, of the version that `validator` names. */
export interface FileRange {
  offset: number;
  validator: string;
}

export interface FileRequester {
  get: (url: URL, range: FileRange | undefined, signal: AbortSignal) => Promise<FileResponse>;
  close: () => Promise<void>;
}

interface FileResponse extends Pick<HttpResponse, "status" | "headers"> {
  body: BodyQueue;
}

/** A response body as it arrives. */
interface BodyQueue extends AsyncIterable<Buffer> {
  /** Closes the connection without reading the rest. */
  drop: () => void;
}

export function createFileRequester(options: {
  policy: HostPolicy;
  limits: Pick<Limits, "connectTimeoutMs">;
  proxy?: ProxySettings;
}): FileRequester {
  const { policy, proxy } = options;
  const connectMs = options.limits.connectTimeoutMs;
  // A proxy resolves names itself, so behind one only the link is checked; direct connections check addresses too.
  const connect = { ...connectOptions(connectMs), lookup: checkedLookup(policy) };
  const direct = new Agent({ connect });
  const proxied = proxy?.httpsProxy ? proxyAgent(proxy, { connectMs }, { connect }) : direct;
  return {
    get: async (url, range, signal) => {
      const response = await request(url, {
        // Loopback never goes through a proxy.
        dispatcher: leadsHere(url) ? direct : proxied,
        method: "GET",
        headers: {
          // The stored .gz file must arrive unchanged.
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

/**
 * Moves the chunks of a body from its stream into a queue as they arrive. A stream that fails discards its buffer, which may
 * be all the progress on a line that often breaks. The queue first returns every chunk that arrived, then throws the error.
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
