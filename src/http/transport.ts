import { markNeverSent, ownFailure } from "../core/errors.ts";
import { bounded, type Clock, systemClock } from "../core/time.ts";
import { createDispatchers, type ProxySettings, type TransportLimits } from "./dispatchers.ts";
import { exchange } from "./exchange.ts";
import { parseJson } from "./json.ts";
import type { Send } from "./send.ts";
import { transportFailure } from "./transport-failure.ts";

const LIMITS: TransportLimits = {
  connectMs: 10_000, // Name, connection and TLS: a second at most on a working network, twice that through a proxy.
  headersMs: 25_000, // Half of a tool call's time.
  bodyIdleMs: 10_000, // An answer comes in one piece; such a gap is a broken line.
  maxBodyBytes: 8 * 1024 * 1024, // A full page of 500 items stays far below.
};

interface TransportOptions {
  proxy: ProxySettings;
  userAgent: string;
  limits?: Partial<TransportLimits>;
  clock?: Clock;
}

/**
 * Sends over keep-alive connections, through the proxy where one is set and the target is not loopback. Every rejection is
 * a `Failure` or the signal's reason; `neverSent` tells whether the failed request can have had an effect.
 */
export function createTransport({ proxy, userAgent, limits, clock = systemClock }: TransportOptions): {
  send: Send;
  close: () => Promise<void>;
} {
  const dispatchers = createDispatchers(proxy, { ...LIMITS, ...limits });

  const send: Send = async (request) => {
    const { method, url, body = null, freshConnection = false } = request;
    let sent = false;
    try {
      return await bounded(clock, request, async (signal) => {
        const { origin, pathname, search } = url;
        const headers = { ...request.headers, "user-agent": userAgent };
        const response = await exchange(
          dispatchers.choose(url, freshConnection),
          { origin, path: pathname + search, method, headers, body },
          {
            signal,
            onSent: () => {
              sent = true;
            },
          },
        );
        const { status } = response;
        if (status >= 300 && status < 400 && response.headers.location !== undefined) {
          const detail = `${url.host} answered with a redirect, which is not followed.`;
          throw ownFailure("REDIRECT_REFUSED", { error: status, detail });
        }
        return { status, headers: response.headers, json: parseJson(response.text) };
      });
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      const failure = transportFailure(cause, { host: url.host, sent });
      throw sent ? failure : markNeverSent(failure);
    }
  };
  return { send, close: dispatchers.close };
}
