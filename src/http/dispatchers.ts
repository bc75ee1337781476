import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from "undici";
import { Failure, ownFailure } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";
import { isTlsError } from "./transport-failure.ts";

/** Proxies as URLs with a scheme; what is absent is not looked up in the environment. */
export interface ProxySettings {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
}

export interface TransportLimits {
  connectMs: number;
  headersMs: number;
  /** Between two pieces of a body. */
  bodyIdleMs: number;
  maxBodyBytes: number;
}

/** At once to one origin; more requests wait for their turn. */
const MAX_CONNECTIONS = 16;

/** Undici agents, made on first use: by target direct or through the proxy, by need kept alive or for one request each. */
export function createDispatchers(proxy: ProxySettings, limits: TransportLimits) {
  const made = new Map<string, Dispatcher>();
  let closed = false;

  function choose(url: URL, freshConnection: boolean): Dispatcher {
    if (closed) throw ownFailure("CONNECTION_FAILED", { detail: "This server is shutting down." });
    const setting = url.protocol === "https:" ? proxy.httpsProxy : proxy.httpProxy;
    const proxied = setting !== undefined && setting !== "" && !isLoopback(url);
    const key = `${proxied ? "proxied" : "direct"} ${freshConnection ? "fresh" : "kept"}`;
    const known = made.get(key);
    if (known) return known;
    const options = {
      connect: { timeout: limits.connectMs },
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      maxResponseSize: limits.maxBodyBytes,
      connections: freshConnection ? null : MAX_CONNECTIONS,
      pipelining: freshConnection ? 0 : 1, // 0 closes each connection after its answer.
    };
    const dispatcher = proxied ? proxyAgent(proxy, limits, options) : new Agent(options);
    made.set(key, dispatcher);
    return dispatcher;
  }

  return {
    choose,
    close: async () => {
      closed = true;
      await Promise.all([...made.values()].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

/** Through the proxies, or direct where `noProxy` says so. */
export function proxyAgent(
  proxy: ProxySettings,
  limits: Pick<TransportLimits, "connectMs">,
  options: Agent.Options,
): Dispatcher {
  const tls = { timeout: limits.connectMs };
  return new EnvHttpProxyAgent({
    ...options,
    // An empty text keeps undici from reading the environment itself.
    httpProxy: proxy.httpProxy ?? "",
    httpsProxy: proxy.httpsProxy ?? "",
    noProxy: proxy.noProxy ?? "",
    requestTls: tls,
    proxyTls: tls,
    clientFactory: (url, poolOptions) =>
      new Pool(url, { ...poolOptions, headersTimeout: limits.connectMs }).compose(nameProxyFailures(url.host)),
  });
}

/**
 * Turns whatever goes wrong before a tunnel stands into a failure of the proxy. Undici would take a proxy that hangs up
 * during CONNECT for an idle connection and dial again without end.
 */
function nameProxyFailures(host: string): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(
      options,
      around(handler, {
        onRequestUpgrade(controller, status, headers, socket) {
          if (status === 200) return handler.onRequestUpgrade?.(controller, status, headers, socket);
          socket.destroy();
          const detail = `The proxy ${host} answered ${status}${status === 407 ? ": it wants a user name and password" : ""}.`;
          handler.onResponseError?.(controller, ownFailure("PROXY_FAILED", { detail }));
        },
        onResponseError(controller, cause) {
          const code = isTlsError(cause) ? "TLS_FAILED" : "PROXY_FAILED";
          const detail = `No tunnel through the proxy ${host} could be set up.`;
          const failure = cause instanceof Failure ? cause : ownFailure(code, { detail }, { cause });
          handler.onResponseError?.(controller, failure);
        },
      }),
    );
}

/** A dispatch handler that does as the given one but for the changes. */
function around(handler: Dispatcher.DispatchHandler, changes: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...event) => handler.onRequestStart?.(...event),
    onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
    onResponseStart: (...event) => handler.onResponseStart?.(...event),
    onResponseData: (...event) => handler.onResponseData?.(...event),
    onResponseEnd: (...event) => handler.onResponseEnd?.(...event),
    onResponseError: (...event) => handler.onResponseError?.(...event),
    ...changes,
  };
}
