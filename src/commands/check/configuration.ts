import type { Config, Options } from "../../config/config.ts";
import { type Environment, settingOf } from "../../config/readers.ts";
import { DEFAULT_BASE_URL, KNOWN_VARIABLES, SETTINGS } from "../../config/variables.ts";
import { CATALOG, offersOf, onlyReads } from "../../tools/catalog.ts";
import { counted, failed, firstFew, ok, type StepResult, warning } from "./step.ts";

/** Every problem and every warning of the configuration at once. */
export function settings({ problems, warnings }: Config, sources: Sources): StepResult {
  const names = namesSet(sources);
  const set = names.length > 0 ? `set: ${firstFew(names, 20)}` : "none is set";
  const whatToDo = [...problems, ...warnings].join("\n");
  if (problems.length > 0) {
    const doubts = warnings.length > 0 ? ` and ${counted(warnings.length, "warning")}` : "";
    const found = `${counted(problems.length, "problem")}${doubts}; ${set}`;
    return { ...failed(found, whatToDo), errorCode: "CONFIGURATION_INVALID" };
  }
  return warnings.length > 0 ? warning(`${counted(warnings.length, "warning")}; ${set}`, whatToDo) : ok(set);
}

/** Where requests and credentials go, and who said so. */
export function atlasAddress({ simulate, baseUrl }: Config, { env }: Sources): StepResult {
  if (simulate) return ok("the embedded simulator; credentials are ignored");
  const text = settingOf(env, "MONGODB_ATLAS_BASE_URL");
  if (text === undefined) return ok(`${baseUrl.origin} (the default)`);
  // The configuration falls back to the default when the setting cannot be used.
  if (!URL.canParse(text) || new URL(text).href !== baseUrl.href) {
    return failed("MONGODB_ATLAS_BASE_URL cannot be used", `Correct it, or unset it for ${DEFAULT_BASE_URL}.`);
  }
  return ok(`${baseUrl.origin} (MONGODB_ATLAS_BASE_URL)`);
}

/** What a user has set, by name; values stay out of it. */
export interface Sources {
  options: Options;
  env: Environment;
}

/** Every option and variable that is set. */
function namesSet({ options, env }: Sources): string[] {
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
export function sourceOf({ options, env }: Sources, { name, option }: { name: string; option: string }) {
  if (options[option] !== undefined) return `--${option}`;
  return settingOf(env, name) === undefined ? undefined : name;
}

/** Which tools a client will see, and what narrows them. */
export function registered(config: Config, sources: Sources): StepResult {
  const names = offersOf(config).map(({ name }) => name);
  const limits = [
    sourceOf(sources, SETTINGS.readOnly) && config.readOnly ? "read-only" : "",
    sourceOf(sources, SETTINGS.tools) ?? "",
    config.hideSnapshotUrls ? "links hidden" : "",
  ].filter(Boolean);
  const remark = limits.length > 0 ? ` (${limits.join(", ")})` : "";
  if (names.length === 0) {
    return failed(`none of ${CATALOG.length}${remark}`, "Name a tool that reads in --tools, or leave --read-only off.");
  }
  if (config.unusable.includes("tools"))
    return failed(
      `${names.length} of ${CATALOG.length}${remark}, since not every name in it is one of a tool: ${names.join(", ")}`,
      `Correct the list; the tools are ${CATALOG.map(({ name }) => name).join(", ")}.`,
    );
  return ok(`${names.length} of ${CATALOG.length}${remark}: ${names.join(", ")}`);
}

/** Whether a tool is left that creates download jobs or saves files. */
export function savesSnapshots(config: Config): boolean {
  return offersOf(config).some(({ effect }) => !onlyReads(effect));
}
