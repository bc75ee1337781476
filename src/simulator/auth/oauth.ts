import { randomBytes } from "node:crypto";
import { type Outcome, type Problem, problem } from "../problems.ts";
import type { RateLimiter } from "../rate-limit.ts";
import { PRINCIPALS, type Principal } from "../simulated.ts";

interface OauthRequest {
  authorization: string | undefined;
  contentType: string | undefined;
  body: string;
}

export interface OauthEndpoints {
  token: (request: OauthRequest) => Outcome;
  revoke: (request: OauthRequest) => Outcome;
}

/** RFC 6749 section 5.1 forbids caching of answers that hold tokens. */
const NO_STORE = { "Cache-Control": "no-store", Pragma: "no-cache" };

export function createOauth(tokens: TokenStore, limit: RateLimiter): OauthEndpoints {
  return {
    token: (request) => {
      const client = clientOf(request.authorization);
      const admission = limit(client.id);
      if (!admission.admitted) {
        const limited = problem("RATE_LIMITED", { resource: "api/oauth/token", capacity: admission.limit });
        return { ...limited, headers: { ...limited.headers, "Retry-After": String(admission.retrySeconds) } };
      }
      if (!client.principal) return oauthProblem("invalid_client");
      const form = formOf(request);
      const [grantType, ...more] = form?.getAll("grant_type") ?? [];
      if (!grantType || more.length > 0) return oauthProblem("invalid_request");
      if (grantType !== "client_credentials") return oauthProblem("unsupported_grant_type");
      const token = tokens.mint(client.principal);
      if (!token) return oauthProblem("access_denied");
      const body = { access_token: token.accessToken, expires_in: token.expiresInSeconds, token_type: "Bearer" };
      return { status: 200, body, headers: NO_STORE };
    },
    revoke: (request) => {
      const { principal } = clientOf(request.authorization);
      if (!principal) return oauthProblem("invalid_client");
      const token = formOf(request)?.get("token");
      if (!token) return oauthProblem("invalid_request");
      // RFC 7009 section 2.2: a token that is not known is revoked as well.
      tokens.revoke(token, principal);
      return { status: 200, body: {}, headers: NO_STORE };
    },
  };
}

/** The pair is compared as it came: Atlas knows no percent-encoding of client ids and secrets. */
function clientOf(authorization = "") {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization)?.[1] ?? "";
  const pair = Buffer.from(encoded, "base64").toString();
  return {
    id: pair.split(":")[0] ?? "",
    principal: PRINCIPALS.find(({ clientId, clientSecret }) => pair === `${clientId}:${clientSecret}`),
  };
}

function formOf({ contentType = "", body }: OauthRequest): URLSearchParams | undefined {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType) ? new URLSearchParams(body) : undefined;
}

/** The failures of RFC 6749 section 5.2 and the one that Atlas adds, as its token endpoints describe them. */
const OAUTH_ERRORS: Record<string, { status: number; description: string }> = {
  invalid_request: { status: 400, description: "The request is malformed." },
  invalid_grant: { status: 400, description: "The grant is invalid." },
  unsupported_grant_type: { status: 400, description: "The grant type is not supported." },
  invalid_client: { status: 401, description: "Invalid credentials provided." },
  access_denied: { status: 403, description: "Access Token limit reached for this service account." },
  server_error: { status: 500, description: "Unexpected error." },
};

const CODE_OF_STATUS: Record<number, string> = {
  400: "invalid_request",
  401: "invalid_client",
  403: "access_denied",
};

/** A token endpoint that is over its limit answers in the shape of the API. */
export const OAUTH_CODES: readonly string[] = [...Object.keys(OAUTH_ERRORS), "RATE_LIMITED"];

export function oauthProblem(code: string, status?: number): Problem {
  const known = OAUTH_ERRORS[code] ?? { status: status ?? 400, description: "Something undocumented happened." };
  const answered = status ?? known.status;
  return {
    status: answered,
    body: { error: code, error_description: known.description },
    headers: answered === 401 ? { "WWW-Authenticate": 'Basic realm="MMS Public API"' } : {},
  };
}

export function oauthProblemOfStatus(status: number, limit: { capacity: number; resource: string }): Problem {
  if (status === 429) return problem("RATE_LIMITED", limit);
  return oauthProblem(CODE_OF_STATUS[status] ?? "server_error", status);
}

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
