import { resolve } from "node:path";
import { isAtlasId } from "../core/atlas-id.ts";
import { clean, nearest } from "../core/text.ts";
import {
  type Config,
  type Environment,
  LOG_LEVELS,
  type LogLevel,
  type Options,
  type SecretFile,
  type SettingArea,
  setOrNot,
  settingOf,
  withHomeFolder,
} from "./config.ts";
import { readCredentials } from "./credentials.ts";
import { listOf, readBaseUrl, readFileHosts, readProxies } from "./network.ts";
import { idleSimulatorSettings, readSimulatorSettings } from "./simulator.ts";
import { misspeltVariables, type SettingOption, variableOf } from "./variables.ts";

/** Enough of an unknown word to recognise it. */
const MAX_WORD_CHARACTERS = 64;

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
  const warnings: string[] = misspeltVariables(env);
  const unusable = new Set<SettingArea>();
  const value = (option: SettingOption) => {
    const chosen = options[option];
    return (typeof chosen === "string" ? setOrNot(chosen) : undefined) ?? settingOf(env, variableOf(option));
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

  /** Notes what a reading is about when it finds a problem. */
  function about<T>(area: SettingArea, read: () => T): T {
    const before = problems.length;
    const found = read();
    if (problems.length > before) unusable.add(area);
    return found;
  }

  function parseTools(): readonly string[] | undefined {
    const names = listOf(value("tools"));
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
    const ids = listOf(settingOf(env, "ATLAS_FLEX_ALLOWED_PROJECTS"));
    const wrong = (ids ?? []).flatMap((id, index) => (isAtlasId(id) ? [] : [nameOfEntry(id, index)]));
    if (ids && (ids.length === 0 || wrong.length > 0))
      problems.push(
        `ATLAS_FLEX_ALLOWED_PROJECTS must be project ids of 24 characters, 0 to 9 and a to f, separated by commas; not one: ${wrong.join(", ") || "there is none"}.`,
      );
    return ids?.filter(isAtlasId);
  }

  function parseProjectId(): string | undefined {
    const id = settingOf(env, "MONGODB_ATLAS_PROJECT_ID");
    if (id === undefined || isAtlasId(id)) return id;
    problems.push("MONGODB_ATLAS_PROJECT_ID must be 24 characters, 0 to 9 and a to f.");
    return undefined;
  }

  function parseFolder(): string {
    const path = value("download-dir") ?? "~/atlas-flex-snapshots";
    const expanded = withHomeFolder(path);
    if (expanded !== undefined && /\$\{[^}]*\}|^~/.test(expanded))
      problems.push(`${bothNames("download-dir")} holds a placeholder that nobody has filled in: ${clean(path)}.`);
    if (expanded !== undefined) return resolve(expanded);
    problems.push(`This user has no home folder: name a folder in ${bothNames("download-dir")}.`);
    return resolve("/", path.replace(/^[^/\\]*/, "."));
  }

  function parseLogLevel(): LogLevel {
    const text = value("log-level")?.toLowerCase();
    const level = LOG_LEVELS.find((known) => known === text);
    if (text !== undefined && !level)
      problems.push(`${bothNames("log-level")} must be one of ${LOG_LEVELS.join(", ")}.`);
    return level ?? "info";
  }

  const simulate = flag("simulate");
  const readOnly = flag("read-only");
  const hidden = flag("hide-snapshot-urls");
  const tools = about("tools", parseTools);
  const projectId = parseProjectId();
  const allowedProjects = parseProjects();
  if (projectId && allowedProjects && !allowedProjects.includes(projectId))
    problems.push("MONGODB_ATLAS_PROJECT_ID is not among ATLAS_FLEX_ALLOWED_PROJECTS.");
  const folder = parseFolder();
  const { readSecretFile } = input;
  const chosen = about("credentials", () =>
    simulate ? {} : readCredentials({ env, readSecretFile, problems, warnings }),
  );
  const simulator = simulate ? readSimulatorSettings(env, problems) : undefined;
  if (!simulate) warnings.push(...idleSimulatorSettings(env));
  const logLevel = parseLogLevel();
  const baseUrl = simulate
    ? new URL("http://127.0.0.1")
    : about("route", () => readBaseUrl(env, { problems, warnings }));
  const fileHosts = readFileHosts(env, problems);
  const proxy = about("route", () => readProxies(env, problems));
  return {
    simulate,
    ...(simulator ? { simulator } : {}),
    readOnly,
    hideSnapshotUrls: hidden || readOnly,
    ...(tools ? { tools } : {}),
    logLevel,
    baseUrl,
    ...(projectId ? { projectId } : {}),
    ...(allowedProjects ? { allowedProjects } : {}),
    downloadDir: simulate ? resolve(folder, "simulated") : folder,
    fileHosts,
    ...chosen,
    proxy,
    problems,
    unusable: [...unusable],
    warnings,
  };
}

const bothNames = (option: SettingOption) => `--${option} / ${variableOf(option)}`;

/** An entry of a list, quoted only if it looks like a project id with a slip: a secret in the wrong place stays secret. */
const nameOfEntry = (text: string, index: number) =>
  /^[A-Za-z0-9]{1,32}$/.test(text) ? JSON.stringify(text) : `entry ${index + 1}`;
