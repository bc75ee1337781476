import { parseArgs } from "node:util";
import { nearest } from "../core/text.ts";
import type { Options } from "./config.ts";

const COMMANDS = ["check", "simulator"] as const;
type Command = "server" | (typeof COMMANDS)[number];

interface OptionSpec {
  type: "boolean" | "string";
  short?: string;
  /** Placeholder of the value in the help text. */
  value?: string;
  does: string;
  /** The commands that take it; all when absent. */
  only?: Command;
}

/** In the order of the help text. */
export const OPTIONS: Readonly<Record<string, OptionSpec>> = {
  simulate: { type: "boolean", does: "use the embedded simulator instead of Atlas; credentials are ignored" },
  "read-only": { type: "boolean", does: "register only tools that read, and hide links" },
  tools: { type: "string", value: "a,b", does: "register only these tools" },
  "download-dir": { type: "string", value: "DIR", does: "where snapshots are saved (default ~/atlas-flex-snapshots)" },
  "hide-snapshot-urls": { type: "boolean", does: "show the host of download links, never the links" },
  "log-level": { type: "string", value: "LEVEL", does: "trace, debug, info (default), warn, error, fatal or silent" },
  json: { type: "boolean", does: "answer as JSON", only: "check" },
  port: { type: "string", value: "N", does: "listen there (default: any free port)", only: "simulator" },
  help: { type: "boolean", short: "h", does: "print this text" },
  version: { type: "boolean", short: "v", does: "print the version" },
};

export type CommandLine = { command: Command; options: Options } | { usageError: string };

/** Reads the arguments after the program's name. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(OPTIONS).map(([name, { type, short }]) => [name, { type, ...(short ? { short } : {}) }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const [word, ...extra] = positionals;
  const command = word === undefined ? "server" : COMMANDS.find((known) => known === word);
  if (!command) return { usageError: unknown("command", word ?? "", COMMANDS) };
  if (extra[0] !== undefined)
    return { usageError: `${JSON.stringify(extra[0])} is one word too many behind ${command}. See --help.` };

  const options: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(OPTIONS, token.name) ? OPTIONS[token.name] : undefined;
    if (spec?.only && spec.only !== command)
      return { usageError: `--${token.name} belongs to the command ${spec.only}. See --help.` };
    if (!spec)
      return {
        usageError: unknown(
          "option",
          token.rawName,
          Object.keys(OPTIONS).map((name) => `--${name}`),
        ),
      };
    if (spec.type === "boolean" && token.value !== undefined) return { usageError: `--${token.name} takes no value.` };
    if (
      spec.type === "string" &&
      (token.value === undefined || token.value.trim() === "" || (!token.inlineValue && token.value.startsWith("-")))
    )
      return { usageError: `--${token.name} needs a value: --${token.name} ${spec.value}.` };
    options[token.name] = token.value ?? true;
  }
  return { command, options };
}

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  return `Unknown ${what} ${JSON.stringify(word)}${meant ? `; did you mean ${meant}?` : "."} See --help.`;
}

export function helpText(version: string): string {
  const rows = Object.entries(OPTIONS).map(([name, { value, does, only }]) => {
    const left = `  --${name}${value ? ` ${value}` : ""}`;
    return `${left.padEnd(26)}${does}${only ? ` (${only} only)` : ""}`;
  });
  return `atlas-flex-snapshots-mcp ${version}
An MCP server on stdio that saves MongoDB Atlas Flex cluster snapshots.

Usage:
  atlas-flex-snapshots-mcp [options]             serve an MCP client on standard input and output
  atlas-flex-snapshots-mcp check [options]       try the configuration and say what to do about each problem
  atlas-flex-snapshots-mcp simulator [--port N]  run the simulator alone and print the environment to use with it

In a clone, write node dist/atlas-flex-snapshots-mcp.js for the first word.

Options:
${rows.join("\n")}

Credentials come from the environment: MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET (service account),
or MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY (API key), or MONGODB_ATLAS_ACCESS_TOKEN.
Each secret may come from a file instead: MONGODB_ATLAS_CLIENT_SECRET_FILE and so on. docs/setup.md tells where to get them.
`;
}
