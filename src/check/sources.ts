import type { Credentials } from "../auth/sign.ts";
import type { Options } from "../config.ts";
import { PAIRS, TOKEN } from "../config-credentials.ts";
import { type Environment, settingOf } from "../environment.ts";

/** What a user has set, by name; values stay out of it. */
export interface Sources {
  options: Options;
  env: Environment;
}

const SETTING = /^(ATLAS_FLEX|MONGODB_ATLAS|MDB_MCP_API)_[A-Z_]+$/;

/** Every option and variable that is set. */
export function namesSet({ options, env }: Sources): string[] {
  const given = Object.keys(options)
    .filter((name) => name !== "json")
    .map((name) => `--${name}`);
  const variables = Object.keys(env).filter((name) => SETTING.test(name) && settingOf(env, name) !== undefined);
  return [...given, ...variables.sort()];
}

/** The option or variable that a value comes from. */
export function sourceOf({ options, env }: Sources, option: string, variable: string): string | undefined {
  if (options[option] !== undefined) return `--${option}`;
  return settingOf(env, variable) === undefined ? undefined : variable;
}

/** The variables that the chosen credentials come from. */
export function credentialSources(env: Environment, credentials: Credentials): string[] {
  const isSet = (name: string) => settingOf(env, name) !== undefined;
  const setName = (name: string) => (isSet(name) ? name : `${name}_FILE`);
  if (credentials.kind === "access-token") return [setName(TOKEN)];
  const pair = PAIRS.find(
    ({ kind, id, secret }) => kind === credentials.kind && isSet(id) && (isSet(secret) || isSet(`${secret}_FILE`)),
  );
  return pair ? [pair.id, setName(pair.secret)] : [];
}
