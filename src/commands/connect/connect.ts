// The command `connect`: prints what to run or paste so that an MCP client starts this installation. It writes to no file.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { parseConfig } from "../../config/parse.ts";
import { shownOr } from "../../config/setting-text.ts";
import { hasCode } from "../../core/errors.ts";
import { nearest, quoted, shellQuote } from "../../core/text.ts";
import { CATALOG } from "../../tools/catalog.ts";
import { type Configured, indented, lookOf, written } from "../terminal.ts";
import { CLIENTS, type Client } from "./clients.ts";
import { earlierIn } from "./earlier.ts";
import { isTooHardToQuote } from "./forms.ts";
import { type Printable, printableFor } from "./printable.ts";
import { isCredential, notesOnSecret, type Prepared, startFor } from "./start.ts";

/**
 * What to run or paste goes to standard output, what to know to standard error. Resolves to the exit code. No text is cleaned as a
 * whole, which would change our own words and the lines to run: what comes from elsewhere is judged before it gets into one.
 */
export async function connect(input: Configured & { client?: string | undefined }): Promise<number> {
  const { stdout, stderr } = process;
  let isLost = false;
  stdout.on("error", (error) => {
    // A reader that has gone has what it wanted. A full disk has not.
    isLost ||= !hasCode(error, "EPIPE");
  });
  stderr.on("error", () => undefined);
  const { config, env, client: word } = input;
  const { columns } = lookOf(stderr, env);
  const say = (text: string) => written(stderr, text);
  const print = async (text: string) => {
    await written(stdout, text);
    return isLost ? 1 : 0;
  };
  const printable = printableFor(config.secrets);
  const { home, problem } = homeFolder(printable);
  const prepared = startFor({ ...input, home, printable });

  if (word === undefined)
    return print(`What to run or paste, for one of these clients:\n\n${listOfClients()}${exampleOf(prepared)}`);
  const client = clientNamed(word);
  if (!client) {
    await say(`${unknownClient(word, printable)}\n\n${listOfClients()}`);
    return 2;
  }
  const problems = [...problemsOf(input), ...prepared.problems];
  if (problems.length > 0) {
    await say(`Nothing is printed, since the server would not work as these settings say:\n${problems.join("\n")}\n`);
    return 2;
  }
  const answer = answerFor(client, { ...input, home, printable, prepared });
  if ("refusal" in answer) {
    await say(`${answer.refusal}\n`);
    return 2;
  }
  const { heading, text, notes } = answer;
  const isDesktopMeant = client === CLIENTS["claude-code"] && normalized(word) === "claude";
  const all = [
    ...(problem ? [problem] : []),
    ...notes,
    ...(isDesktopMeant ? ["For the desktop application: connect claude-desktop."] : []),
    ...moreAbout(client, prepared),
  ];
  await say(`${indented(heading, 0, columns)}\n\n`);
  const code = await print(`${text}\n`);
  // Where the text goes elsewhere, the line above it is empty already.
  await say(
    `${stdout.isTTY ? "\n" : ""}${all.map((note) => `- ${indented(note, 2, columns).trimStart()}\n`).join("")}`,
  );
  return code;
}

function listOfClients(): string {
  const width = Math.max(...Object.keys(CLIENTS).map((name) => name.length));
  return Object.entries(CLIENTS)
    .map(([name, { title }]) => `  connect ${name.padEnd(width)}  ${title}\n`)
    .join("");
}

/** A whole line for one of them; none if this installation cannot be printed. */
function exampleOf({ start, problems }: Prepared): string {
  if (problems.length > 0) return "";
  const [file = ""] = start.args;
  return `\nFor example:\n\n  node ${shellQuote(file, process.platform)} connect claude-code --simulate\n`;
}

/** Case, blanks and underscores do not count. */
const normalized = (word: string) =>
  word
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-");

const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries(CLIENTS).flatMap(([name, { aliases }]) => [name, ...aliases].map((known) => [known, name])),
);

