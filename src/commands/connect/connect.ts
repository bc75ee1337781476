// The command `connect`: prints what to run or paste so that an MCP client starts this installation. It writes to no file.
import { homedir } from "node:os";
import path from "node:path";
import { parseConfig } from "../../config/parse.ts";
import { absolutePath, shownOr } from "../../config/setting-text.ts";
import { createRedactor } from "../../core/redact.ts";
import { nearest, quoted } from "../../core/text.ts";
import { CATALOG } from "../../tools/catalog.ts";
import { type Configured, indented, lookOf, written } from "../terminal.ts";
import { CLIENTS, type Client } from "./clients.ts";
import { earlierIn } from "./earlier.ts";
import { isCredential, type Start, startFor, whyUnreadable } from "./start.ts";

/** What to run or paste goes to standard output, what to know to standard error. Resolves to the exit code. */
export async function connect(input: Configured & { client?: string | undefined }): Promise<number> {
  const { stdout, stderr } = process;
  // A reader that has gone must not change the exit code.
  for (const stream of [stdout, stderr]) stream.on("error", () => undefined);
  const { config, env, client: word } = input;
  const { columns } = lookOf(stderr, env);
  const { scrub } = createRedactor(config.secrets);
  const say = (text: string) => written(stderr, scrub(text));

  if (word === undefined) {
    await written(stdout, `What to run or paste, for one of these clients:\n\n${listOfClients()}`);
    return 0;
  }
  const client = clientNamed(word);
  if (!client) {
    await say(`${unknownClient(word)}\n\n${listOfClients()}`);
    return 2;
  }
  const problems = problemsOf(input);
  if (problems.length > 0) {
    await say(`With these settings, every call would fail:\n${problems.join("\n")}\n`);
    return 2;
  }
  const { heading, text, notes } = answerFor(client, input);
  await say(`${indented(heading, 0, columns)}\n\n`);
  await written(stdout, scrub(`${text}\n`));
  await say(`\n${notes.map((note) => `- ${indented(note.replaceAll("`", ""), 2, columns).trimStart()}\n`).join("")}`);
  return 0;
}

function listOfClients(): string {
  const width = Math.max(...Object.keys(CLIENTS).map((name) => name.length));
  return Object.entries(CLIENTS)
    .map(([name, { title }]) => `  connect ${name.padEnd(width)}  ${title}\n`)
    .join("");
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

function unknownClient(word: string): string {
  const meant = NAMES.get(nearest(normalized(word), [...NAMES.keys()]) ?? "");
  const shown = shownOr("that is not shown, since it may be a secret", word, quoted);
  return `Unknown client ${shown}${meant ? `; did you mean ${meant}?` : "."} For a client that is not listed: connect generic.`;
}

/** What is wrong with the options and variables, credentials aside: those may be incomplete here. */
function problemsOf({ options, env }: Configured): readonly string[] {
  const others = Object.fromEntries(Object.entries(env).filter(([name]) => !isCredential(name)));
  return parseConfig({ options, env: others, toolNames: CATALOG.map(({ name }) => name) }).problems;
}

interface Answer {
  /** What to do with the text. */
  heading: string;
  text: string;
  notes: string[];
}

function answerFor(client: Client, { config, env, options }: Configured): Answer {
  const { platform } = process;
  const { home, problem } = homeFolder();
  const { start, todo } = startFor({ options, env, config, home });
  const [file = ""] = start.args;
  const place = { home: home ?? "~", platform, env };
  const earlier = home === undefined ? { notes: [] } : earlierIn(client, place, file);
  const { language, text } = client.print(start, platform);
  const [target] = client.files(place);
  const notes = [
    ...(problem ? [problem] : []),
    ...earlier.notes,
    ...(file.includes(`${path.sep}_npx${path.sep}`)
      ? ["This copy is in the cache of npx, which npm may empty. Install the package instead (docs/setup.md)."]
      : []),
    ...todo,
    ...(text.includes("${input:")
      ? [`${client.title} asks for the secret when it starts the server, and keeps it.`]
      : secretNotes(start)),
    ...client.first,
    `More about ${client.title}: docs/clients.md`,
  ];
  return {
    heading:
      language === "json"
        ? `${client.title}: put this into ${target ?? "the client's configuration"}. ${client.paste ?? ""}`
        : `${client.title}: run this in ${language === "powershell" ? "PowerShell" : "a terminal"}.`,
    text: [earlier.removal, text].filter(Boolean).join("\n"),
    notes,
  };
}

/** The home folder, or why there is none that clients could use. */
function homeFolder(): { home?: string; problem?: string } {
  const advice = "Clients keep their configuration there: set HOME to a folder of yours.";
  try {
    const home = homedir();
    const why = path.isAbsolute(home) ? whyUnreadable(home) : "not an absolute path";
    return why === undefined
      ? { home }
      : { home, problem: `Your home folder ${home} cannot be read (${why}). ${advice}` };
  } catch {
    return { problem: `Your home folder is not known. ${advice}` }; // The user has no name and no HOME.
  }
}

function secretNotes({ secret }: Start): string[] {
  if (!secret) return [];
  const whole = absolutePath(secret.file);
  const why = "path" in whole ? whyUnreadable(whole.path) : "not an absolute path";
  if (why === undefined) return [];
  return [`${secret.file} cannot be read (${why}). Write the secret into it first: docs/setup.md has a line for that.`];
}
