import type { ServiceAccount } from "./auth/service-account.ts";

export interface Config {
  simulate: boolean;
  baseUrl: URL;
  serviceAccount?: ServiceAccount;
}

/** Reads options and environment; a blank value counts as unset. */
export function parseConfig(argv: readonly string[], env: Record<string, string | undefined>): Config {
  const clientId = env.MONGODB_ATLAS_CLIENT_ID?.trim();
  const clientSecret = env.MONGODB_ATLAS_CLIENT_SECRET?.trim();
  return {
    simulate: argv.includes("--simulate"),
    baseUrl: new URL(env.MONGODB_ATLAS_BASE_URL?.trim() || "https://cloud.mongodb.com"),
    ...(clientId && clientSecret ? { serviceAccount: { clientId, clientSecret } } : {}),
  };
}
