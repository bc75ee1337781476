/** Atlas nests five levels; what is far deeper could only overflow the stack of whoever walks it. */
const MAX_DEPTH = 64;

/**
 * Two hundred for each entry of a full page, which has about thirty. Eight megabytes have room for millions, which would take
 * gigabytes and minutes to look at.
 */
const MAX_VALUES = 100_000;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/** The value of a JSON text; undefined when it is not JSON, or nests deeper or holds more values than any answer of the API. */
export function parseJson(text: string): unknown {
  if (isTooMuch(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON, such as the HTML page of a proxy: the caller judges by the status.
  }
}

/** Reads each character once; a pattern would look again and again at the rest of a string that has no end. */
function isTooMuch(text: string): boolean {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) inString = !inString;
    else if (inString) index += character === BACKSLASH ? 1 : 0;
    else if (character === COMMA) values += 1;
    else if (OPENING.includes(character)) {
      depth += 1;
      values += 1;
    } else if (CLOSING.includes(character)) depth -= 1;
    if (depth > MAX_DEPTH || values > MAX_VALUES) return true;
  }
  return false;
}
