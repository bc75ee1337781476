// What was written for a setting: texts without what stands around them, placeholders, absolute paths, and whether a message may quote them.
import { homedir } from "node:os";
import path, { type PlatformPath } from "node:path";
import { clean } from "../core/text.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** All fields are absent if the setting is not set. */
export interface SettingText {
  text?: string;
  /** The whole value, if it is a placeholder that neither the MCP client nor a shell has filled in. */
  placeholder?: string;
  /** Why the placeholder cannot be used, to follow the name of the setting. Absent for a blank field of a desktop host's form. */
  problem?: string;
}

const QUOTED = /^(["'])((?:(?!\1).)*)\1$/s;
/** What a desktop host passes on for a field of its form that has neither a value nor a default. */
const BLANK_FIELD = /^\$\{user_config\.[^}]*\}$/;
/** `${X}`, `$X`, `$env:X` of PowerShell, `%X%` of Windows. The home folder is not among them: `withHomeFolder` fills it in. */
const PLACEHOLDER = /^(?!\$HOME\b|\$\{HOME\})(?:\$\{[^}]*\}|\$(?:env:)?[a-z_]\w*|%[a-z_][^%/\\]*%)(?=$|[/\\])/i;

/** Takes off blanks, line ends, a byte order mark (which `trim` counts as a blank) and one pair of quotes. */
export function unwrapped(raw: string): string {
  return raw.trim().replace(QUOTED, "$2").trim();
}

/** Reads what an option, a variable or the file of a secret holds. */
export function settingText(raw: string | undefined): SettingText {
  const text = unwrapped(raw ?? "");
  if (text === "") return {};
  if (BLANK_FIELD.test(text)) return { placeholder: text };
  if (/^file:/i.test(text)) {
    const problem =
      "is a file: URL, which is not read. Write a folder as a path, and the path of a secret's file into the variable that ends in _FILE.";
    return { placeholder: text, problem };
  }
  if (PLACEHOLDER.exec(text)?.[0] !== text) return { text };
  const problem =
    "is still a placeholder that nobody filled in: answer the question of the MCP client, or set the value itself.";
  return { placeholder: text, problem };
}

export function settingOf(env: Environment, name: string): SettingText {
  return settingText(env[name]);
}

/** Whether a setting has a value, usable or not. */
export function isSet({ text, problem }: SettingText): boolean {
  return text !== undefined || problem !== undefined;
}

/** Why a text cannot be used as a path: it depends on something that this server does not know or should not depend on. */
export type PathObstacle = "no-home" | "placeholder" | "relative";

/**
 * The absolute path that a text means, which may begin with `~`, `$HOME` or `${HOME}`. On Windows a path without its drive
 * or share counts as relative.
 */
export function absolutePath(text: string, paths: PlatformPath = path): { path: string } | { obstacle: PathObstacle } {
  if (PLACEHOLDER.test(text)) return { obstacle: "placeholder" };
  const whole = withHomeFolder(text, paths);
  if (whole === undefined) return { obstacle: "no-home" };
  const { root } = paths.parse(whole);
  if (!paths.isAbsolute(whole) || (paths.sep === "\\" && root.length === 1)) return { obstacle: "relative" };
  return { path: paths.resolve(whole) };
}

/** MCP clients do not expand `~` and `${HOME}`. Undefined if this user has no home folder, as in a container. */
function withHomeFolder(text: string, { sep, isAbsolute }: PlatformPath): string | undefined {
  const [beginning] = /^(~|\$\{HOME\}|\$HOME)(?=$|[/\\])/.exec(text) ?? [];
  const rest = text.slice(beginning?.length);
  if (beginning === undefined || (sep === "/" && rest.startsWith("\\"))) return text;
  try {
    const home = homedir();
    return isAbsolute(home) ? home + rest : undefined;
  } catch {
    return undefined; // The user has no name and no HOME; the caller reports that.
  }
}

/**
 * A client secret of Atlas, a JSON Web Token (RFC 7519), a UUID (the form of an Atlas private key), or a password between a user
 * name and a host.
 */
const SECRET_FORM = /mdb_sa_sk|eyJ[\w-]{8}|[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|:[^\s\\/:@]*@/i;

/** At least one folder and another name, so that a secret that happens to begin with a slash is no path. */
const PATH = /^(?:~|[a-z]:|[\\/][^\\/]*)[\\/]/i;

const MIN_LONG_WORD_CHARACTERS = 16;
/** An id of Atlas, a number, or letters that are all small, all capitals, or capitals only where a part of the word begins. */
const PLAIN_WORD =
  /^(?=.{1,64}$)(?:[\da-f]{24}|[\dA-F]{24}|[\d\W_]+|[a-z\W_]+|[A-Z\W_]+|[A-Z]?[a-z]+(?:[\W_]+[A-Z]?[a-z]+|[A-Z][a-z]+)*)$/;

/**
 * Whether a message may quote what was written for a setting, since somebody may have pasted a secret into the wrong place. Texts
 * in the form of a secret are never quoted. In any text but an absolute path, neither is a word of sixteen characters or more that
 * mixes letters with digits, or small letters with capitals in the middle of a part of the word.
 */
export function mayBeQuoted(text: string): boolean {
  if (SECRET_FORM.test(text)) return false;
  const words = PATH.test(text) ? [] : text.split(/[\s,.:\\/${}%()]+/);
  return words.every((word) => word.length < MIN_LONG_WORD_CHARACTERS || PLAIN_WORD.test(word));
}

/** The text as `show` shows it, or the words that stand for a text that may not be quoted. */
export function shownOr(
  instead: string,
  text: string,
  show: (text: string) => string = (shown) => clean(shown),
): string {
  return mayBeQuoted(text) ? show(text) : instead;
}
