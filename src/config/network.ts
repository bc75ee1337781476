// Reads the way to Atlas: its address and the proxies.
import { isLoopback } from "../core/loopback.ts";
import { type Environment, isSet, settingOf } from "./setting-text.ts";
import type { Config, GroupGiven } from "./types.ts";
import { DEFAULT_BASE_URL } from "./variables.ts";

const MONGODB_HOSTS = /(^|\.)(mongodb\.com|mongodbgov\.com)$/;

/** Where Atlas is and how to get there. While simulating, the address is a stand-in: the simulator's is not known yet. */
export function readRoute(input: GroupGiven & { simulate: boolean }): Pick<Config, "baseUrl" | "proxy"> {
  const baseUrl = input.simulate ? new URL("http://127.0.0.1") : readBaseUrl(input);
  return { baseUrl, proxy: readProxies(input) };
}

/** The address of Atlas; the default if the setting is unusable. */
function readBaseUrl(input: GroupGiven): URL {
  const { problems, warnings } = input;
  const fallback = new URL(DEFAULT_BASE_URL);
  const text = textOf("MONGODB_ATLAS_BASE_URL", input);
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

/** The text of a variable. A placeholder that nobody filled in is a problem. */
function textOf(name: string, { env, problems }: GroupGiven): string | undefined {
  const { text, problem } = settingOf(env, name);
  if (problem) problems.push(`${name} ${problem}`);
  return text;
}

type ProxyVariable = "HTTP_PROXY" | "HTTPS_PROXY" | "NO_PROXY";

/** The variable that is set, as named or in lower case; undefined if neither is. */
export function proxyVariable(env: Environment, name: ProxyVariable): string | undefined {
  return [name, name.toLowerCase()].find((spelling) => isSet(settingOf(env, spelling)));
}

function readProxies(input: GroupGiven): Config["proxy"] {
  const spelt = (name: ProxyVariable) => proxyVariable(input.env, name) ?? name;
  const checked = (name: string) => {
    const text = textOf(name, input);
    if (text === undefined) return undefined;
    const url = proxyUrl(text);
    if (url === undefined)
      input.problems.push(`${name} must be the URL of a proxy, such as http://proxy.example.com:8080.`);
    return url;
  };
  const http = checked(spelt("HTTP_PROXY"));
  const https = checked(spelt("HTTPS_PROXY"));
  const noProxy = textOf(spelt("NO_PROXY"), input);
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
