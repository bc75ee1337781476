// Reads options and environment into the configuration.
import { resolve } from "node:path";
import { createRedactor } from "../core/redact.ts";
import { readCredentials, secretsIn } from "./credentials.ts";
import { readRoute } from "./network.ts";
import { type Environment, isSet, settingOf, settingText } from "./setting-text.ts";
import type { Config, GroupGiven, Options, SimulatorSettings } from "./types.ts";
import { misspeltVariables, SETTINGS, type Setting, SIMULATOR_SETTINGS } from "./variables.ts";

/** Where settings come from, and what was found wrong or doubtful so far. */
interface Reading extends GroupGiven {
  options: Options;
  toolNames: readonly string[];
  currentFolder?: string | undefined;
  unusable: Set<string>;
}

/**
 * Reads options and environment into a configuration. Options beat variables. Never throws: all problems are collected,
 * so that a person can correct them in one go.
 */
export function parseConfig(input: {
  options: Options;
  env: Environment;
  toolNames: readonly string[];
  /** For commands that a person types: relative folders count from here. */
  currentFolder?: string | undefined;
}): Config {
  const { env } = input;
  const problems: string[] = [];
  const warnings = misspeltVariables(env);
  const reading: Reading = { ...input, problems, warnings, unusable: new Set() };

  const settings = readSettings(SETTINGS, reading);
  const { simulate, readOnly, hideSnapshotUrls, projectId, allowedProjects, downloadDir } = settings;
  if (projectId && allowedProjects?.includes(projectId) === false)
    problems.push("MONGODB_ATLAS_PROJECT_ID is not among ATLAS_FLEX_ALLOWED_PROJECTS.");
  const { secrets: fromFiles, ...credentials } = simulate
    ? { secrets: [] }
    : noting("credentials", reading, () => readCredentials({ env, problems, warnings }));
  // Nothing may be sent to Atlas if the simulator may be meant.
  if (reading.unusable.has("simulate")) reading.unusable.add("route");
  const route = noting("route", reading, () => readRoute({ env, simulate, problems, warnings }));
  const simulator = simulate ? { simulator: readSettings(SIMULATOR_SETTINGS, reading) } : {};
  if (!simulate) warnings.push(...idleSimulatorSettings(env));
  const secrets = [...secretsIn(env, route.proxy), ...fromFiles];
  const { scrub } = createRedactor(secrets);
  return {
    ...settings,
    ...simulator,
    ...credentials,
    ...route,
    hideSnapshotUrls: hideSnapshotUrls || readOnly,
    downloadDir: simulate ? resolve(downloadDir, "simulated") : downloadDir,
    secrets,
    problems: problems.map(scrub),
    warnings: warnings.map(scrub),
    unusable: [...reading.unusable],
  };
}

/** The settings of the command `simulator`, and what is wrong with them. */
export function parseSimulatorSettings(env: Environment): { settings: SimulatorSettings; problems: readonly string[] } {
  const reading = { options: {}, env, toolNames: [], problems: [], warnings: [], unusable: new Set<string>() };
  return { settings: readSettings(SIMULATOR_SETTINGS, reading), problems: reading.problems };
}

function readSettings<Values>(
  rows: { readonly [Key in keyof Values]: Setting<Values[Key]> },
  reading: Reading,
): Values {
  const values: Partial<Values> = {};
  for (const key in rows) values[key] = noting(key, reading, () => readSetting(rows[key], reading));
  if (!isComplete(values, rows)) throw new TypeError("A setting was not read");
  return values;
}

function isComplete<Values>(values: Partial<Values>, rows: Record<keyof Values, unknown>): values is Values {
  return Object.keys(rows).every((key) => key in values);
}

function readSetting<Value>({ name, option, read, failsClosed }: Setting<Value>, reading: Reading): Value {
  const { options, env, toolNames, currentFolder, problems, warnings } = reading;
  const chosen = option === undefined ? undefined : options[option];
  const called = option === undefined ? name : `--${option} / ${name}`;
  const fromOption = settingText(chosen === true ? "true" : chosen);
  const { text, placeholder, problem } = isSet(fromOption) ? fromOption : settingOf(env, name);
  if (problem && !failsClosed) problems.push(`${called} ${problem}`);
  return read({
    text: failsClosed ? (text ?? placeholder) : text,
    toolNames,
    currentFolder,
    problem: (predicate) => problems.push(`${called} ${predicate}`),
    warning: (predicate) => warnings.push(`${name} ${predicate}`),
  });
}

/** Runs `read`, and marks `where` as unusable if `read` reports a problem. */
function noting<Value>(where: string, { problems, unusable }: Reading, read: () => Value): Value {
  const before = problems.length;
  const value = read();
  if (problems.length > before) unusable.add(where);
  return value;
}

/** A warning for each setting of the simulator, for a server that does not use it. */
function idleSimulatorSettings(env: Environment): string[] {
  return Object.values(SIMULATOR_SETTINGS)
    .filter(({ name }) => isSet(settingOf(env, name)))
    .map(({ name }) => `${name} has no effect without --simulate.`);
}
