// The view of a save for clients that show views of MCP Apps (SEP-1865): which clients, the page, and the extra `_meta` of answers.
import { type Announced, KEY, type Params } from "../protocol/eras.ts";
import type { Reply } from "../protocol/front-desk.ts";
import { CODES, isObject } from "../protocol/read-message.ts";
import type { ToolName } from "../tools/catalog.ts";

const EXTENSION = "io.modelcontextprotocol/ui";
const VIEW_TYPE = "text/html;profile=mcp-app";

/** The capabilities of a server that has a view, beside its others. */
export const VIEW_CAPABILITIES = { resources: {}, extensions: { [EXTENSION]: {} } } as const;

/** The extension names the types that the client shows; one that names none shows the only type that there is. */
export function announcesView({ extensions }: Announced): boolean {
  const settings = isObject(extensions) ? extensions[EXTENSION] : undefined;
  if (!isObject(settings)) return false;
  const { mimeTypes } = settings;
  return !Array.isArray(mimeTypes) || mimeTypes.length === 0 || mimeTypes.includes(VIEW_TYPE);
}

const URI = "ui://atlas-flex-snapshots/save.html";
/** The tool whose call the view shows. */
const SHOWN: ToolName = "save_flex_snapshot";
/** The tools that the view calls. */
const CALLED: readonly ToolName[] = [SHOWN, "stop_saving_snapshot", "list_saved_snapshots"];

/** It fetches nothing, so it needs no origin; a frame around it shows where it ends. */
const UI_META = { _meta: { ui: { csp: {}, prefersBorder: true } } };

/** What the list of resources has for a client that shows views. */
export const VIEWS = [
  {
    uri: URI,
    name: "save",
    title: "Save of a backup",
    description: "A save live, with pause and continue.",
    mimeType: VIEW_TYPE,
    ...UI_META,
  },
];

/** The tools as a client that shows the view sees them. The flat key is that of older hosts. */
export function withView<Listed extends { name: string }>(tools: readonly Listed[]): Listed[] {
  const _meta = { ui: { resourceUri: URI }, "ui/resourceUri": URI };
  return tools.map((tool) => (tool.name === SHOWN ? { ...tool, _meta } : tool));
}

/** "Resource not found" of the revisions before 2026-07-28, which has the code for params instead. */
const RESOURCE_UNKNOWN = -32002;

/** The one page. The build has put it beside this code. It gets the names of the tools that it may call. */
export function readView({ uri, _meta: meta }: Params, tools: readonly ToolName[]): Reply {
  const isStateless = isObject(meta) && meta[KEY.version] !== undefined;
  if (uri !== URI)
    return { error: { code: isStateless ? CODES.params : RESOURCE_UNKNOWN, message: "Unknown resource." } };
  const names = CALLED.filter((name) => tools.includes(name)).join(" ");
  // An import at the top would cost every start 1 ms.
  const page = process.getBuiltinModule("node:fs").readFileSync(new URL("./view.html", import.meta.url), "utf8");
  const text = page.replace('data-tools=""', `data-tools="${names}"`);
  return { result: { contents: [{ uri: URI, mimeType: VIEW_TYPE, text, ...UI_META }] } };
}

/** Facts of an answer for the view alone. They stand in `_meta`, which models do not read. */
export const asideMeta = (facts: object) => ({ _meta: { "atlas-flex-snapshots/view": facts } });
