// The prompts that hosts offer as slash commands: save the latest backup of a cluster, and look after all backups.
import type { GetPromptResult, Prompt } from "@modelcontextprotocol/sdk/types.js";
import { isAtlasId, isClusterName } from "../core/atlas-id.ts";
import type { ToolName } from "../tools/catalog.ts";

export const SAVE_LATEST = {
  name: "save_latest_snapshot",
  title: "Save the latest backup",
  description: "Saves the latest complete snapshot of a Flex cluster to a verified file on this computer.",
  arguments: [
    { name: "cluster", description: "Name of the Flex cluster", required: true },
    { name: "project", description: "Id of its project, when several have a cluster of that name" },
  ],
} satisfies Prompt;

export const CHECK_BACKUPS = {
  name: "check_backups",
  title: "Check all backups",
  description: "Says whether every Flex cluster has a recent backup, and what needs attention.",
} satisfies Prompt;

/** The prompts whose tools are all registered. */
export function promptsFor(tools: readonly ToolName[]): readonly Prompt[] {
  const needs = [
    { prompt: SAVE_LATEST, tool: "save_flex_snapshot" },
    { prompt: CHECK_BACKUPS, tool: "list_flex_clusters" },
  ] as const;
  return needs.filter(({ tool }) => tools.includes(tool)).map(({ prompt }) => prompt);
}

type Arguments = Readonly<Record<string, unknown>>;
type Refusal = { refusal: string };

/** The prompt of this name with its arguments filled in, or why they cannot be used. */
export function answerPrompt(
  prompts: readonly Prompt[],
  name: unknown,
  args: unknown,
): { result: { description?: string | undefined; messages: GetPromptResult["messages"] } } | Refusal {
  const prompt = prompts.find((each) => each.name === name);
  if (!prompt) return { refusal: `Unknown prompt. Known: ${prompts.map((each) => each.name).join(", ") || "none"}.` };
  // Hosts send an empty string or null for an argument that the person left blank.
  const given = Object.fromEntries(Object.entries(args ?? {}).filter(([, value]) => value !== "" && value !== null));
  const text = name === SAVE_LATEST.name ? readSaveLatest(given) : readCheckBackups(given);
  if (typeof text !== "string") return text;
  const { description } = prompt;
  return { result: { description, messages: [{ role: "user", content: { type: "text", text } }] } };
}

function readSaveLatest({ cluster, project, ...unknown }: Arguments): string | Refusal {
  const isCluster = typeof cluster === "string" && isClusterName(cluster);
  const isProject = project === undefined || (typeof project === "string" && isAtlasId(project));
  if (isCluster && isProject && Object.keys(unknown).length === 0) return saveLatestText(cluster, project);
  return {
    refusal:
      "cluster must be the name of a Flex cluster; project, if given, an id of 24 lower-case hexadecimal characters.",
  };
}

function readCheckBackups(args: Arguments): string | Refusal {
  if (Object.keys(args).length === 0) return checkBackupsText();
  return { refusal: `${CHECK_BACKUPS.name} takes no arguments.` };
}

/** The text of the prompt. `manifest.json` contains the same text, with a desktop host's placeholders as arguments. */
export function saveLatestText(cluster: string, project: string | undefined): string {
  return [
    `Save the latest backup of the Flex cluster ${cluster}${project ? ` in project ${project}` : ""} to this computer.`,
    `Call save_flex_snapshot once, with name ${cluster}${project ? ` and groupId ${project}` : ""}.`,
    project ? "" : "If several projects have a cluster of that name, ask me which one.",
    "Then tell me the path of the file, its size, how old the backup is, and whether it was verified; or, while it is still downloading, how long that will take.",
  ]
    .filter(Boolean)
    .join(" ");
}

export function checkBackupsText(): string {
  return "Check the backups of all my Flex clusters: call list_flex_clusters once, with backups: true. Then tell me in one or two sentences what is fine and what needs attention, such as a failed, old or missing backup or a project that could not be read.";
}
