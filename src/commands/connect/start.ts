// What an MCP client must start: this installation's file, its options, and its settings without any secret.
import { realpathSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isSample, isSamplePath, PAIRS, readSecretFile, TOKEN } from "../../config/credentials.ts";
import { proxyVariable } from "../../config/network.ts";
import { absolutePath, type Environment, isSet, settingOf, settingText } from "../../config/setting-text.ts";
import type { Config, Options } from "../../config/types.ts";
import { OPTION_SETTINGS, SETTINGS, VARIABLES } from "../../config/variables.ts";
import type { Printable } from "./printable.ts";

/** What every client starts, however it wants to be told. */
export interface Start {
  node: string;
  /** The built file, and the options after it. */
  args: readonly string[];
  /** The public half of the credentials, if they have one. */
  account: Readonly<Record<string, string>>;
  /** Every other setting. */
  env: Readonly<Record<string, string>>;
  /** Read from a file, or asked for by a client that can ask. Absent while simulating. */
  secret?: { variable: string; file: string; isChosen: boolean };
}

/** A client id that Atlas gave. Other texts of that length may be secrets in the wrong place. */
const CLIENT_ID = /^mdb_sa_id_[\da-f]{24}$/;
const CREDENTIALS: ReadonlySet<string> = new Set([...PAIRS.flatMap(({ id, secret }) => [id, secret]), TOKEN]);
/** Where docs/setup.md puts each kind of secret, in the home folder. */
const SECRET_FILES = {
  "service-account": ".atlas-flex-secret",
  "api-key": ".atlas-flex-private-key",
  token: ".atlas-flex-token",
};
/** A start without one of them would allow more than was asked for. */
const RESTRICTIONS: ReadonlySet<string> = new Set([
  SETTINGS.readOnly.name,
  SETTINGS.hideSnapshotUrls.name,
  SETTINGS.tools.name,
  SETTINGS.allowedProjects.name,
]);
const CERTIFICATES = "NODE_EXTRA_CA_CERTS";

/** Whether a variable holds credentials or the path of their file. */
export const isCredential = (variable: string): boolean => CREDENTIALS.has(variable.replace(/_FILE$/, ""));

interface Given {
  options: Options;
  env: Environment;
  config: Config;
  home: string | undefined;
  printable: Printable;
}

/** A start, and what was found on the way, a sentence each: what a person still has to do, and why nothing can be printed. */
export interface Prepared {
  start: Start;
  todo: string[];
  problems: string[];
}

export function startFor(given: Given): Prepared {
  const { options, env, config, printable } = given;
  const found: Pick<Prepared, "todo" | "problems"> = { todo: [], problems: [] };
  /** Whether the value can be printed; if not, says what that means. */
  const passes = (what: string, name: string | undefined, value: string): boolean => {
    if (!printable.isPlain(value)) found.problems.push(notPlain(what));
    else if (printable.isOpen(value)) return true;
    else if (name !== undefined && RESTRICTIONS.has(name)) found.problems.push(lostRestriction(what));
    else found.todo.push(`${what} may hold a secret, so it is not printed. Add it yourself.`);
    return false;
  };
  const settings: Record<string, string> = {};
  for (const { name } of VARIABLES.filter((variable) => !isCredential(variable.name))) {
    const option = OPTION_SETTINGS.find((setting) => setting.name === name)?.option;
    const spelling = spellingOf(env, name);
    const { text, placeholder } = settingOf(env, spelling);
    if (option && isGivenAs(options[option])) continue;
    // The server takes it for "true", but a client might fill in something else.
    if (placeholder !== undefined && RESTRICTIONS.has(name))
      found.problems.push(`${spelling} is still a placeholder that nobody filled in: set its value, or unset it.`);
    if (name === CERTIFICATES && text !== undefined && !path.isAbsolute(text))
      found.problems.push(
        `${spelling} must be an absolute path, since clients start the server in a folder of their own.`,
      );
    if (text !== undefined && passes(spelling, name, text)) settings[name] = text;
  }
  const words = Object.entries(options).flatMap(([option, value]) => {
    const name = OPTION_SETTINGS.find((setting) => setting.option === option)?.name;
    if (!isGivenAs(value)) return [];
    return typeof value !== "string" || passes(`--${option}`, name, value) ? wordsOf(option, value) : [];
  });
  const file = fileURLToPath(new URL("atlas-flex-snapshots-mcp.js", import.meta.url));
  const node = nodeOf(env);
  for (const [what, place] of [
    ["The path of this installation", path.dirname(file)],
    ["The path of Node.js", node],
  ] as const) {
    if (printable.isOpenPath(place)) continue;
    found.problems.push(printable.isPlain(place) ? `${what} contains a secret of these settings.` : notPlain(what));
  }
  const credentials = config.simulate ? { account: {} } : credentialsFor({ ...given, ...found });
  return { start: { node, args: [file, ...words], ...credentials, env: settings }, ...found };
}

/** A blank option counts as not given, as for the server. */
const isGivenAs = (value: string | true | undefined) => value === true || isSet(settingText(value));

