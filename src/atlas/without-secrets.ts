import type { Middleware } from "../http/send.ts";
import { clean } from "../text.ts";

/** A link in a list of links of an entry of a page lies four levels down; nothing deeper is read. */
const MAX_DEPTH = 5;
/** Longer texts are dropped or cut to less. */
const MAX_TEXT_CHARACTERS = 16 * 1024;

/**
 * Removes credentials from the texts of every answer, where nobody expects them: a project may be named after its key.
 * `remove` takes one text. Texts without credentials, signed links among them, stay as they came.
 */
export function withoutSecrets(remove: (text: string) => string): Middleware {
  const cleared = (value: unknown, depth = 0): unknown => {
    if (typeof value === "string") {
      // Cleaned first, since an invisible character could hide a secret until it is removed later on.
      const visible = clean(value, MAX_TEXT_CHARACTERS);
      const without = remove(visible);
      return without === visible ? value : without;
    }
    if (typeof value !== "object" || value === null || depth === MAX_DEPTH) return value;
    if (Array.isArray(value)) return value.map((item) => cleared(item, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cleared(item, depth + 1)]));
  };
  return (send) => async (request) => {
    const response = await send(request);
    return response.json === undefined ? response : { ...response, json: cleared(response.json) };
  };
}
