import { homedir } from "node:os";
import { resolve } from "node:path";
import { isAtlasId } from "./atlas-id.ts";
import type { Credentials } from "./auth/sign.ts";
import { readCredentials } from "./config-credentials.ts";
import { readSimulatorSettings, type SimulatorSettings } from "./config-simulator.ts";
import { type Environment, type SecretFile, settingOf } from "./environment.ts";
import { isLoopback } from "./http/loopback.ts";
import { clean, nearest } from "./text.ts";
import { DEFAULT_BASE_URL, type SettingOption, VARIABLES, variableOf } from "./variables.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything a user may set; whatever is wrong is in `problems`, whatever is doubtful in `warnings`. */
export interface Config {
  simulate: boolean;
  /** Only when it is asked for. Its orders are still to be checked, see `withOrdersChecked`. */
  simulator?: SimulatorSettings;
  readOnly: boolean;
  hideSnapshotUrls: boolean;
  /** Names of the tools to register; all when absent. */
  tools?: readonly string[];
  logLevel: LogLevel;
  baseUrl: URL;
  projectId?: string;
  /** Ids; every project when absent. */
  allowedProjects?: readonly string[];
  /** Absolute. */
  downloadDir: string;
  fileHosts: readonly string[];
  credentials?: Credentials;
  /** The variables that they come from. */
  credentialsFrom?: readonly string[];
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
  problems: readonly string[];
  warnings: readonly string[];
}

/** Options of the command line that stand for a variable, as `parseCommandLine` returns them. */
export type Options = Readonly<Record<string, string | true | undefined>>;

/** Our own variables; a misspelt one would otherwise be ignored in silence, the read-only switch among them. */
const OWN_VARIABLES = VARIABLES.map(({ name }) => name).filter((name) => name.startsWith("ATLAS_FLEX_"));

/** Enough of an unknown word to recognise it. */
const MAX_WORD_CHARACTERS = 64;
const HOST_SUFFIX = /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/;
const MONGODB_HOSTS = /(^|\.)(mongodb\.com|mongodbgov\.com)$/;

/**
 * Reads options and environment into a configuration. Options beat variables. Never throws: all problems are collected,
 * so that a person mends them in one go. `readSecretFile` reads the file behind a `_FILE` variable.
 */
