// The table of settings, one row each. Types, help, documentation and warnings about misspelt names derive from it.
import { nearest } from "../core/text.ts";
import { USUAL_MAX_WAIT_SECONDS } from "../core/time.ts";
import {
  bytesOr,
  folderOr,
  type Given,
  hostSuffixes,
  projectId,
  projectIds,
  restriction,
  secondsOr,
  simulation,
  textOr,
  tools,
  unlessOff,
  wordOf,
} from "./readers.ts";
import { type Environment, isSet, settingOf, shownOr } from "./setting-text.ts";

export const DEFAULT_BASE_URL = "https://cloud.mongodb.com";

/** A variable that configures this server. */
interface Variable {
  name: string;
  /** A sentence for the documentation, and for `--help` where there is an option. */
  does: string;
  /** Can also be read from a file, whose path is in the variable `<name>_FILE`. */
  secret?: true;
  /** The name that other tools use, which is read too. */
  alias?: string;
}

/** A variable with a reader of its own; the others are read together in credentials.ts and network.ts. */
export interface Setting<Value> extends Variable {
  /** The command-line option that overrides the variable, without its dashes. */
  option?: string;
  /** Stands for the option's value in the help text; an option without one is a switch. */
  value?: string;
  /** `read` also gets a placeholder that nobody filled in, to decide on the safe side. For other settings it is a problem or unset. */
  failsClosed?: true;
  read: (given: Given) => Value;
}

/** Read by credentials.ts. */
const CREDENTIALS = [
  { name: "MONGODB_ATLAS_CLIENT_ID", does: "Service account: client id.", alias: "MDB_MCP_API_CLIENT_ID" },
  {
    name: "MONGODB_ATLAS_CLIENT_SECRET",
    does: "Service account: client secret.",
    secret: true,
    alias: "MDB_MCP_API_CLIENT_SECRET",
  },
  { name: "MONGODB_ATLAS_PUBLIC_API_KEY", does: "API key: public key.", alias: "MONGODB_ATLAS_PUBLIC_KEY" },
  {
    name: "MONGODB_ATLAS_PRIVATE_API_KEY",
    does: "API key: private key.",
    secret: true,
    alias: "MONGODB_ATLAS_PRIVATE_KEY",
  },
  {
    name: "MONGODB_ATLAS_ACCESS_TOKEN",
    does: "A bearer token that you fetched yourself; lives one hour.",
    secret: true,
  },
] as const satisfies readonly Variable[];

