import { homedir } from "node:os";

export type Environment = Readonly<Record<string, string | undefined>>;

export function settingOf(env: Environment, name: string): string | undefined {
  return setOrNot(env[name]);
}

/** Blank settings and placeholders that a desktop host left unfilled count as unset. */
export function setOrNot(text: string | undefined): string | undefined {
  const value = text?.trim();
  return value === undefined || value === "" || /^\$\{user_config\.[^}]*\}$/.test(value) ? undefined : value;
}

/** A secret read from a file, or why it could not be. */
export type SecretFile = { secret: string; readableByOthers: boolean } | { problem: string };

/** Hosts pass `~` and `${HOME}` on as they are. */
const HOME = /^(~|\$\{HOME\}|\$HOME)(?=$|[/\\])/;

/** The path with the home folder in place of its abbreviation; undefined when this user has none, as in a container. */
export function withHomeFolder(path: string): string | undefined {
  try {
    return path.replace(HOME, () => homedir());
  } catch {
    return undefined; // A user without name and without HOME: the caller says so in its own words.
  }
}

/** How requests to Atlas are signed. */
export type Credentials =
  | { kind: "service-account"; clientId: string; clientSecret: string }
  | { kind: "api-key"; publicKey: string; privateKey: string }
  | { kind: "access-token"; token: string };

/** How an embedded simulator is to be; what is absent has the simulator's own default. */
export interface SimulatorSettings {
  /** Its misbehaviour, as text. */
  orders: string;
  snapshotBytes?: number;
  fileRateBytesPerSecond?: number;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Settings whose problems matter beyond the list of problems: whether a request may be sent, signed, and by which tools. */
export type SettingArea = "route" | "credentials" | "tools";

/** Everything a user may set; whatever is wrong is in `problems`, whatever is doubtful in `warnings`. */
export interface Config {
  simulate: boolean;
  /** Only when it is asked for. Its orders are still to be checked, see `withOrdersChecked`. */
  simulator?: SimulatorSettings;
  readOnly: boolean;
  hideSnapshotUrls: boolean;
  /** Names of the tools to register; all when absent. */
  tools?: readonly string[];
  logLevel: LogLevel;
  baseUrl: URL;
  projectId?: string;
  /** Ids; every project when absent. */
  allowedProjects?: readonly string[];
  /** Absolute. */
  downloadDir: string;
  fileHosts: readonly string[];
  credentials?: Credentials;
  /** The variables that they come from. */
  credentialsFrom?: readonly string[];
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
  problems: readonly string[];
  /** What some of the problems are about. */
  unusable: readonly SettingArea[];
  warnings: readonly string[];
}

/** Options of the command line that stand for a variable, as `parseCommandLine` returns them. */
export type Options = Readonly<Record<string, string | true | undefined>>;
