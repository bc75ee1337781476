// Reads the way to Atlas: its address and the proxies.
import { isLoopback } from "../core/loopback.ts";
import { type Environment, type GroupGiven, settingOf } from "./readers.ts";
import type { Config } from "./types.ts";
import { DEFAULT_BASE_URL } from "./variables.ts";

const MONGODB_HOSTS = /(^|\.)(mongodb\.com|mongodbgov\.com)$/;

/** Where Atlas is and how to get there. While simulating, the address is a stand-in: the simulator's is not known yet. */
export function readRoute(input: GroupGiven & { simulate: boolean }): Pick<Config, "baseUrl" | "proxy"> {
  const baseUrl = input.simulate ? new URL("http://127.0.0.1") : readBaseUrl(input);
  return { baseUrl, proxy: readProxies(input) };
}

/** The address of Atlas; the default if the setting is unusable. */
function readBaseUrl({ env, problems, warnings }: GroupGiven): URL {
  const fallback = new URL(DEFAULT_BASE_URL);
  const text = settingOf(env, "MONGODB_ATLAS_BASE_URL");
  if (text === undefined) return fallback;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usable = url && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url)));
  if (!usable || url.username || url.password || url.pathname !== "/" || url.search || url.hash) {
    problems.push(
      `MONGODB_ATLAS_BASE_URL must be an origin such as ${DEFAULT_BASE_URL}: https (http only on loopback), without path, query or user name.`,
    );
    return fallback;
  }
  if (!MONGODB_HOSTS.test(url.hostname) && !isLoopback(url))
    warnings.push(`MONGODB_ATLAS_BASE_URL is not a host of MongoDB: ${url.origin} receives the credentials.`);
  return url;
}

/** The proxies, from variables in upper or lower case. */
export function proxySettings(env: Environment) {
  return {
    httpProxy: settingOf(env, "HTTP_PROXY") ?? settingOf(env, "http_proxy"),
    httpsProxy: settingOf(env, "HTTPS_PROXY") ?? settingOf(env, "https_proxy"),
    noProxy: settingOf(env, "NO_PROXY") ?? settingOf(env, "no_proxy"),
  };
}

function readProxies({ env, problems }: GroupGiven): Config["proxy"] {
  const { httpProxy, httpsProxy, noProxy } = proxySettings(env);
  const checked = (name: string, text: string | undefined) => {
    if (text === undefined) return undefined;
    const url = proxyUrl(text);
    if (url === undefined) problems.push(`${name} must be the URL of a proxy, such as http://proxy.example.com:8080.`);
    return url;
  };
  const http = checked("HTTP_PROXY", httpProxy);
  const https = checked("HTTPS_PROXY", httpsProxy);
  return {
    ...(http ? { httpProxy: http } : {}),
    ...(https ? { httpsProxy: https } : {}),
    ...(noProxy ? { noProxy } : {}),
  };
}

/**
 * A value without scheme means http, as for curl. User name and password must be validly percent-encoded: otherwise the password
 * would be ambiguous.
 */
function proxyUrl(text: string): string | undefined {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:\/\/[^/]/i.test(whole)) return undefined;
  try {
    const { username, password, href } = new URL(whole);
    decodeURIComponent(username + password);
    return href;
  } catch {
    return undefined; // Its message would quote the whole value, password included.
  }
}
