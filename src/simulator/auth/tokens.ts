import { randomBytes } from "node:crypto";
import { PRINCIPALS, type Principal } from "./principals.ts";

export interface TokenStore {
  /** Undefined when the client already holds as many as it may. */
  mint: (principal: Principal) => { accessToken: string; expiresInSeconds: number } | undefined;
  revoke: (accessToken: string, principal: Principal) => void;
  revokeAll: () => void;
  ownerOf: (accessToken: string) => Principal | undefined;
}

export function createTokens(options: {
  now: () => number;
  tokenLifetimeSeconds: number;
  liveTokens: number;
}): TokenStore {
  const { now, tokenLifetimeSeconds, liveTokens } = options;
  const minted = new Map<string, { principal: Principal; expiresAt: number }>(
    PRINCIPALS.map((principal) => [principal.accessToken, { principal, expiresAt: Number.POSITIVE_INFINITY }]),
  );
  const live = (accessToken: string) => {
    const token = minted.get(accessToken);
    return token && token.expiresAt > now() ? token : undefined;
  };

  return {
    mint: (principal) => {
      for (const [token, { expiresAt }] of minted) if (expiresAt <= now()) minted.delete(token);
      const held = [...minted.values()].filter(
        (token) => token.principal === principal && Number.isFinite(token.expiresAt),
      );
      if (held.length >= liveTokens) return undefined;
      const accessToken = jwtLike(principal.clientId, now(), tokenLifetimeSeconds);
      minted.set(accessToken, { principal, expiresAt: now() + tokenLifetimeSeconds * 1_000 });
      return { accessToken, expiresInSeconds: tokenLifetimeSeconds };
    },
    revoke: (accessToken, principal) => {
      if (minted.get(accessToken)?.principal === principal) minted.delete(accessToken);
    },
    revokeAll: () => minted.clear(),
    ownerOf: (accessToken) => live(accessToken)?.principal,
  };
}

/** Shaped like the JWT that Atlas issues; nobody verifies its signature. */
function jwtLike(clientId: string, issuedAt: number, lifetimeSeconds: number): string {
  const seconds = Math.floor(issuedAt / 1_000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [
    part({ alg: "ES512", typ: "JWT", kid: "simulated" }),
    part({ sub: clientId, iat: seconds, exp: seconds + lifetimeSeconds }),
    randomBytes(66).toString("base64url"),
  ].join(".");
}
