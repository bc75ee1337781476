// What an MCP client must start: this installation's file, its options, and its settings without any secret.
import { accessSync, constants, realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PAIRS, TOKEN } from "../../config/credentials.ts";
import { proxyVariable } from "../../config/network.ts";
import { type Environment, isSet, mayBeQuoted, settingOf } from "../../config/setting-text.ts";
import type { Config, Options } from "../../config/types.ts";
import { OPTION_SETTINGS, VARIABLES } from "../../config/variables.ts";
import { codeOf } from "../../core/errors.ts";
import { createRedactor } from "../../core/redact.ts";

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
const SECRET_FILE = ".atlas-flex-secret";

/** Whether a variable holds credentials or the path of their file. */
export const isCredential = (variable: string): boolean => CREDENTIALS.has(variable.replace(/_FILE$/, ""));

/** The start for these options and variables, and what a person still has to do, a sentence each. */
export function startFor({
  options,
  env,
  config,
  home,
}: {
  options: Options;
  env: Environment;
  config: Config;
  home: string | undefined;
}): { start: Start; todo: string[] } {
  const todo: string[] = [];
  const { scrub } = createRedactor(config.secrets);
  const isShown = (text: string) => mayBeQuoted(text) && scrub(text) === text;
  const settings: Record<string, string> = {};
  for (const { name } of VARIABLES.filter((variable) => !isCredential(variable.name))) {
    const option = OPTION_SETTINGS.find((setting) => setting.name === name)?.option;
    const spelling = spellingOf(env, name);
    const { text, placeholder } = settingOf(env, spelling);
    const value = text ?? placeholder;
    if (value === undefined || !isSet(settingOf(env, spelling)) || (option && options[option] !== undefined)) continue;
    if (isShown(value)) settings[name] = value;
    else todo.push(notPrinted(spelling));
  }
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (typeof value !== "string" || isShown(value)) return wordsOf(name, value);
    todo.push(notPrinted(`--${name}`));
    return [];
  });
  const credentials = config.simulate ? { account: {} } : credentialsFor({ env, home, isShown, todo });
  const start = {
    node: nodeOf(env),
    args: [fileURLToPath(new URL("atlas-flex-snapshots-mcp.js", import.meta.url)), ...words],
    ...credentials,
    env: settings,
  };
  return { start, todo };
}

/** Both spellings of a proxy's variable are read. */
function spellingOf(env: Environment, name: string): string {
  if (name !== "HTTP_PROXY" && name !== "HTTPS_PROXY" && name !== "NO_PROXY") return name;
  return proxyVariable(env, name) ?? name;
}

const notPrinted = (what: string) => `${what} may hold a secret, so it is not printed. Add it yourself.`;

/** An option as words; a value that looks like an option needs the equals sign. */
function wordsOf(name: string, value: string | true | undefined): string[] {
  if (value === undefined || value === true) return value ? [`--${name}`] : [];
  return value.startsWith("-") ? [`--${name}=${value}`] : [`--${name}`, value];
}

/** The pair, or the token, that is set at least in part; otherwise placeholders for a service account. */
function credentialsFor({
  env,
  home,
  isShown,
  todo,
}: {
  env: Environment;
  home: string | undefined;
  isShown: (text: string) => boolean;
  todo: string[];
}): Pick<Start, "account" | "secret"> {
  const isGiven = (name: string) => isSet(settingOf(env, name)) || isSet(settingOf(env, `${name}_FILE`));
  const pair = PAIRS.find(({ id, secret }) => isGiven(id) || isGiven(secret));
  const [standard] = PAIRS;
  const { id, secret } = pair ?? (isGiven(TOKEN) || !standard ? { id: undefined, secret: TOKEN } : standard);

  const account: Record<string, string> = {};
  if (id) {
    const { text } = settingOf(env, id);
    const isAccount = id.endsWith("CLIENT_ID");
    const isKnown = text !== undefined && (CLIENT_ID.test(text) || isShown(text));
    account[id] = isKnown ? text : isAccount ? "mdb_sa_id_…" : "…";
    if (!isKnown) {
      const what = isAccount ? "client id of your service account" : "public key of your API key";
      todo.push(`Put the ${what} in place of ${account[id]} (docs/setup.md says where Atlas shows it).`);
    }
  }
  const chosen = settingOf(env, `${secret}_FILE`).text;
  const isChosen = chosen !== undefined && isShown(chosen);
  if (chosen !== undefined && !isChosen) todo.push(notPrinted(`${secret}_FILE`));
  return { account, secret: { variable: secret, file: isChosen ? chosen : secretFile(home), isChosen } };
}

/** Where docs/setup.md puts the secret. */
function secretFile(home: string | undefined): string {
  return home === undefined ? "/path/to/secret" : path.join(home, SECRET_FILE);
}

/**
 * The Node.js that runs this. A package manager keeps the version in the path of the program and deletes it with the next update,
 * so the link that PATH names is better; a folder that is a link itself may belong to one terminal only.
 */
export function nodeOf({ PATH = "" }: Environment, own: string = process.execPath): string {
  const name = path.basename(own);
  const found = PATH.split(path.delimiter).find((folder) => {
    try {
      return (
        path.isAbsolute(folder) &&
        realpathSync(path.join(folder, name)) === realpathSync(own) &&
        realpathSync(folder) === path.resolve(folder)
      );
    } catch {
      return false; // Not there, or not readable: the search goes on, as that of a shell does.
    }
  });
  return found === undefined ? own : path.join(found, name);
}

/** Why nobody can read this path: a code of the system; undefined if somebody can. */
export function whyUnreadable(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return codeOf(error) ?? "unknown";
  }
}
