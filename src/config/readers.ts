// How the text of a setting is read: switches, words, ids, folders, hosts, sizes.
import { homedir } from "node:os";
import { resolve } from "node:path";
import { isAtlasId } from "../core/atlas-id.ts";
import { clean, nearest } from "../core/text.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting as it was given, and the way to complain about it. */
export interface Given {
  /** Without blanks around it; undefined when the setting is not set. */
  text: string | undefined;
  /** Every tool of this server. */
  toolNames: readonly string[];
  /** Reports that the setting cannot be used. The sentence begins with the setting's name, `predicate` is the rest of it. */
  problem: (predicate: string) => void;
  /** Reports a doubt in the same way. */
  warning: (predicate: string) => void;
}

/** What several settings are read from together, and where their problems and warnings go. */
export interface GroupGiven {
  env: Environment;
  problems: string[];
  warnings: string[];
}

/** Enough of an unknown word to recognise it. */
const MAX_WORD_CHARACTERS = 64;

const HOST_SUFFIX = /^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** The same units as in the simulator's orders. */
const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
/** The largest file that this server saves. */
const MAX_BYTES = 64 * 1024 ** 3;

export function settingOf(env: Environment, name: string): string | undefined {
  return setOrNot(env[name]);
}

/** Blank settings, and placeholders that a desktop host left unfilled, count as unset. */
export function setOrNot(text: string | undefined): string | undefined {
  const value = text?.trim();
  return value === undefined || value === "" || /^\$\{user_config\.[^}]*\}$/.test(value) ? undefined : value;
}

/** An unknown word counts as on: every switch is on the safe side when it is on. */
export function flag({ text, warning }: Given): boolean {
  const word = text?.toLowerCase();
  if (word === undefined || ["false", "0", "no", "off"].includes(word)) return false;
  if (!["true", "1", "yes", "on"].includes(word)) warning("must be true or false; it counts as true.");
  return true;
}

export function wordOf<const Words extends readonly string[]>(words: Words, fallback: Words[number]) {
  return ({ text, problem }: Given): Words[number] => {
    const found = words.find((word) => word === text?.toLowerCase());
    if (text !== undefined && !found) problem(`must be one of ${words.join(", ")}.`);
    return found ?? fallback;
  };
}

/** Undefined when every tool is meant. */
export function tools({ text, toolNames, problem }: Given): readonly string[] | undefined {
  const names = listOf(text);
  const unknown = names?.filter((name) => !toolNames.includes(name)) ?? [];
  const described = unknown.map((name) => {
    const meant = nearest(name, toolNames);
    return `${JSON.stringify(clean(name, MAX_WORD_CHARACTERS))}${meant ? ` (did you mean ${meant}?)` : ""}`;
  });
  if (unknown.length > 0) problem(`names ${described.join(", ")}: unknown. Known: ${toolNames.join(", ")}.`);
  if (names?.length === 0) problem("names no tool.");
  const known = names?.filter((name) => toolNames.includes(name));
  // Without any tool the server could not even say what is wrong.
  return known?.length === 0 ? undefined : known;
}

export function projectId({ text, problem }: Given): string | undefined {
  if (text === undefined || isAtlasId(text)) return text;
  problem("must be 24 characters, 0 to 9 and a to f.");
  return undefined;
}

/** Undefined when every project is allowed. */
export function projectIds({ text, problem }: Given): readonly string[] | undefined {
  const ids = listOf(text);
  // Quotes an entry only if it looks like a mistyped id: it may be a secret in the wrong place.
  const wrong = (ids ?? []).flatMap((id, index) => {
    if (isAtlasId(id)) return [];
    return [/^[A-Za-z0-9]{1,32}$/.test(id) ? JSON.stringify(id) : `entry ${index + 1}`];
  });
  if (ids && (ids.length === 0 || wrong.length > 0))
    problem(
      `must be project ids of 24 characters, 0 to 9 and a to f, separated by commas; wrong: ${wrong.join(", ") || "the list is empty"}.`,
    );
  return ids?.filter(isAtlasId);
}

/** An absolute path. */
export function folderOr(fallback: string) {
  return ({ text = fallback, problem }: Given): string => {
    const path = withHomeFolder(text);
    if (path === undefined) {
      problem("must name a folder: this user has no home folder to use.");
      return resolve("/", text.replace(/^[^/\\]*/, "."));
    }
    if (/\$\{[^}]*\}|^~/.test(path)) problem(`holds a placeholder that nobody has filled in: ${clean(path)}.`);
    return resolve(path);
  };
}

/** MCP clients do not expand `~` and `${HOME}`. */
const HOME = /^(~|\$\{HOME\}|\$HOME)(?=$|[/\\])/;

/** The path with the home folder in place of its abbreviation; undefined when this user has none, as in a container. */
export function withHomeFolder(path: string): string | undefined {
  try {
    return path.replace(HOME, () => homedir());
  } catch {
    return undefined; // The user has no name and no HOME; the caller reports that.
  }
}

export function hostSuffixes({ text, problem }: Given): readonly string[] {
  const hosts = (listOf(text) ?? []).map((host) => host.toLowerCase());
  if (!hosts.every((host) => HOST_SUFFIX.test(host)))
    problem("must be host names or suffixes such as files.example.com, separated by commas, without scheme or port.");
  return hosts;
}

/** A number of bytes up to 64 GiB, such as `64MiB`. */
export function bytesOr(fallback: number) {
  return ({ text, problem }: Given): number => {
    if (text === undefined) return fallback;
    const [, digits, unit = ""] = /^(\d{1,15})\s*(KiB|MiB|GiB)?$/.exec(text) ?? [];
    const value = Number(digits) * (UNIT_BYTES[unit] ?? 1);
    if (value <= MAX_BYTES) return value;
    problem("must be a whole number, optionally followed by KiB, MiB or GiB, and at most 64 GiB.");
    return fallback;
  };
}

export const textOr =
  (fallback: string) =>
  ({ text = fallback }: Given): string =>
    text;

function listOf(text: string | undefined): string[] | undefined {
  return text
    ?.split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
