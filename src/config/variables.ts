import { clean, nearest } from "../core/text.ts";
import { type Environment, settingOf } from "./config.ts";

interface Variable {
  name: string;
  does: string;
  /** The option of the command line that stands for it and beats it. */
  option?: string;
  /** Read from a file as well, when the name has `_FILE` behind it. */
  secret?: true;
  /** What other tools call it; read too. */
  alias?: string;
}

export const DEFAULT_BASE_URL = "https://cloud.mongodb.com";

const ROWS = [
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
  {
    name: "MONGODB_ATLAS_BASE_URL",
    does: `Where Atlas is. Default \`${DEFAULT_BASE_URL}\`. It receives the credentials.`,
  },
  {
    name: "MONGODB_ATLAS_PROJECT_ID",
    does: "The project that `list_flex_clusters` looks at when none is named. Default: every project.",
  },
  {
    name: "ATLAS_FLEX_ALLOWED_PROJECTS",
    does: "Project ids, separated by commas. Any other project is refused before a request is sent.",
  },
  {
    name: "ATLAS_FLEX_DOWNLOAD_DIR",
    does: "Where snapshots are saved. Default `atlas-flex-snapshots` in the home folder.",
    option: "download-dir",
  },
  {
    name: "ATLAS_FLEX_READ_ONLY",
    does: "`true`: offer only tools that read, and hide links.",
    option: "read-only",
  },
  {
    name: "ATLAS_FLEX_TOOLS",
    does: "Offer only these tools: names, separated by commas.",
    option: "tools",
  },
  {
    name: "ATLAS_FLEX_HIDE_SNAPSHOT_URLS",
    does: "`true`: answers hold the host and expiry of a download link, never the link.",
    option: "hide-snapshot-urls",
  },
  {
    name: "ATLAS_FLEX_FILE_HOSTS",
    does: "Hosts, or suffixes of hosts, that may serve files from a private address, separated by commas.",
  },
  {
    name: "ATLAS_FLEX_LOG_LEVEL",
    does: "`trace`, `debug`, `info` (default), `warn`, `error`, `fatal` or `silent`. The log goes to standard error.",
    option: "log-level",
  },
  {
    name: "ATLAS_FLEX_SIMULATE",
    does: "`true`: use the embedded simulator instead of Atlas. Credentials are ignored.",
    option: "simulate",
  },
  { name: "ATLAS_FLEX_SIMULATOR_ORDERS", does: "How the simulator misbehaves. Default: not at all." },
  { name: "ATLAS_FLEX_SIMULATOR_BYTES", does: "Size of the files that it serves. Default: `64MiB`." },
  { name: "ATLAS_FLEX_SIMULATOR_RATE", does: "Bytes per second of its file host, such as `1MiB`. Default: no limit." },
  { name: "HTTPS_PROXY", does: "Proxy for https, such as `http://proxy.example.com:8080`. Lower case is read too." },
  { name: "HTTP_PROXY", does: "Proxy for http. Lower case is read too." },
  { name: "NO_PROXY", does: "Hosts that are reached without a proxy. Loopback always is. Lower case is read too." },
  { name: "NODE_EXTRA_CA_CERTS", does: "File with further CA certificates (PEM). Node.js reads it when it starts." },
] as const satisfies readonly Variable[];

/** Every setting that the environment can hold, in the order of the documentation. */
export const VARIABLES: readonly Variable[] = ROWS;

type Row = (typeof ROWS)[number];
type Secret = Extract<Row, { secret: true }>;

/** Options that stand for a variable. */
export type SettingOption = Extract<Row, { option: string }>["option"];
export type SecretVariable = Secret["name"] | Extract<Secret, { alias: string }>["alias"];

export function variableOf(option: SettingOption): string {
  return VARIABLES.find((variable) => variable.option === option)?.name ?? "";
}

/** Every variable that holds a secret, with its `_FILE` form; the process forgets them once they are read. */
export const SECRET_VARIABLES: readonly string[] = VARIABLES.filter(({ secret }) => secret)
  .flatMap(({ name, alias }) => (alias ? [name, alias] : [name]))
  .flatMap((name) => [name, `${name}_FILE`]);

const OWN = /^ATLAS_FLEX_/;
/** Shared with other tools of MongoDB, which have variables of their own under these names. */
const SHARED = /^(MONGODB_ATLAS|MDB_MCP_API)_/;

/** Letters by which a name of other tools may differ from ours and still be a slip; more, and it means something else. */
const SLIP_LETTERS = 2;

/** Every name that is read. */
export const KNOWN_VARIABLES: readonly string[] = [
  ...VARIABLES.flatMap(({ name, alias }) => (alias ? [name, alias] : [name])),
  ...SECRET_VARIABLES.filter((name) => name.endsWith("_FILE")),
];

/** A warning for each variable that seems to be meant for this server: it would be ignored in silence. Values stay out of it. */
export function misspeltVariables(env: Environment): string[] {
  return Object.keys(env).flatMap((name) => {
    if (KNOWN_VARIABLES.includes(name) || settingOf(env, name) === undefined) return [];
    const whole = name.replace(/_FILE$/, "");
    if (whole !== name && KNOWN_VARIABLES.includes(whole))
      return [`${clean(name)} is not read, since only secrets come from files; set ${whole} itself.`];
    const meant = meantBy(name);
    if (!OWN.test(name) && meant === undefined) return [];
    return [`${clean(name)} is not a setting of this server${meant ? `; did you mean ${meant}?` : "."}`];
  });
}

function meantBy(name: string): string | undefined {
  if (OWN.test(name)) {
    const own = KNOWN_VARIABLES.filter((known) => OWN.test(known));
    // A name that only lacks a word of ours means that one, however near in letters another is.
    const words = name.split("_");
    return own.find((known) => words.every((word) => known.split("_").includes(word))) ?? nearest(name, own);
  }
  if (!SHARED.test(name)) return undefined;
  const letters = (text: string) => text.replaceAll("_", "");
  const meant = nearest(letters(name), KNOWN_VARIABLES.map(letters), SLIP_LETTERS);
  return KNOWN_VARIABLES.find((known) => letters(known) === meant);
}
