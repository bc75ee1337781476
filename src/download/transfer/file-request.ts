import { Agent, type Dispatcher, request } from "undici";
import { type ProxySettings, proxyAgent } from "../../http/dispatchers.ts";
import type { HttpResponse } from "../../http/send.ts";
import type { Limits } from "../limits.ts";
import { type BodyQueue, queueBody } from "./body-queue.ts";
import { checkedLookup, type HostPolicy, leadsHere } from "./host-policy.ts";

export interface FileResponse extends Pick<HttpResponse, "status" | "headers"> {
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
