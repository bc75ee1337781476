// Sends one request over keep-alive connections and receives the answer; signing and retries are layered on top.
import type { Dispatcher } from "undici";
import { markNeverSent, ownFailure } from "../core/errors.ts";
import { bounded, type Clock, systemClock } from "../core/time.ts";
import { createDispatchers, type ProxySettings, type TransportLimits, transportFailure } from "./dispatchers.ts";
import type { HttpResponse, Send } from "./messages.ts";
import { readBody } from "./read-body.ts";

interface TransportOptions {
  proxy: ProxySettings;
  userAgent: string;
  limits?: Partial<TransportLimits>;
  clock?: Clock;
}

/**
 * Sends through the proxy when one is set and the target is not loopback. Every rejection is a `Failure` or the signal's
 * reason; `neverSent` tells whether the failed request certainly had no effect.
 */
export function createTransport({ proxy, userAgent, limits, clock = systemClock }: TransportOptions): {
  send: Send;
  close: () => Promise<void>;
} {
  const dispatchers = createDispatchers(proxy, limits);

  const send: Send = async (request) => {
    const { method, url, body = null, freshConnection = false } = request;
    const { host, origin, pathname, search } = url;
    const headers = { ...request.headers, "user-agent": userAgent, "accept-encoding": "identity" };
    let sent = false;
    const onSent = () => {
      sent = true;
    };
    try {
      return await bounded(clock, request, async (signal) => {
        const dispatcher = dispatchers.choose(url, freshConnection);
        const options = { origin, path: pathname + search, method, headers, body };
        const { body: received, ...head } = await exchange(dispatcher, options, signal, onSent);
        const { status } = head;
        if (status >= 300 && status < 400 && head.headers.location !== undefined) {
          const detail = `${host} answered with a redirect, which is not followed.`;
          throw ownFailure("REDIRECT_REFUSED", { error: status, detail });
        }
        const json = await readBody(received, head, dispatchers.maxBodyBytes);
        return { ...head, json, bodyBytes: received.length };
      });
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      const failure = transportFailure(cause, { host, sent });
      throw sent ? failure : markNeverSent(failure);
    }
  };
  return { send, close: dispatchers.close };
}

/** A complete response, its body as it arrived. */
interface Received extends Omit<HttpResponse, "json" | "bodyBytes"> {
  body: Buffer;
}

/**
 * Sends one request and receives the complete response. Rejects with undici's error, or with the signal's reason when aborted.
 * Calls `onSent` right before undici writes the request to an established connection, in the same turn of the event loop. A
 * request aborted while it waits for a connection is never written.
 */
function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
  onSent: () => void,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: Omit<Received, "body"> = { status: 0, headers: {} };
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => {
        // Throw instead of calling abort(), which would close a connection that other requests can still use.
        if (signal.aborted) throw signal.reason;
        signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
        onSent();
      },
      // Also called for each interim response (RFC 9110, section 15.2); the final response comes last.
      onResponseStart: (_, status, headers) => {
        head = { status, headers };
      },
      onResponseData: (_, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
      onResponseError: (_, error) => reject(error),
    });
  });
}
