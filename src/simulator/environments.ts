import { PRINCIPALS, type Principal } from "./auth/principals.ts";

export type CredentialKind = "serviceAccount" | "apiKey" | "accessToken";
export type PrincipalName = "owner" | "withoutDownloadRole" | "outsideAccessList";

/** Variables that point a client at this simulator, for each person and kind of credentials. */
export type Environments = Record<PrincipalName, Record<CredentialKind, Record<string, string>>>;

export function environmentsOf(baseUrl: string): Environments {
  const [owner, withoutDownloadRole, outsideAccessList] = PRINCIPALS.map((principal) => kindsOf(principal, baseUrl));
  if (!owner || !withoutDownloadRole || !outsideAccessList) throw new Error("The simulated world lacks a principal.");
  return { owner, withoutDownloadRole, outsideAccessList };
}

function kindsOf(principal: Principal, baseUrl: string): Record<CredentialKind, Record<string, string>> {
  const base = { MONGODB_ATLAS_BASE_URL: baseUrl };
  return {
    serviceAccount: {
      ...base,
      MONGODB_ATLAS_CLIENT_ID: principal.clientId,
      MONGODB_ATLAS_CLIENT_SECRET: principal.clientSecret,
    },
    apiKey: {
      ...base,
      MONGODB_ATLAS_PUBLIC_API_KEY: principal.publicKey,
      MONGODB_ATLAS_PRIVATE_API_KEY: principal.privateKey,
    },
    accessToken: { ...base, MONGODB_ATLAS_ACCESS_TOKEN: principal.accessToken },
  };
}
