// Parses the command line and writes the help text.
import { parseArgs } from "node:util";
import { nearest, quoted, wrapWords } from "../core/text.ts";
import { shownOr, unwrapped } from "./setting-text.ts";
import type { Options } from "./types.ts";
import { OPTION_SETTINGS } from "./variables.ts";

/** The commands, in the order of the help text. `server` is the default, and cannot be named on the command line. */
const COMMANDS = {
  server: { takes: "[options]", does: "serve an MCP client on standard input and output" },
  check: { takes: "[options]", does: "try the configuration and say what to do about each problem" },
  save: { takes: "CLUSTER… | --all [options]", does: "save the newest backup of each cluster to a verified file" },
  status: { takes: "[options]", does: "say how old the newest backups are, in Atlas and here, and what is wrong" },
  connect: { takes: "[CLIENT] [options]", does: "print what to run or paste so that an MCP client starts this server" },
  simulator: { takes: "[--port N]", does: "run the simulator alone and print the environment to use with it" },
} as const;
type Command = keyof typeof COMMANDS;
const isCommand = (word: string): word is Command => Object.hasOwn(COMMANDS, word) && word !== "server";

interface OptionSpec {
  /** Stands for the value in the help text; an option without one is a switch. */
  value?: string;
  short?: string;
  does: string;
  /** The only commands that take the option; every command does when absent. */
  only?: readonly Command[];
  /** May be given several times; its value is a list with commas then. */
  repeatable?: true;
}

const OTHER_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  all: { does: "Save every Flex cluster that the credentials reach.", only: ["save"] },
  project: { value: "ID", does: "Look for the clusters in this project only.", only: ["save"] },
  snapshot: { value: "ID", does: "Save this backup in place of the newest; of one cluster.", only: ["save"] },
  keep: {
    value: "N",
    does: "After a save, delete the older saved files of the cluster except the newest N, this one included.",
    only: ["save"],
  },
  "keep-unprotected": {
    does: "With --keep: delete also where other users may have put files into the folder.",
    only: ["save"],
  },
  report: {
    value: "FILE",
    does: "Write what Atlas and its file host did, without ids, names and links, for a report to this project.",
    only: ["save"],
  },
  "max-age": {
    value: "SPAN",
    does: "The oldest that the newest backup in Atlas may be, such as 26h (default) or 2d.",
    only: ["status"],
  },
  "max-saved-age": {
    value: "SPAN",
    does: "The oldest that the backup in the newest saved file may be. Default: any age, and the file may be missing.",
    only: ["status"],
  },
  cluster: { value: "NAME", does: "Only this cluster; may be repeated.", only: ["status"], repeatable: true },
  ignore: { value: "NAME", does: "Not this cluster; may be repeated.", only: ["status"], repeatable: true },
  json: { does: "Answer as JSON.", only: ["check", "save", "status"] },
  port: { value: "N", does: "Listen there. Default: any free port.", only: ["simulator"] },
  help: { short: "h", does: "Print this text." },
  version: { short: "v", does: "Print the version." },
};

/** In the order of the help text: first the options that override a variable. */
export const OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...Object.fromEntries(OPTION_SETTINGS.map(({ option, ...setting }) => [option, setting])),
  ...OTHER_OPTIONS,
};

export type CommandLine =
  | { command: Command; options: Options; clusters: readonly string[]; client?: string }
  | { usageError: string };

/** How many words may follow a command; a name of several words needs quotes. */
const MAX_WORDS: Partial<Record<Command, number>> = { save: Number.POSITIVE_INFINITY, connect: 1 };

