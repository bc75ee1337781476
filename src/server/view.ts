// The view of a save for clients that show it: the one resource, and what the tools and answers have beside it.
import { readFile } from "node:fs/promises";
import { VIEW_TYPE } from "../protocol/announced.ts";
import type { ToolName } from "../tools/catalog.ts";

const URI = "ui://atlas-flex-snapshots/save.html";
/** The tool whose call the view shows. */
const SHOWN: ToolName = "save_flex_snapshot";
/** The tools that the view calls. */
const CALLED: readonly ToolName[] = [SHOWN, "stop_saving_snapshot", "list_saved_snapshots"];

const RESOURCE = {
  uri: URI,
  name: "save",
  title: "Save of a backup",
  description: "A save live, with pause and continue.",
  mimeType: VIEW_TYPE,
} as const;

/** It fetches nothing, so it needs no origin; a frame around it shows where it ends. */
const UI_META = { _meta: { ui: { csp: {}, prefersBorder: true } } };

/** The tools as a client that shows the view sees them. The flat key is that of older hosts. */
export function withView<Listed extends { name: string }>(tools: readonly Listed[]): Listed[] {
  const _meta = { ui: { resourceUri: URI }, "ui/resourceUri": URI };
  return tools.map((tool) => (tool.name === SHOWN ? { ...tool, _meta } : tool));
}

/** Answers a request about resources; undefined for another method, or for a resource that does not exist. */
export async function answerResources(
  method: string,
  params: Record<string, unknown> = {},
  tools: readonly ToolName[],
): Promise<Record<string, unknown> | undefined> {
  if (method === "resources/list") return { resources: [{ ...RESOURCE, ...UI_META }] };
  if (method === "resources/templates/list") return { resourceTemplates: [] };
  if (method !== "resources/read" || params.uri !== URI) return undefined;
  return { contents: [{ uri: URI, mimeType: VIEW_TYPE, text: await page(tools), ...UI_META }] };
}

/** The build has put the page beside this code. It gets the names of the tools that it may offer. */
async function page(tools: readonly ToolName[]): Promise<string> {
  const text = await readFile(new URL("./view.html", import.meta.url), "utf8");
  return text.replace('data-tools=""', `data-tools="${CALLED.filter((name) => tools.includes(name)).join(" ")}"`);
}

/** Facts of an answer for the view alone. They stand in `_meta`, which models do not read. */
export const asideMeta = (facts: object) => ({ _meta: { "atlas-flex-snapshots/view": facts } });
