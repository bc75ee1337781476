import { settingOf } from "../config/config.ts";
import type { Config } from "../config/parse.ts";
import { DEFAULT_BASE_URL } from "../config/variables.ts";
import { namesSet, type Sources } from "./sources.ts";
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
