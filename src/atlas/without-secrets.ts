import { clean } from "../core/text.ts";
import type { Middleware } from "../http/send.ts";
import { MAX_ITEMS_PER_PAGE } from "./schemas.ts";

/** A link in a list of links of an entry of a page lies four levels down; nothing deeper is read. */
const MAX_DEPTH = 5;
/** One more than the longest list that is read, so that a longer one is still refused. */
const MAX_ITEMS = MAX_ITEMS_PER_PAGE + 1;
/** Longer texts are dropped or cut to less. */
const MAX_TEXT_CHARACTERS = 16 * 1024;

/** The fields whose links come out as they are. */
const LINKS = ["snapshotUrl", "href"];

/**
 * Removes credentials from the texts of every answer, where nobody expects them: a project may be named after its key. Links
 * are scrubbed of what grants access, but for those in fields that exist to hold one. What is nested or listed beyond all that
 * is read is left out, so that an answer costs no more than a page that Atlas could send.
 */
export function withoutSecrets({
  remove,
  removeWithLinks,
}: {
  remove: (text: string) => string;
  removeWithLinks: (text: string) => string;
}): Middleware {
  const cleared = (value: unknown, name = "", depth = 0): unknown => {
    if (typeof value === "string") {
      // Cleaned first, since an invisible character could hide a secret until it is removed later on.
      const visible = clean(value, MAX_TEXT_CHARACTERS);
      const without = LINKS.includes(name) ? remove(visible) : removeWithLinks(visible);
      return without === visible ? value : without;
    }
    if (typeof value !== "object" || value === null) return value;
    if (depth === MAX_DEPTH) return undefined;
    if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => cleared(item, name, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleared(item, name, depth + 1)]));
  };
  return (send) => async (request) => {
    const response = await send(request);
    return response.json === undefined ? response : { ...response, json: cleared(response.json) };
  };
}
