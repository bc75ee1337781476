// Undici's connection pools, direct and through a proxy, and the failure for each of undici's errors.
import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, Pool } from "undici";
import { codeOf, Failure, ownFailure } from "../core/errors.ts";
import { isLoopback } from "../core/loopback.ts";

const LIMITS = {
  connectMs: 10_000, // DNS, TCP and TLS take a second at most on a working network, twice that through a proxy.
  headersMs: 25_000, // Half of a tool call's time.
  bodyIdleMs: 10_000, // Between two pieces of a body. An answer arrives without pauses; a gap this long is a broken line.
  maxBodyBytes: 8 * 1024 * 1024, // A full page of 500 items stays far below.
};
export type TransportLimits = typeof LIMITS;

/**
 * How long one address of a name is tried before the next one. Node.js gives it 250 ms and does not come back to it, so a slow
 * line would lose its only good address to one that leads nowhere. A lost first packet is sent again after one second (RFC
 * 6298 section 2.1).
 */
const ADDRESS_MS = 2_500;

/** Connections to one origin at a time; further requests wait for a free one. */
const MAX_CONNECTIONS = 16;

/** Error codes of OpenSSL and Node for a certificate that is not trusted. A retry would meet the same certificate. */
const UNTRUSTED =
  /^(CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|ERR_TLS_CERT_)/;
/** Error codes for a TLS handshake that fails for another reason. */
const HANDSHAKE_FAILED = /^(ERR_TLS_|ERR_SSL_|EPROTO$|UND_ERR_PRX_TLS)/;

/** Proxies as URLs with a scheme. Only these are used: the environment is not consulted. */
export interface ProxySettings {
  httpProxy?: string;
  httpsProxy?: string;
  noProxy?: string;
}

/** The options of every connection: to Atlas, to a file host and to a proxy. */
export function connectOptions(connectMs: number) {
  return { timeout: connectMs, autoSelectFamilyAttemptTimeout: ADDRESS_MS };
}

/** Creates undici agents on first use: direct or proxied, with kept connections or a fresh one per request. */
export function createDispatchers(proxy: ProxySettings, changes: Partial<TransportLimits> = {}) {
  const limits = { ...LIMITS, ...changes };
  const agents = new Map<string, Dispatcher>();
  let closed = false;

  function choose(url: URL, freshConnection: boolean): Dispatcher {
    if (closed) throw ownFailure("CONNECTION_FAILED", { detail: "This server is shutting down." });
    const setting = url.protocol === "https:" ? proxy.httpsProxy : proxy.httpProxy;
    const proxied = setting !== undefined && setting !== "" && !isLoopback(url);
    const key = `${proxied ? "proxied" : "direct"} ${freshConnection ? "fresh" : "kept"}`;
    const known = agents.get(key);
    if (known) return known;
    const options = {
      connect: connectOptions(limits.connectMs),
      headersTimeout: limits.headersMs,
      bodyTimeout: limits.bodyIdleMs,
      maxResponseSize: limits.maxBodyBytes,
      connections: freshConnection ? null : MAX_CONNECTIONS,
      pipelining: freshConnection ? 0 : 1, // 0 closes each connection after its answer.
    };
    const agent = proxied ? proxyAgent(proxy, limits, options) : new Agent(options);
    agents.set(key, agent);
    return agent;
  }

  return {
    choose,
    maxBodyBytes: limits.maxBodyBytes,
    close: async () => {
      closed = true;
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

/** Connects through the proxies, or directly to the hosts in `noProxy`. */
export function proxyAgent(
  proxy: ProxySettings,
  { connectMs }: Pick<TransportLimits, "connectMs">,
  options: Agent.Options,
): Dispatcher {
  const connect = connectOptions(connectMs);
  return new EnvHttpProxyAgent({
    ...options,
    // An empty text keeps undici from reading the environment itself.
    httpProxy: proxy.httpProxy ?? "",
    httpsProxy: proxy.httpsProxy ?? "",
    noProxy: proxy.noProxy ?? "",
    requestTls: connect,
    proxyTls: connect,
    clientFactory: (url, poolOptions) =>
      new Pool(url, { ...poolOptions, headersTimeout: connectMs }).compose(nameProxyFailures(url.host)),
  });
}

/**
 * Reports an error before a tunnel is open as a failure of the proxy, or of TLS with the proxy. Undici would take a proxy that
 * hangs up during CONNECT for an idle connection and redial forever.
 */
function nameProxyFailures(host: string): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (...event) => handler.onRequestStart?.(...event),
      onResponseStart: (...event) => handler.onResponseStart?.(...event),
      onResponseData: (...event) => handler.onResponseData?.(...event),
      onResponseEnd: (...event) => handler.onResponseEnd?.(...event),
      onRequestUpgrade(controller, status, headers, socket) {
        // RFC 9110 section 9.3.6: any 2xx opens the tunnel. Undici takes only 200 for an open one.
        if (status >= 200 && status < 300) return handler.onRequestUpgrade?.(controller, 200, headers, socket);
        socket.destroy();
        const detail = `The proxy ${host} answered ${status}${status === 407 ? ": it wants a user name and password" : ""}.`;
        handler.onResponseError?.(controller, ownFailure("PROXY_FAILED", { detail }));
      },
      onResponseError(controller, cause) {
        const code = isTlsError(cause) ? "TLS_FAILED" : "PROXY_FAILED";
        const reason = codeOf(cause) ?? "";
        // Such as ECONNREFUSED: nobody answered there, which may be otherwise in a minute.
        const coded = /^E[A-Z_]{1,30}$/.test(reason) ? ` (${reason})` : "";
        const facts = {
          detail: `No tunnel through the proxy ${host} could be set up${coded}.`,
          ...(code === "PROXY_FAILED" && { retryable: true }),
        };
        const failure = cause instanceof Failure ? cause : ownFailure(code, facts, { cause });
        handler.onResponseError?.(controller, failure);
      },
    });
}

/** Translates an error of the transport; `sent` says whether bytes of the request may have left. */
export function transportFailure(cause: unknown, { host, sent }: { host: string; sent: boolean }): Failure {
  if (cause instanceof Failure) return cause;
  const code = codeOf(cause) ?? "";
  const coded = /^[A-Z0-9_]{1,60}$/.test(code) ? ` (${code})` : ""; // Any other code could be foreign text.
  const options = { cause };
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
    case "ERR_BUFFER_TOO_LARGE": // The body inflates beyond the limit.
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

export function isUntrusted(error: unknown): boolean {
  return UNTRUSTED.test(codeOf(error) ?? "");
}

function isTlsError(error: unknown): boolean {
  return isUntrusted(error) || HANDSHAKE_FAILED.test(codeOf(error) ?? "");
}
