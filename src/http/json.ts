/** Atlas nests five levels; what is far deeper could only overflow the stack of whoever walks it. */
const MAX_DEPTH = 64;

/** The value of a JSON text; undefined when it is not JSON or nests deeper than any answer of the API. */
export function parseJson(text: string): unknown {
  if (nestsTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON, such as the HTML page of a proxy: the caller judges by the status.
  }
}

/** Reads each character once; a pattern would look again and again at the rest of a string that has no end. */
function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') inString = !inString;
    else if (inString) index += character === "\\" ? 1 : 0;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
