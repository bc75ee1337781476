// The configuration: every setting as this server uses it, and the problems and warnings about the settings.
import type { Environment } from "./setting-text.ts";
import type { SETTINGS, SIMULATOR_SETTINGS } from "./variables.ts";

type ValuesOf<Rows extends Record<string, { read: (...given: never[]) => unknown }>> = {
  [Key in keyof Rows]: ReturnType<Rows[Key]["read"]>;
};

/** How requests to Atlas are signed. */
export type Credentials =
  | { kind: "service-account"; clientId: string; clientSecret: string }
  | { kind: "api-key"; publicKey: string; privateKey: string }
  | { kind: "access-token"; token: string };

/** How the embedded simulator behaves. */
export type SimulatorSettings = ValuesOf<typeof SIMULATOR_SETTINGS>;

/** The value of each row of `SETTINGS`, and the fields that combine several settings. */
export interface Config extends ValuesOf<typeof SETTINGS> {
  /** Only while simulating. Its orders are still to be checked, see `withOrdersChecked`. */
  simulator?: SimulatorSettings;
  credentials?: Credentials;
  /** The variables that the credentials come from. */
  credentialsFrom?: readonly string[];
  /** Every secret that the settings hold, whether it is used or not. Access tokens that are fetched later are not among them. */
  secrets: readonly string[];
  baseUrl: URL;
  proxy: { httpProxy?: string; httpsProxy?: string; noProxy?: string };
  /** Without any of the secrets; so are the warnings. */
  problems: readonly string[];
  /** Where the problems are: fields of `SETTINGS`, `credentials`, or `route` for the way to Atlas. */
  unusable: readonly string[];
  warnings: readonly string[];
}

/** What several settings are read from together, and where their problems and warnings go. */
export interface GroupGiven {
  env: Environment;
  problems: string[];
  warnings: string[];
}

/** Options of the command line as `parseCommandLine` returns them. */
export type Options = Readonly<Record<string, string | true | undefined>>;