/** Each row becomes a field of the configuration. `parseConfig` handles what concerns several rows. */
export const SETTINGS = {
  projectId: {
    name: "MONGODB_ATLAS_PROJECT_ID",
    does: "The project that `list_flex_clusters` looks at when none is named. Default: every project.",
    read: projectId,
  },
  allowedProjects: {
    name: "ATLAS_FLEX_ALLOWED_PROJECTS",
    does: "Project ids, separated by commas. Any other project is refused before a request is sent.",
    read: projectIds,
  },
  downloadDir: {
    name: "ATLAS_FLEX_DOWNLOAD_DIR",
    option: "download-dir",
    value: "DIR",
    does: "Where snapshots are saved: an absolute path, or one that begins with `~/`. Default: `~/atlas-flex-snapshots`.",
    read: folderOr("~/atlas-flex-snapshots"),
  },
  readOnly: {
    name: "ATLAS_FLEX_READ_ONLY",
    option: "read-only",
    does: "Offer only tools that read, and hide links.",
    failsClosed: true,
    read: restriction,
  },
  tools: {
    name: "ATLAS_FLEX_TOOLS",
    option: "tools",
    value: "a,b",
    does: "Offer only these tools: names, separated by commas.",
    read: tools,
  },
  hideSnapshotUrls: {
    name: "ATLAS_FLEX_HIDE_SNAPSHOT_URLS",
    option: "hide-snapshot-urls",
    does: "Answer with the host and expiry of a download link, never with the link.",
    failsClosed: true,
    read: restriction,
  },
  maxWaitSeconds: {
    name: "ATLAS_FLEX_MAX_WAIT_SECONDS",
    does: `The longest \`waitSeconds\` of a call, 0 to 3600. Default: ${USUAL_MAX_WAIT_SECONDS}. Raise it only for a client that waits longer.`,
    read: secondsOr(USUAL_MAX_WAIT_SECONDS, 3600),
  },
  view: {
    name: "ATLAS_FLEX_VIEW",
    does: "`false` turns the [view](docs/view.md) of a save off. Default: on, for clients that announce that they show views.",
    failsClosed: true,
    read: unlessOff,
  },
  fileHosts: {
    name: "ATLAS_FLEX_FILE_HOSTS",
    does: "Hosts, or suffixes of hosts, that may serve files from a private address, separated by commas.",
    read: hostSuffixes,
  },
  logLevel: {
    name: "ATLAS_FLEX_LOG_LEVEL",
    option: "log-level",
    value: "LEVEL",
    does: "`trace`, `debug`, `info` (default), `warn`, `error`, `fatal` or `silent`. The log goes to standard error.",
    read: wordOf(["trace", "debug", "info", "warn", "error", "fatal", "silent"], "info"),
  },
  simulate: {
    name: "ATLAS_FLEX_SIMULATE",
    option: "simulate",
    does: "Use the embedded simulator instead of Atlas. Credentials are ignored.",
    read: simulation,
  },
} as const satisfies Record<string, Setting<unknown>>;

/** How the simulator behaves; read only when it is used. */
export const SIMULATOR_SETTINGS = {
  orders: {
    name: "ATLAS_FLEX_SIMULATOR_ORDERS",
    does: "How the simulator misbehaves. Default: not at all.",
    read: textOr(""),
  },
  snapshotBytes: {
    name: "ATLAS_FLEX_SIMULATOR_BYTES",
    does: "Size of the files that it serves. Default: `64MiB`.",
    read: bytesOr(64 * 1024 ** 2),
  },
  fileRateBytesPerSecond: {
    name: "ATLAS_FLEX_SIMULATOR_RATE",
    does: "Bytes per second of its file host, such as `1MiB`. Default: no limit.",
    read: bytesOr(0),
  },
} as const satisfies Record<string, Setting<unknown>>;

/** The way to Atlas, read by network.ts; Node.js itself reads the certificates. */
const ROUTE: readonly Variable[] = [
  {
    name: "MONGODB_ATLAS_BASE_URL",
    does: `Where Atlas is. Default \`${DEFAULT_BASE_URL}\`. It receives the credentials.`,
  },
  { name: "HTTPS_PROXY", does: "Proxy for https, such as `http://proxy.example.com:8080`. Lower case is read too." },
  { name: "HTTP_PROXY", does: "Proxy for http. Lower case is read too." },
  { name: "NO_PROXY", does: "Hosts that are reached without a proxy. Loopback always is. Lower case is read too." },
  { name: "NODE_EXTRA_CA_CERTS", does: "File with further CA certificates (PEM). Node.js reads it when it starts." },
];

const ROWS: readonly Setting<unknown>[] = [...Object.values(SETTINGS), ...Object.values(SIMULATOR_SETTINGS)];

/** Every setting that the environment can hold, in the order of the documentation. */
export const VARIABLES: readonly Variable[] = [...CREDENTIALS, ...ROWS, ...ROUTE];

/** The settings that have an option, in the order of the documentation. */
export const OPTION_SETTINGS = ROWS.flatMap(({ option, ...row }) => (option === undefined ? [] : [{ ...row, option }]));

type Secret = Extract<(typeof CREDENTIALS)[number], { secret: true }>;
export type SecretVariable = Secret["name"] | Extract<Secret, { alias: string }>["alias"];

