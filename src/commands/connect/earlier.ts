// Looks into a client's configuration for this server as it was added before: under which path, and whether that is still there.
import { existsSync, readFileSync } from "node:fs";
import { codeOf, hasCode } from "../../core/errors.ts";
import type { Client, Place } from "./clients.ts";
import { NAME, shellCommand } from "./forms.ts";

/** The built file in the quotes of JSON, or in the single quotes of TOML, which know no escapes. */
const BUILT_FILE = /("(?:[^"\\\n]|\\.)*atlas-flex-snapshots-mcp\.js")|'([^'\n]*atlas-flex-snapshots-mcp\.js)'/g;

export interface Earlier {
  /** What a person should know, a sentence each. */
  notes: string[];
  /** The command to run before the server can be added again. */
  removal?: string;
}

/** Reads only. `file` is this installation's. */
export function earlierIn(client: Client, place: Place, file: string): Earlier {
  const notes: string[] = [];
  let isKnown = false;
  for (const configuration of client.files(place)) {
    const read = contentOf(configuration);
    if ("why" in read) {
      notes.push(
        `${configuration} cannot be read (${read.why}), so it is not known whether this server is in it already.`,
      );
      continue;
    }
    const others = filesIn(read.text).filter((other) => other !== file);
    for (const other of others) {
      const why = existsSync(other)
        ? "which is another installation"
        : "which is not there any more: the clone was moved or deleted";
      notes.push(`${configuration} names ${other}, ${why}. What is printed here takes its place.`);
    }
    isKnown ||= holdsServer(read.text);
  }
  const removal = isKnown && client.remove ? shellCommand([client.remove], place.platform) : undefined;
  return { notes, ...(removal ? { removal } : {}) };
}

function contentOf(configuration: string): { text: string } | { why: string } {
  try {
    return { text: readFileSync(configuration, "utf8") };
  } catch (error) {
    // Not there, or in no folder: the client has no configuration yet.
    return hasCode(error, "ENOENT", "ENOTDIR") ? { text: "" } : { why: codeOf(error) ?? "unknown" };
  }
}

function filesIn(text: string): string[] {
  const found = [...text.matchAll(BUILT_FILE)].map(([, inJson, plain = ""]) =>
    inJson === undefined ? plain : unescaped(inJson),
  );
  return [...new Set(found)];
}

/** The text in quotes. TOML has a few escapes more than JSON; a text with one of them stays as it is. */
function unescaped(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted.slice(1, -1);
  }
}

/** Whether the client has the server for every folder; Claude Code keeps those of single folders in the same file. */
function holdsServer(text: string): boolean {
  let servers: unknown;
  try {
    const whole: unknown = JSON.parse(text);
    servers = typeof whole === "object" && whole !== null && "mcpServers" in whole ? whole.mcpServers : undefined;
  } catch {
    return false; // No JSON: a client that wants a removal first writes JSON, and reports itself what is broken.
  }
  return typeof servers === "object" && servers !== null && Object.hasOwn(servers, NAME);
}
