// The prompt that saves the latest backup of a cluster; hosts offer it as a slash command.
import type { GetPromptResult, Prompt } from "@modelcontextprotocol/sdk/types.js";
import * as z from "zod";
import type { ToolName } from "../tools/catalog.ts";
import { groupId, name } from "../tools/params.ts";

const Arguments = z.strictObject({
  cluster: name,
  // Hosts send an empty string for an argument that the person left blank.
  project: z.union([groupId, z.literal("")]).optional(),
});

export const SAVE_LATEST = {
  name: "save_latest_snapshot",
  title: "Save the latest backup",
  description: "Saves the latest complete snapshot of a Flex cluster to a verified file on this computer.",
  arguments: [
    { name: "cluster", description: "Name of the Flex cluster", required: true },
    { name: "project", description: "Id of its project, when several have a cluster of that name" },
  ],
} satisfies Prompt;

/** The prompts whose tools are all registered. */
export function promptsFor(tools: readonly ToolName[]): readonly Prompt[] {
  const needed: ToolName[] = ["list_flex_clusters", "list_flex_snapshots", "save_flex_snapshot"];
  return needed.every((name) => tools.includes(name)) ? [SAVE_LATEST] : [];
}

/** The prompt with its arguments filled in; undefined when an argument does not have the required form. */
export function saveLatestSnapshot(args: unknown): GetPromptResult | undefined {
  const parsed = Arguments.safeParse(args);
  if (!parsed.success) return undefined;
  const { cluster, project } = parsed.data;
  return {
    description: SAVE_LATEST.description,
    messages: [{ role: "user", content: { type: "text", text: saveLatestText(cluster, project) } }],
  };
}

/** The text of the prompt. `manifest.json` contains the same text, with a desktop host's placeholders as arguments. */
export function saveLatestText(cluster: string, project: string | undefined): string {
  return [
    `Save the latest backup of the Flex cluster ${cluster}${project ? ` in project ${project}` : ""} to this computer.`,
    project ? "" : `Find its project with list_flex_clusters (name ${cluster}); ask me if several projects have one.`,
    "Take latestCompleteSnapshotId from list_flex_snapshots.",
    "Call save_flex_snapshot, and again with the same arguments, until state is complete.",
    "Then tell me the path, the size, the age of the backup, the SHA-256, whether the check was clean, and how to restore it.",
  ]
    .filter(Boolean)
    .join(" ");
}
