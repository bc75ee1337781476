import type { Config, Environment, Options, SecretFile } from "../src/config/config.ts";
import { parseConfig } from "../src/config/parse.ts";

export const ACCOUNT = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_1" };

/** The configuration that these settings come to, in a server that has two tools; `file` is behind every `_FILE` variable. */
export function parse(env: Environment, options: Options = {}, file: SecretFile = { problem: "is missing." }): Config {
  return parseConfig({ options, env, toolNames: ["get_restore_job", "list_restore_jobs"], readSecretFile: () => file });
}
