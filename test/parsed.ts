import { parseConfig } from "../src/config/parse.ts";
import type { Environment } from "../src/config/setting-text.ts";
import type { Config, Options } from "../src/config/types.ts";

export const ACCOUNT = { MONGODB_ATLAS_CLIENT_ID: "mdb_sa_id_1", MONGODB_ATLAS_CLIENT_SECRET: "mdb_sa_sk_1234567890" };

/** The configuration of a server with two tools under these settings. */
export function parse(env: Environment, options: Options = {}): Config {
  return parseConfig({ options, env, toolNames: ["get_restore_job", "list_restore_jobs"] });
}