export function parseConfig(input: {
  options: Options;
  env: Environment;
  toolNames: readonly string[];
  readSecretFile: (path: string) => SecretFile;
}): Config {
  const { options, env } = input;
  const problems: string[] = [];
  const warnings: string[] = [];
  const value = (option: SettingOption) => {
    const chosen = options[option];
    return typeof chosen === "string" ? chosen : settingOf(env, variableOf(option));
  };

  /** An unknown word counts as on: each of these switches is on the safe side when it is on. */
  const flag = (option: SettingOption): boolean => {
    if (options[option] === true) return true;
    const variable = variableOf(option);
    const word = settingOf(env, variable)?.toLowerCase();
    if (word === undefined || ["false", "0", "no", "off"].includes(word)) return false;
    if (!["true", "1", "yes", "on"].includes(word))
      warnings.push(`${variable} must be true or false; it counts as true.`);
    return true;
  };

  const list = (text: string | undefined) =>
    text === undefined
      ? undefined
      : text
          .split(",")
          .map((item) => item.trim())
          .filter((item) => item !== "");

  function parseBaseUrl(): URL {
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

  function parseTools(): readonly string[] | undefined {
    const names = list(value("tools"));
    const unknown = (names ?? []).filter((name) => !input.toolNames.includes(name)).map(unknownTool);
    if (unknown.length > 0)
      problems.push(
        `${bothNames("tools")} names ${unknown.join(", ")}: unknown. Known: ${input.toolNames.join(", ")}.`,
      );
    if (names?.length === 0) problems.push(`${bothNames("tools")} names no tool.`);
    const known = names?.filter((name) => input.toolNames.includes(name));
    // A server without tools could not even say what is wrong.
    return known?.length === 0 ? undefined : known;
  }

  function unknownTool(name: string): string {
    const meant = nearest(name, input.toolNames);
    return `${JSON.stringify(clean(name, MAX_WORD_CHARACTERS))}${meant ? ` (did you mean ${meant}?)` : ""}`;
  }

  function parseProjects(): readonly string[] | undefined {
    const ids = list(settingOf(env, "ATLAS_FLEX_ALLOWED_PROJECTS"));
    if (ids && (ids.length === 0 || !ids.every(isAtlasId)))
      problems.push(
        "ATLAS_FLEX_ALLOWED_PROJECTS must be project ids of 24 lower-case hexadecimal characters, separated by commas.",
      );
    return ids;
  }

  function parseProjectId(): string | undefined {
    const id = settingOf(env, "MONGODB_ATLAS_PROJECT_ID");
    if (id === undefined || isAtlasId(id)) return id;
    problems.push("MONGODB_ATLAS_PROJECT_ID must be 24 lower-case hexadecimal characters.");
    return undefined;
  }

  function parseFileHosts(): readonly string[] {
    const hosts = (list(settingOf(env, "ATLAS_FLEX_FILE_HOSTS")) ?? []).map((host) => host.toLowerCase());
    if (!hosts.every((host) => HOST_SUFFIX.test(host)))
      problems.push(
        "ATLAS_FLEX_FILE_HOSTS must be host names or suffixes such as files.example.com, separated by commas, without scheme or port.",
      );
    return hosts;
  }

  function parseLogLevel(): LogLevel {
    const text = value("log-level")?.toLowerCase();
    const level = LOG_LEVELS.find((known) => known === text);
    if (text !== undefined && !level)
      problems.push(`${bothNames("log-level")} must be one of ${LOG_LEVELS.join(", ")}.`);
    return level ?? "info";
  }

  for (const name of Object.keys(env)) {
    if (!name.startsWith("ATLAS_FLEX_") || OWN_VARIABLES.includes(name)) continue;
    const meant = nearest(name, OWN_VARIABLES);
    warnings.push(`${clean(name)} is not a setting of this server${meant ? `; did you mean ${meant}?` : "."}`);
  }

  const simulate = flag("simulate");
  const readOnly = flag("read-only");
  const hidden = flag("hide-snapshot-urls");
  const tools = parseTools();
  const projectId = parseProjectId();
  const allowedProjects = parseProjects();
  if (projectId && allowedProjects && !allowedProjects.includes(projectId))
    problems.push("MONGODB_ATLAS_PROJECT_ID is not among ATLAS_FLEX_ALLOWED_PROJECTS.");
  const folder = expandHome(value("download-dir") ?? "~/atlas-flex-snapshots", problems);
  const chosen = simulate ? {} : readCredentials({ env, readSecretFile: input.readSecretFile, problems, warnings });
  const proxy = {
    httpProxy: settingOf(env, "HTTP_PROXY") ?? settingOf(env, "http_proxy"),
    httpsProxy: settingOf(env, "HTTPS_PROXY") ?? settingOf(env, "https_proxy"),
    noProxy: settingOf(env, "NO_PROXY") ?? settingOf(env, "no_proxy"),
  };
  return {
    simulate,
    ...(simulate ? { simulator: readSimulatorSettings(env, problems) } : {}),
    readOnly,
    hideSnapshotUrls: hidden || readOnly,
    ...(tools ? { tools } : {}),
    logLevel: parseLogLevel(),
    baseUrl: simulate ? new URL("http://127.0.0.1") : parseBaseUrl(),
    ...(projectId ? { projectId } : {}),
    ...(allowedProjects ? { allowedProjects } : {}),
    downloadDir: simulate ? resolve(folder, "simulated") : folder,
    fileHosts: parseFileHosts(),
    ...chosen,
    proxy: checkProxies(proxy, problems),
    problems,
    warnings,
  };
}

const bothNames = (option: SettingOption) => `--${option} / ${variableOf(option)}`;

/** Hosts pass `~` and `${HOME}` on as they are. */
function expandHome(path: string, problems: string[]): string {
  const home = /^(~|\$\{HOME\}|\$HOME)(?=$|[/\\])/;
  try {
    return resolve(path.replace(home, () => homedir()));
  } catch {
    // In a container, a user without name and without HOME.
    problems.push(`This user has no home folder: name a folder in ${bothNames("download-dir")}.`);
    return resolve("/", path.replace(home, "."));
  }
}

function checkProxies(
  { httpProxy, httpsProxy, noProxy }: Record<"httpProxy" | "httpsProxy" | "noProxy", string | undefined>,
  problems: string[],
): Config["proxy"] {
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
 * A value without scheme means http, as for curl. User name and password must be percent-encoded rightly, or nobody could say
 * what the password is.
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
