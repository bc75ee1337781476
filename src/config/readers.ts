// How the text of a setting is read: switches, words, ids, folders, hosts, sizes.
import path, { type PlatformPath } from "node:path";
import { isAtlasId } from "../core/atlas-id.ts";
import { clean, nearest, quoted } from "../core/text.ts";
import { absolutePath, mayBeQuoted, type PathObstacle, settingText, shownOr, unwrapped } from "./setting-text.ts";

/** One setting as it was given, and the way to complain about it. */
export interface Given {
  /** As `settingText` returns it; undefined when the setting is not set. */
  text: string | undefined;
  /** Every tool of this server. */
  toolNames: readonly string[];
  /** The folder from which a relative folder counts; where it is absent, a relative folder is a problem. */
  currentFolder?: string | undefined;
  /** Reports that the setting cannot be used. The sentence begins with the setting's name, `predicate` is the rest of it. */
  problem: (predicate: string) => void;
  /** Reports a doubt in the same way. */
  warning: (predicate: string) => void;
}

/** Enough of an unknown word to recognise it. */
const MAX_WORD_CHARACTERS = 64;

const HOST_SUFFIX = /^\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** The same units as in the simulator's orders. */
const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
/** The largest file that this server saves. */
const MAX_BYTES = 64 * 1024 ** 3;

/** A restriction, so an unknown word counts as on. */
export function restriction({ text, warning }: Given): boolean {
  const value = switchValue(text);
  if (value === undefined) warning("must be true or false; it counts as true.");
  return value ?? true;
}

/** A feature that is on. Whoever sets it to an unknown word means to turn it off. */
export function unlessOff({ text, warning }: Given): boolean {
  const value = text === undefined || switchValue(text);
  if (value === undefined) warning("must be true or false; it counts as false.");
  return value ?? false;
}

/**
 * Whether to simulate. No value is safe for an unknown word: with a simulator, invented files would pass for backups; without
 * one, an experiment would reach Atlas. So it is a problem.
 */
export function simulation({ text, problem }: Given): boolean {
  const value = switchValue(text);
  if (value === undefined) problem("must be true or false.");
  return value ?? false;
}

/** Undefined for an unknown word. */
function switchValue(text = "false"): boolean | undefined {
  const word = text.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  return ["false", "0", "no", "off"].includes(word) ? false : undefined;
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
  const described = (names ?? []).flatMap((name, index) => {
    if (toolNames.includes(name)) return [];
    const meant = nearest(name, toolNames);
    return `${entry(name, index)}${meant ? ` (did you mean ${meant}?)` : ""}`;
  });
  if (described.length > 0) problem(`names ${described.join(", ")}: unknown. Known: ${toolNames.join(", ")}.`);
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
  const wrong = (ids ?? []).flatMap((id, index) => (isAtlasId(id) ? [] : entry(id, index)));
  if (ids && (ids.length === 0 || wrong.length > 0))
    problem(
      `must be project ids of 24 characters, 0 to 9 and a to f, separated by commas; wrong: ${wrong.join(", ") || "the list is empty"}.`,
    );
  return ids?.filter(isAtlasId);
}

/** The folder of another user, or one on a drive of Windows: nobody can say which one is meant. */
const UNKNOWN_BEGINNING = /^(~|[a-z]:)/i;

/** An absolute path; the fallback if the setting is unusable. */
export function folderOr(fallback: string, paths: PlatformPath = path) {
  return ({ text = fallback, currentFolder, problem, warning }: Given): string => {
    const written = absolutePath(text, paths);
    const isFromHere = "obstacle" in written && written.obstacle === "relative" && !UNKNOWN_BEGINNING.test(text);
    const place = isFromHere && currentFolder !== undefined ? { path: paths.resolve(currentFolder, text) } : written;
    if ("path" in place) {
      const unfilled = text.split(/[/\\]/).find((part) => settingText(part).placeholder !== undefined);
      if (unfilled)
        warning(`contains ${shownOr("a part", unfilled)}, which looks like a placeholder and is used as it is.`);
      return place.path;
    }
    problem(whatIsWrongWith(text, place.obstacle, paths));
    const instead = absolutePath(fallback, paths);
    return "path" in instead ? instead.path : paths.resolve("atlas-flex-snapshots");
  };
}

function whatIsWrongWith(value: string, obstacle: PathObstacle, { resolve, normalize, sep }: PlatformPath): string {
  const text = clean(value);
  if (obstacle === "no-home") return "must be an absolute path, since this user has no home folder.";
  if (obstacle === "placeholder")
    return `begins with a placeholder that nobody filled in: ${shownOr("its value is not shown", value)}. Write the absolute path, or one that begins with ~/, your home folder.`;
  const rule = "must be an absolute path or begin with ~/";
  if (!mayBeQuoted(value)) return `${rule}; its value is not shown, since it may be a secret.`;
  if (UNKNOWN_BEGINNING.test(text)) return `${rule}, unlike ${text}.`;
  const inHome = normalize(text).replaceAll(sep, "/");
  const alternative = /^(\.\.)?\//.test(inHome) ? "" : `, or ~/${inHome} for a folder in your home folder`;
  // Not taken from the current folder without asking, which is often one of the MCP client's own.
  return `${rule}: instead of ${text} write ${resolve(text)}${alternative}.`;
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

/** A whole number of seconds. */
export function secondsOr(fallback: number, most: number) {
  return ({ text, problem }: Given): number => {
    if (text === undefined) return fallback;
    const seconds = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (seconds <= most) return seconds;
    problem(`must be a whole number of seconds from 0 to ${most}.`);
    return fallback;
  };
}

export const textOr =
  (fallback: string) =>
  ({ text = fallback }: Given): string =>
    text;

/** An entry of a list that is wrong, as a message names it. */
const entry = (text: string, index: number): string =>
  shownOr(`entry ${index + 1}`, text, (word) => quoted(word, MAX_WORD_CHARACTERS));

function listOf(text: string | undefined): string[] | undefined {
  return text
    ?.split(",")
    .map(unwrapped)
    .filter((item) => item !== "");
}