/** Reads the arguments after the program's name. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(OPTIONS).map(([name, { value, short }]) => [
        name,
        { type: value === undefined ? "boolean" : "string", ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  // First of all: the value after an unknown option would otherwise be read as a command.
  const stranger = tokens.find((token) => token.kind === "option" && !Object.hasOwn(OPTIONS, token.name));
  if (stranger?.kind === "option")
    return {
      usageError: unknown(
        "option",
        stranger.rawName,
        Object.keys(OPTIONS).map((name) => `--${name}`),
      ),
    };

  const [word, ...extra] = positionals;
  if (word !== undefined && !isCommand(word))
    return { usageError: unknown("command", word, Object.keys(COMMANDS).filter(isCommand)) };
  const command = word ?? "server";
  const surplus = extra[MAX_WORDS[command] ?? 0];
  if (surplus !== undefined)
    return { usageError: `${shownOr("The last", surplus, quoted)} is one word too many after ${command}. See --help.` };

  const options: Record<string, string | true> = {};
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const spec = OPTIONS[token.name];
    if (!spec) continue;
    if (spec.only?.includes(command) === false)
      return {
        usageError: `--${token.name} belongs to the command${spec.only.length > 1 ? "s" : ""} ${spec.only.join(", ")}. See --help.`,
      };
    if (spec.value === undefined && token.value !== undefined) return { usageError: `--${token.name} takes no value.` };
    if (
      spec.value !== undefined &&
      (token.value === undefined ||
        unwrapped(token.value) === "" ||
        (!token.inlineValue && token.value.startsWith("-")))
    )
      return { usageError: `--${token.name} needs a value: --${token.name} ${spec.value}.` };
    const earlier = spec.repeatable ? options[token.name] : undefined;
    options[token.name] = earlier === undefined ? (token.value ?? true) : `${earlier},${token.value}`;
  }
  if (command !== "connect") return { command, options, clusters: extra };
  const [client] = extra;
  return { command, options, clusters: [], ...(client === undefined ? {} : { client }) };
}

function unknown(what: string, word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  const shown = shownOr("that is not shown, since it may be a secret", word, quoted);
  return `Unknown ${what} ${shown}${meant ? `; did you mean ${meant}?` : "."} See --help.`;
}

/** Where the descriptions begin, and where their lines end on a terminal that is wide enough or that is none. */
const HELP_INDENT = 26;
const HELP_WIDTH = 110;

const EXIT_CODES: Partial<Record<Command, string>> = {
  check: "Exit code: 0 if nothing failed, otherwise 1.",
  save: "Exit code: 0 if all is saved and sound, 1 if something failed for good, 75 if another try may help, 2 for wrong usage.",
  status: "Exit code: 0 if every backup is recent enough, otherwise 1; 2 for wrong usage.",
  connect:
    "Without CLIENT it lists the clients. Options and variables are passed on, secrets are not. Exit code: 0, or 2 for wrong usage.",
};

/** For the server every command and option, for a command its own. */
export function helpText(version: string, command: Command, columns = HELP_WIDTH): string {
  const width = Math.max(HELP_INDENT + 20, Math.min(HELP_WIDTH, columns - 1));
  const isWhole = command === "server";
  const text = (sentences: string) => wrapWords(sentences, width).join("\n");
  const beside = (left: string, text: string) =>
    left.padEnd(HELP_INDENT) + wrapWords(text, width - HELP_INDENT).join(`\n${" ".repeat(HELP_INDENT)}`);
  const rows = Object.entries(OPTIONS)
    .filter(([, { only }]) => isWhole || (only?.includes(command) ?? true))
    .map(([name, { value, does, only }]) => {
      const whose = only && isWhole ? ` (${only.join(", ")} only)` : "";
      return beside(`  --${name}${value ? ` ${value}` : ""}`, `${does.replaceAll("`", "")}${whose}`);
    });
  const usage = Object.entries(COMMANDS)
    .filter(([name]) => isWhole || name === command)
    .map(([name, { takes, does }]) => {
      const words = ["  atlas-flex-snapshots-mcp", ...(isCommand(name) ? [name] : []), takes];
      return `${words.join(" ")}\n${" ".repeat(4)}${wrapWords(does, width - 4).join("\n    ")}`;
    });
  const paragraphs = [
    `atlas-flex-snapshots-mcp ${version}\n${text("An MCP server on stdio that saves MongoDB Atlas Flex cluster snapshots.")}`,
    `Usage:\n${usage.join("\n")}`,
    text('In a clone, write "node dist/atlas-flex-snapshots-mcp.js" instead of "atlas-flex-snapshots-mcp".'),
    `Options:\n${rows.join("\n")}`,
    ...(EXIT_CODES[command] ? [text(EXIT_CODES[command])] : []),
    ...(isWhole ? ["For one command alone: save --help, for example."] : []),
    text(CREDENTIALS),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

const CREDENTIALS =
  "Credentials come from the environment: MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET (service account), or MONGODB_ATLAS_PUBLIC_API_KEY and MONGODB_ATLAS_PRIVATE_API_KEY (API key), or MONGODB_ATLAS_ACCESS_TOKEN. A secret can be read from a file instead: set MONGODB_ATLAS_CLIENT_SECRET_FILE and so on. docs/setup.md says how to get credentials.";
