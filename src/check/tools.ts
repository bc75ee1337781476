import type { Config } from "../config/parse.ts";
import { CATALOG, offersOf, onlyReads } from "../tools/catalog.ts";
import { type Sources, sourceOf } from "./sources.ts";
import { failed, ok, type StepResult } from "./step.ts";

/** Which tools a client will see, and what narrows them. */
export function registered(config: Config, sources: Sources): StepResult {
  const names = offersOf(config).map(({ name }) => name);
  const limits = [
    sourceOf(sources, "read-only") && config.readOnly ? "read-only" : "",
    sourceOf(sources, "tools") ?? "",
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
