// Steps of `check` about the configuration itself: settings, the address of Atlas, and the tools that clients see.
import { isSet, settingOf, settingText } from "../../config/setting-text.ts";
import { DEFAULT_BASE_URL, KNOWN_VARIABLES, SETTINGS } from "../../config/variables.ts";
import { firstFew } from "../../core/text.ts";
import { CATALOG, offersOf } from "../../tools/catalog.ts";
import { counted } from "../advice.ts";
import type { Configured } from "../terminal.ts";
import { failed, ok, type StepResult, warning } from "./step.ts";

/** All problems and warnings of the configuration at once, and the names, never the values, of everything that is set. */
export function settings({ config: { problems, warnings }, options, env }: Configured): StepResult {
  const given = Object.keys(options).filter((name) => name !== "json");
  const variables = Object.keys(env).filter((name) => isKnown(name) && isSet(settingOf(env, name)));
  const names = [...given.map((name) => `--${name}`), ...variables.sort()];
  const set = names.length > 0 ? `set: ${firstFew(names, 20)}` : "none is set";
  const whatToDo = [...problems, ...warnings].join("\n");
  const doubts = counted(warnings.length, "warning");
  if (problems.length > 0) {
    const found = `${counted(problems.length, "problem")}${warnings.length > 0 ? ` and ${doubts}` : ""}; ${set}`;
    return { ...failed(found, whatToDo), errorCode: "CONFIGURATION_INVALID" };
  }
  return warnings.length > 0 ? warning(`${doubts}; ${set}`, whatToDo) : ok(set);
}

/** Proxy variables may also be lower case. A misspelt variable is not known: a warning names it. */
const isKnown = (name: string) =>
  KNOWN_VARIABLES.includes(name) || (/_proxy$/.test(name) && KNOWN_VARIABLES.includes(name.toUpperCase()));

/** Where requests and credentials go, and which setting says so. */
export function atlasAddress({ config: { simulate, baseUrl }, env }: Configured): StepResult {
  if (simulate) return ok("the embedded simulator; credentials are ignored");
  const setting = settingOf(env, "MONGODB_ATLAS_BASE_URL");
  if (!isSet(setting)) return ok(`${baseUrl.origin} (the default)`);
  const { text = "" } = setting;
  // If the setting cannot be used, the configuration has the default instead.
  if (!URL.canParse(text) || new URL(text).href !== baseUrl.href) {
    return failed("MONGODB_ATLAS_BASE_URL cannot be used", `Correct it, or unset it for ${DEFAULT_BASE_URL}.`);
  }
  return ok(`${baseUrl.origin} (MONGODB_ATLAS_BASE_URL)`);
}

/** The tools that a client will see, and the settings that limit them. */
export function tools(input: Configured): StepResult {
  const { config } = input;
  const names = offersOf(config).map(({ name }) => name);
  const limits = [
    config.readOnly ? "read-only" : "",
    sourceOf(input, SETTINGS.tools) ?? "",
    config.hideSnapshotUrls ? "links hidden" : "",
  ].filter(Boolean);
  const remark = limits.length > 0 ? ` (${limits.join(", ")})` : "";
  if (names.length === 0)
    return failed(`none of ${CATALOG.length}${remark}`, "Name a tool that reads in --tools, or leave --read-only off.");
  const found = `${names.length} of ${CATALOG.length}${remark}`;
  if (config.unusable.includes("tools"))
    return failed(
      `${found}, since not every name in it is one of a tool: ${names.join(", ")}`,
      `Correct the list; the tools are ${CATALOG.map(({ name }) => name).join(", ")}.`,
    );
  return ok(`${found}: ${names.join(", ")}`);
}

/** The option or variable that a value comes from; undefined for the default. */
export function sourceOf(
  { options, env }: Omit<Configured, "config">,
  { name, option }: { name: string; option: string },
): string | undefined {
  const chosen = options[option];
  if (chosen === true || isSet(settingText(chosen))) return `--${option}`;
  return isSet(settingOf(env, name)) ? name : undefined;
}
