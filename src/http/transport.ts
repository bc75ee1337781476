import type { Dispatcher } from "undici";
import { markNeverSent, ownFailure } from "../core/errors.ts";
import { bounded, type Clock, systemClock } from "../core/time.ts";
import { createDispatchers, type ProxySettings, type TransportLimits, transportFailure } from "./dispatchers.ts";
import type { Send } from "./send.ts";

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

/** A response whose body has come to its end. */
interface Exchange {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

const BYTE_ORDER_MARK = /^\uFEFF/;

/**
 * Sends one request and receives all of its response; rejects with undici's error, or with the signal's reason once it is
 * under way. `onSent` is called when the request is about to be written to an established connection: undici writes it in the
 * same turn and never before. One that was given up while it waited for its connection is not written.
 */
function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { signal, onSent }: { signal: AbortSignal; onSent: () => void },
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: Omit<Exchange, "text"> = { status: 0, headers: {} };
    dispatcher.dispatch(request, {
      onRequestStart: (controller) => {
        // To abort it would close the connection, which others can still use.
        if (signal.aborted) throw signal.reason;
        signal.addEventListener("abort", () => controller.abort(signal.reason), { once: true });
        onSent();
      },
      // Once for each interim response (RFC 9110, section 15.2) too; the final one comes last.
      onResponseStart: (_, status, headers) => {
        head = { status, headers };
      },
      onResponseData: (_, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => resolve({ ...head, text: Buffer.concat(chunks).toString().replace(BYTE_ORDER_MARK, "") }),
      onResponseError: (_, error) => reject(error),
    });
  });
}

/** Atlas nests five levels; what is far deeper could only overflow the stack of whoever walks it. */
const MAX_DEPTH = 64;

/**
 * Two hundred for each entry of a full page, which has about thirty. Eight megabytes have room for millions, which would take
 * gigabytes and minutes to look at.
 */
const MAX_VALUES = 100_000;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/** The value of a JSON text; undefined when it is not JSON, or nests deeper or holds more values than any answer of the API. */
export function parseJson(text: string): unknown {
  if (isTooMuch(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON, such as the HTML page of a proxy: the caller judges by the status.
  }
}

/** Reads each character once; a pattern would look again and again at the rest of a string that has no end. */
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