/** Both spellings of a proxy's variable are read. */
function spellingOf(env: Environment, name: string): string {
  if (name !== "HTTP_PROXY" && name !== "HTTPS_PROXY" && name !== "NO_PROXY") return name;
  return proxyVariable(env, name) ?? name;
}

const notPlain = (what: string) =>
  `${what} holds a line break, or a character that is invisible or changes how others look. A printed line would not keep it: choose another name.`;
const lostRestriction = (what: string) =>
  `${what} may hold a secret, so it cannot be printed, and without it the server would allow more.`;

/** An option as words; a value that looks like an option needs the equals sign. */
function wordsOf(name: string, value: string | true | undefined): string[] {
  if (value === undefined || value === true) return value ? [`--${name}`] : [];
  return value.startsWith("-") ? [`--${name}=${value}`] : [`--${name}`, value];
}

/** Those that the server would use; otherwise those that are set in part; otherwise placeholders for a service account. */
function credentialsFor({
  env,
  config,
  home,
  printable,
  todo,
  problems,
}: Given & Omit<Prepared, "start">): Pick<Start, "account" | "secret"> {
  const isGiven = (name: string) => isSet(settingOf(env, name)) || isSet(settingOf(env, `${name}_FILE`));
  const { kind, id, secret } = kindOf(config.credentialsFrom ?? [...CREDENTIALS].filter(isGiven));

  const account: Record<string, string> = {};
  if (id) {
    const { text } = settingOf(env, id);
    const isAccount = kind === "service-account";
    const isKnown = text !== undefined && !isSample(text) && (CLIENT_ID.test(text) || isFit(text, printable));
    account[id] = isKnown ? text : isAccount ? "mdb_sa_id_…" : "…";
    if (!isKnown) {
      const what = isAccount ? "client id of your service account" : "public key of your API key";
      todo.push(`Put the ${what} in place of ${account[id]} (docs/setup.md says where Atlas shows it).`);
    }
  }
  const variable = `${secret}_FILE`;
  const chosen = settingOf(env, variable).text;
  const isChosen = chosen !== undefined && isFit(chosen, printable);
  const file = isChosen ? chosen : home === undefined ? "/path/to/secret" : path.join(home, SECRET_FILES[kind]);
  if (chosen !== undefined && !isChosen)
    todo.push(`${variable} may hold a secret, so it is not printed. Add it yourself.`);
  if (!printable.isOpenPath(file)) problems.push(notPlain("The path of your home folder"));
  const read = readSecretFile(file);
  if (isChosen && "problem" in read && "obstacle" in absolutePath(file) && !isSamplePath(file))
    problems.push(`${variable} ${read.problem}`);
  return { account, secret: { variable: secret, file, isChosen } };
}

const isFit = (text: string, { isPlain, isOpen }: Printable) => isPlain(text) && isOpen(text);

interface Kind {
  kind: keyof typeof SECRET_FILES;
  id?: string;
  secret: string;
}

/** The kind of credentials that has one of these variables, by the order of the server. */
function kindOf(given: readonly string[]): Kind {
  const names = new Set(given.map((name) => name.replace(/_FILE$/, "")));
  const pair = PAIRS.find(({ id, secret }) => names.has(id) || names.has(secret));
  const [standard] = PAIRS;
  return pair ?? (names.has(TOKEN) || !standard ? { kind: "token", secret: TOKEN } : standard);
}

/** What to know about the file of the secret: whether the server can read a secret there, and that no other place counts. */
export function notesOnSecret({ secret }: Start, env: Environment): string[] {
  if (!secret) return [];
  const { variable, file } = secret;
  const read = readSecretFile(file);
  return [
    ...(isSet(settingOf(env, variable))
      ? [`${variable} is set, but a secret is never printed: write it into ${file}, which the server reads instead.`]
      : []),
    ...("problem" in read ? [`${variable}_FILE ${read.problem} docs/setup.md has the line that writes a secret.`] : []),
  ];
}

/**
 * The Node.js that runs this. A package manager keeps the version in the path of the program and deletes it with the next update,
 * so the link that PATH names is better. A folder that is a link itself may belong to one terminal only, and in a folder of other
 * users the link could lead elsewhere tomorrow.
 */
export function nodeOf({ PATH = "" }: Environment, own: string = process.execPath): string {
  const name = path.basename(own);
  const found = PATH.split(path.delimiter).find((folder) => {
    try {
      return (
        path.isAbsolute(folder) &&
        realpathSync(path.join(folder, name)) === realpathSync(own) &&
        realpathSync(folder) === path.resolve(folder) &&
        isOwnFolder(folder)
      );
    } catch {
      return false; // Not there, or not readable: the search goes on, as that of a shell does.
    }
  });
  return found === undefined ? own : path.join(found, name);
}

/** Rights of the group do not count: Homebrew gives them to the administrators. */
function isOwnFolder(folder: string): boolean {
  const me = process.getuid?.();
  const { uid, mode } = statSync(folder);
  return me === undefined || ((uid === me || uid === 0) && (mode & 0o002) === 0);
}
