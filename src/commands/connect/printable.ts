// Decides what may be printed as it stands: nothing that may be a secret, and nothing that a terminal hides or changes.
import { mayBeQuoted } from "../../config/setting-text.ts";
import { createRedactor } from "../../core/redact.ts";
import { oneLine } from "../../core/text.ts";

export interface Printable {
  /** Whether the text holds no line break, nothing invisible, and nothing that changes how others are shown. */
  isPlain: (text: string) => boolean;
  /** Whether a plain text that somebody wrote for a setting holds no secret. */
  isOpen: (text: string) => boolean;
  /** The same for a path of this computer, in which a short secret can occur by chance. */
  isOpenPath: (text: string) => boolean;
}

/** Blanks of other widths stay what they are when a line is copied. */
const withPlainBlanks = (text: string) => text.replace(/\p{Zs}/gu, " ");

export function printableFor(secrets: readonly string[]): Printable {
  const { scrub, remove } = createRedactor(secrets);
  const isPlain = (text: string) => {
    const line = withPlainBlanks(text);
    return oneLine(line) === line;
  };
  return {
    isPlain,
    isOpen: (text) => mayBeQuoted(text) && scrub(withPlainBlanks(text)) === withPlainBlanks(text),
    isOpenPath: (text) => isPlain(text) && remove(text) === text,
  };
}
