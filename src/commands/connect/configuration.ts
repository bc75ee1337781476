// Reads a client's configuration: JSON with or without comments, or TOML, and what it says of one server.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { parse as parseToml } from "smol-toml";
import { codeOf, hasCode } from "../../core/errors.ts";

const BUILT_NAME = /(?:^|[/\\])atlas-flex-snapshots-mcp(?:\.js)?$/;

/** A server as a client has it. */
export interface Entry {
  /** The built file that it starts, if it starts one by an absolute path. */
  file?: string;
  /** Whether this server is what it starts, by whatever path. */
  isOurs: boolean;
  /** Options and variables of the server, with what the client calls its own. Options have their dashes. */
  names: readonly string[];
}

/** Claude Code keeps its history in the same file; the largest that were seen had a few megabytes. */
const MAX_BYTES = 16 * 1024 ** 2;

/** The whole configuration, undefined if there is none yet; or why it is not known, to follow the file's name. */
export function readConfiguration(file: string): { content: unknown } | { flaw: string } {
  let text: string;
  let descriptor: number | undefined;
  try {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer for ever.
    descriptor = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { flaw: "is not a regular file" };
    if (stat.size > MAX_BYTES) return { flaw: "is larger than 16 MiB" };
    text = readFileSync(descriptor, "utf8").replace(/^\ufeff/, "");
  } catch (error) {
    // Not there, or in no folder: the client has no configuration yet.
    if (hasCode(error, "ENOENT", "ENOTDIR")) return { content: undefined };
    return { flaw: `cannot be read (${codeOf(error) ?? "unknown"})` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  const isToml = file.endsWith(".toml");
  try {
    if (text.trim() === "") return { content: undefined };
    return { content: isToml ? parseToml(text) : JSON.parse(withoutComments(text)) };
  } catch {
    return { flaw: `is not valid ${isToml ? "TOML" : "JSON"}` }; // The message would quote the file.
  }
}

/** A string to its end, or to that of the text: matching must not start again within it. */
const STRING = String.raw`"(?:[^"\\]|\\[^])*(?:"|\\?$)`;
const COMMENT = new RegExp(String.raw`(${STRING})|//[^\n]*|/\*[^]*?(?:\*/|$)`, "g");
const LAST_COMMA = new RegExp(String.raw`(${STRING})|,(?=\s*[}\]])`, "g");

/** JSON as editors allow it: comments, and a comma after the last item. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT, (_, string = "") => string).replace(LAST_COMMA, (_, string = "") => string);
}

type Table = Readonly<Record<string, unknown>>;
const isTable = (value: unknown): value is Table => typeof value === "object" && value !== null;
const tableAt = (value: unknown, key: string): Table => {
  const inner = isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isTable(inner) ? inner : {};
};

/** The servers under a key of a configuration, by the names that the client has for them. */
export function serversIn(content: unknown, key: string): ReadonlyMap<string, Entry> {
  return new Map(Object.entries(tableAt(content, key)).flatMap(([name, value]) => entryOf(name, value)));
}

/** The tables under a key, such as the folders that have servers of their own. */
export const tablesIn = (content: unknown, key: string): [string, unknown][] => Object.entries(tableAt(content, key));

const strings = (value: unknown): string[] => [value].flat().filter((word) => typeof word === "string");

/** What every client writes for a server, whoever adds it. */
const USUAL = new Set(["args", "command", "enabled", "env", "environment", "name", "type"]);

function entryOf(name: string, value: unknown): [string, Entry][] {
  if (!isTable(value)) return [];
  const words = [...strings(value.command), ...strings(value.args)];
  const ours = words.findIndex((word) => BUILT_NAME.test(word));
  const file = words[ours];
  const options = words.slice(ours + 1).flatMap((word) => /^--[a-z-]+(?==|$)/.exec(word)?.[0] ?? []);
  const variables = [value.env, value.environment].flatMap((env) => (isTable(env) ? Object.keys(env) : []));
  const own = Object.keys(value).filter((key) => !USUAL.has(key) && !isEvery(value[key]));
  const path = file !== undefined && isAbsolute(file) ? { file } : {};
  return [[name, { ...path, isOurs: file !== undefined, names: [...options, ...variables, ...own] }]];
}

/** Copilot CLI writes the star for every tool by itself. */
const isEvery = (value: unknown) => Array.isArray(value) && value.length === 1 && value[0] === "*";
