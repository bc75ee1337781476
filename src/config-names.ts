import { clean, nearest } from "./core/text.ts";
import { type Environment, settingOf } from "./environment.ts";
import { SECRET_VARIABLES, VARIABLES } from "./variables.ts";

const OWN = /^ATLAS_FLEX_/;
/** Shared with other tools of MongoDB, which have variables of their own under these names. */
const SHARED = /^(MONGODB_ATLAS|MDB_MCP_API)_/;

/** Letters by which a name of other tools may differ from ours and still be a slip; more, and it means something else. */
const SLIP_LETTERS = 2;

/** Every name that is read. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...VARIABLES.flatMap(({ name, alias }) => (alias ? [name, alias] : [name])),
  ...SECRET_VARIABLES.filter((name) => name.endsWith("_FILE")),
];

/** A warning for each variable that seems to be meant for this server: it would be ignored in silence. Values stay out of it. */
export function misspeltVariables(env: Environment): string[] {
  return Object.keys(env).flatMap((name) => {
    if (KNOWN_VARIABLES.includes(name) || settingOf(env, name) === undefined) return [];
    const whole = name.replace(/_FILE$/, "");
    if (whole !== name && KNOWN_VARIABLES.includes(whole))
      return [`${clean(name)} is not read, since only secrets come from files; set ${whole} itself.`];
    const meant = meantBy(name);
    if (!OWN.test(name) && meant === undefined) return [];
    return [`${clean(name)} is not a setting of this server${meant ? `; did you mean ${meant}?` : "."}`];
  });
}

function meantBy(name: string): string | undefined {
  if (OWN.test(name)) {
    const own = KNOWN_VARIABLES.filter((known) => OWN.test(known));
    // A name that only lacks a word of ours means that one, however near in letters another is.
    const words = name.split("_");
    return own.find((known) => words.every((word) => known.split("_").includes(word))) ?? nearest(name, own);
  }
  if (!SHARED.test(name)) return undefined;
  const letters = (text: string) => text.replaceAll("_", "");
  const meant = nearest(letters(name), KNOWN_VARIABLES.map(letters), SLIP_LETTERS);
  return KNOWN_VARIABLES.find((known) => letters(known) === meant);
}
