import { type Environment, settingOf } from "../config/config.ts";
import type { Options } from "../config/parse.ts";
import { KNOWN_VARIABLES, type SettingOption, variableOf } from "../config/variables.ts";

/** What a user has set, by name; values stay out of it. */
export interface Sources {
  options: Options;
  env: Environment;
}

/** Every option and variable that is set. */
export function namesSet({ options, env }: Sources): string[] {
  const given = Object.keys(options)
    .filter((name) => name !== "json")
    .map((name) => `--${name}`);
  const variables = Object.keys(env).filter((name) => isKnown(name) && settingOf(env, name) !== undefined);
  return [...given, ...variables.sort()];
}

/** Proxies are read in lower case too. Names that are not read are among the warnings. */
const isKnown = (name: string) =>
  KNOWN_VARIABLES.includes(name) || (/_proxy$/.test(name) && KNOWN_VARIABLES.includes(name.toUpperCase()));

/** The option or variable that a value comes from. */
export function sourceOf({ options, env }: Sources, option: SettingOption): string | undefined {
  if (options[option] !== undefined) return `--${option}`;
  const variable = variableOf(option);
  return settingOf(env, variable) === undefined ? undefined : variable;
}
