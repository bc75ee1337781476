// Sends one request over keep-alive connections and reads the JSON answer; signing and retries are layered on top.
import type { Dispatcher } from "undici";
import { markNeverSent, ownFailure } from "../core/errors.ts";
import { bounded, type Clock, systemClock } from "../core/time.ts";
import { createDispatchers, type ProxySettings, type TransportLimits, transportFailure } from "./dispatchers.ts";
import type { HttpResponse, Send } from "./messages.ts";

/** Atlas nests five levels deep. Far deeper values could overflow the stack of code that walks them. */
const MAX_DEPTH = 64;

/**
 * Two hundred per entry of a full page; real entries have about thirty. Eight megabytes could hold millions of values, which
 * would take gigabytes of memory and minutes to process.
 */
const MAX_VALUES = 100_000;

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
    const headers = { ...request.headers, "user-agent": userAgent };
    let sent = false;
    const onSent = () => {
      sent = true;
    };
    try {
      return await bounded(clock, request, async (signal) => {
        const dispatcher = dispatchers.choose(url, freshConnection);
        const options = { origin, path: pathname + search, method, headers, body };
        const response = await exchange(dispatcher, options, signal, onSent);
        const { status } = response;
        if (status >= 300 && status < 400 && response.headers.location !== undefined) {
          const detail = `${host} answered with a redirect, which is not followed.`;
          throw ownFailure("REDIRECT_REFUSED", { error: status, detail });
        }
        return response;
      });
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      const failure = transportFailure(cause, { host, sent });
      throw sent ? failure : markNeverSent(failure);
    }
  };
  return { send, close: dispatchers.close };
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
): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: Pick<HttpResponse, "status" | "headers"> = { status: 0, headers: {} };
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
      onResponseEnd: () => resolve({ ...head, json: parseJson(Buffer.concat(chunks).toString()) }),
      onResponseError: (_, error) => reject(error),
    });
  });
}

const BYTE_ORDER_MARK = /^\uFEFF/;

/** The parsed JSON; undefined when the text is not JSON, or nests deeper or holds more values than any answer of Atlas. */
export function parseJson(body: string): unknown {
  const text = body.replace(BYTE_ORDER_MARK, "");
  if (isTooMuch(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON, such as a proxy's HTML page: the caller judges by the status.
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/** Reads each character once. A regular expression would rescan the rest of the text for every unterminated string. */
function isTooMuch(text: string): boolean {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) inString = !inString;
    else if (inString) index += character === BACKSLASH ? 1 : 0;
    else if (character === COMMA) values += 1;
    else if (OPENING.includes(character)) {
      depth += 1;
      values += 1;
    } else if (CLOSING.includes(character)) depth -= 1;
    if (depth > MAX_DEPTH || values > MAX_VALUES) return true;
  }
  return false;
}