const namesOf = ({ name, alias }: Variable) => (alias ? [name, alias] : [name]);

/** Every variable that holds a secret or the path of one. */
export const SECRET_VARIABLES: readonly string[] = VARIABLES.filter(({ secret }) => secret)
  .flatMap(namesOf)
  .flatMap((name) => [name, `${name}_FILE`]);

/** Every name that is read. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...VARIABLES.flatMap(namesOf),
  ...SECRET_VARIABLES.filter((name) => name.endsWith("_FILE")),
];

/** The variables of this server and of other tools of MongoDB, however they are spelt. */
const OURS = /ATLAS|MONGODB|MDB/;
/** The variables of proxies, also those that only other programs read: they often hold the same password. */
const PROXY = /(?<!^NO)PROXY/;

/**
 * Deletes every variable that may hold a secret, whether its name or its value was meant for it: all of this server and of other
 * tools of MongoDB, and all of proxies except `NO_PROXY`. Case and separators do not count. Nothing reads these variables later,
 * but a crash report of Node.js shows all that are left.
 */
export function deleteSecrets(variables: Record<string, string | undefined>): void {
  for (const name of Object.keys(variables)) {
    const letters = name.toUpperCase().replace(/[^A-Z]/g, "");
    if (OURS.test(letters) || PROXY.test(letters)) delete variables[name];
  }
}

const OWN = /^ATLAS_FLEX_/i;
/** Other tools of MongoDB have variables with these prefixes too. */
const SHARED = /^(MONGODB_ATLAS|MDB_MCP_API)_/i;
/** A shared name that differs from ours in more letters belongs to another tool. */
const SLIP_LETTERS = 2;

/**
 * A copy of the variables. Windows does not distinguish case in their names, so there they are in upper case, as are the names
 * that this server reads. One that a warning may name stays as it is: a secret in it would not be recognised in upper case.
 */
export function environmentOf(variables: Environment, platform: NodeJS.Platform): Environment {
  if (platform !== "win32") return { ...variables };
  const read = (name: string) => {
    const upper = name.toUpperCase();
    const isWarnedOf = (OWN.test(name) || SHARED.test(name)) && !KNOWN_VARIABLES.includes(upper);
    return isWarnedOf ? name : upper;
  };
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [read(name), value]));
}

/** A warning for each variable that seems to be meant for this server but is not read. Its value is not shown. */
export function misspeltVariables(env: Environment): string[] {
  return Object.keys(env).flatMap((name) => {
    if (KNOWN_VARIABLES.includes(name) || !isSet(settingOf(env, name))) return [];
    const whole = name.replace(/_FILE$/, "");
    if (whole !== name && KNOWN_VARIABLES.includes(whole))
      return [`${name} is not read, since only secrets come from files; set ${whole} itself.`];
    const meant = meantBy(name);
    if (!OWN.test(name) && meant === undefined) return [];
    const [family = ""] = OWN.exec(name) ?? SHARED.exec(name) ?? [];
    const shown = shownOr("(the rest of the name is not shown)", name.slice(family.length));
    return [`${family}${shown} is not a setting of this server${meant ? `; did you mean ${meant}?` : "."}`];
  });
}

function meantBy(name: string): string | undefined {
  if (OWN.test(name)) {
    const own = KNOWN_VARIABLES.filter((known) => OWN.test(known));
    // If one of our names has all of its words, that one is meant, even if another is nearer in spelling.
    const words = name.toUpperCase().split("_");
    return own.find((known) => words.every((word) => known.split("_").includes(word))) ?? nearest(name, own);
  }
  if (!SHARED.test(name)) return undefined;
  const letters = (text: string) => text.replaceAll("_", "");
  const meant = nearest(letters(name), KNOWN_VARIABLES.map(letters), SLIP_LETTERS);
  return KNOWN_VARIABLES.find((known) => letters(known) === meant);
}
