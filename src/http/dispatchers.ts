import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, Pool } from "undici";
import { codeOf, Failure, ownFailure } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";

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

/** Codes of OpenSSL and Node for a certificate that is not trusted; the next attempt meets the same certificate. */
const UNTRUSTED =
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERR_TLS_CERT_)/;
/** And for a TLS handshake that fails. */
const HANDSHAKE_FAILED = /^(ERR_TLS_|ERR_SSL_|EPROTO$|UND_ERR_PRX_TLS)/;

export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(codeOf(error) ?? "");
}

function isTlsError(error: unknown): boolean {
  return isUntrusted(error) || HANDSHAKE_FAILED.test(codeOf(error) ?? "");
}

/** The failure that an error of the transport means; `sent` says whether bytes of the request may have left. */
export function transportFailure(cause: unknown, { host, sent }: { host: string; sent: boolean }): Failure {
  if (cause instanceof Failure) return cause;
  const code = printableCodeOf(cause);
  const options = { cause };
  const coded = code ? ` (${code})` : "";
  if (isTlsError(cause)) {
    return ownFailure("TLS_FAILED", { detail: `No trusted connection to ${host}${coded}.` }, options);
  }
  if (cause instanceof errors.HTTPParserError || cause instanceof errors.HeadersOverflowError) {
    return ownFailure("UNREADABLE_RESPONSE", { detail: `${host} sent something that is not HTTP.` }, options);
  }
  switch (code) {
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return ownFailure("TIMEOUT", { detail: `${host} stopped answering.` }, options);
    case "UND_ERR_RES_EXCEEDED_MAX_SIZE":
      return ownFailure("RESPONSE_TOO_LARGE", {}, options);
    case "UND_ERR_INVALID_ARG":
      return ownFailure("INTERNAL_ERROR", { detail: `A request to ${host} was malformed; nothing was sent.` }, options);
    case "UND_ERR_SOCKS5":
      return ownFailure("PROXY_FAILED", {}, options);
  }
  return sent
    ? ownFailure("CONNECTION_LOST", { detail: `The connection to ${host} broke${coded}.` }, options)
    : ownFailure("CONNECTION_FAILED", { detail: `No connection to ${host} could be made${coded}.` }, options);
}

function printableCodeOf(cause: unknown): string {
  const code = codeOf(cause) ?? "";
  return /^[A-Z0-9_]{1,60}$/.test(code) ? code : "";
}