function clientNamed(word: string): Client | undefined {
  return CLIENTS[NAMES.get(normalized(word)) ?? ""];
}

function unknownClient(word: string, { isOpen }: Printable): string {
  const meant = NAMES.get(nearest(normalized(word), [...NAMES.keys()]) ?? "");
  const unshown = "that is not shown, since it may be a secret";
  const shown = isOpen(word) ? shownOr(unshown, word, quoted) : unshown;
  return `Unknown client ${shown}${meant ? `; did you mean ${meant}?` : "."} For a client that is not listed: connect generic.`;
}

/** What is wrong with the options and variables, credentials aside: those may be incomplete here. */
function problemsOf({ options, env }: Configured): readonly string[] {
  const others = Object.fromEntries(Object.entries(env).filter(([name]) => !isCredential(name)));
  return parseConfig({ options, env: others, toolNames: CATALOG.map(({ name }) => name) }).problems;
}

/** What to do with the text, the text, and what to know beyond; or why the client cannot be told so. */
type Answer = { heading: string; text: string; notes: string[] } | { refusal: string };

function answerFor(client: Client, { config, env, home, printable, prepared }: Configured & Known): Answer {
  const { platform } = process;
  const { start, todo } = prepared;
  const [file = ""] = start.args;
  const place = { home: home ?? "~", platform, env, folder: currentFolder() };
  const { language, text } = client.print(start, platform);
  if (language === "powershell" && isTooHardToQuote(start)) return { refusal: UNQUOTED };
  const earlier = home === undefined ? { notes: [] } : earlierIn({ client, place, start, printable });
  const target = client.files(place).find(printable.isOpenPath) ?? "the client's configuration";
  const isAsking = text.includes("${input:");
  const notes = [
    ...config.warnings,
    ...earlier.notes,
    ...(file.includes(`${path.sep}_npx${path.sep}`)
      ? ["This copy is in the cache of npx, which npm may empty. Install the package instead (docs/setup.md)."]
      : []),
    ...todo,
    ...(isAsking
      ? [`${client.title} asks for the secret when it starts the server, and keeps it.`]
      : notesOnSecret(start, env)),
    ...client.first.map((note) => note.replaceAll("`", "")),
    ...(start.secret ? ["No client tries the credentials when it connects; the command check does."] : []),
  ];
  if (language === "json")
    return { heading: `${client.title}: put this into ${target}. ${client.paste ?? KEEP}`, text, notes };
  return {
    heading: `${client.title}: run this in ${language === "powershell" ? "PowerShell" : "a terminal"}.`,
    text: [earlier.removal, text].filter(Boolean).join("\n"),
    notes,
  };
}

interface Known {
  home: string | undefined;
  printable: Printable;
  prepared: Prepared;
}

const KEEP = "If the file has mcpServers, add only the entry to it.";
const UNQUOTED =
  'A path or a value holds one of the characters " & | < > ^ %, which PowerShell and batch files change on the way to a client. The command connect generic prints JSON, which keeps them.';

/** Undefined if it was removed. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined; // Then it holds no configuration either.
  }
}

/** The home folder, or why there is none that clients could use. */
function homeFolder({ isOpenPath }: Printable): { home?: string; problem?: string } {
  const advice = "Clients keep their configuration in the home folder: set HOME to a folder of yours.";
  try {
    const home = homedir();
    const shown = isOpenPath(home) ? ` (${quoted(home)})` : "";
    if (!path.isAbsolute(home)) return { problem: `HOME is not an absolute path${shown}. ${advice}` };
    return existsSync(home) ? { home } : { home, problem: `Your home folder${shown} is not there. ${advice}` };
  } catch {
    return { problem: `Your home folder is not known. ${advice}` }; // The user has no name and no HOME.
  }
}

/** The page of all clients, in the clone or the installed package. */
function moreAbout({ title }: Client, { start }: Prepared): string[] {
  const page = path.join(path.dirname(start.args[0] ?? ""), "..", "docs", "clients.md");
  return existsSync(page) ? [`More about ${title}: ${page}`] : [];
}
