// What a client announces: whether it shows views of MCP Apps (SEP-1865), in both eras of the protocol.
import { isObject } from "./read-message.ts";

/** Where a request of revision 2026-07-28 holds what older clients say once, in `initialize`. */
export const CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";

const EXTENSION = "io.modelcontextprotocol/ui";
export const VIEW_TYPE = "text/html;profile=mcp-app";

/** The capabilities of a server that has a view, beside its others. */
export const VIEW_CAPABILITIES = { resources: {}, extensions: { [EXTENSION]: {} } } as const;

/** The least that a client announces to see the view. */
export const SEES_VIEW = { extensions: { [EXTENSION]: {} } } as const;

/** The extension names the types that the client shows; one that names none shows the only type that there is. */
export function announcesView(clientCapabilities: unknown): boolean {
  const extensions = isObject(clientCapabilities) ? clientCapabilities.extensions : undefined;
  const settings = isObject(extensions) ? extensions[EXTENSION] : undefined;
  if (!isObject(settings)) return false;
  const { mimeTypes } = settings;
  return !Array.isArray(mimeTypes) || mimeTypes.length === 0 || mimeTypes.includes(VIEW_TYPE);
}
