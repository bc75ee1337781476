// The token endpoints, their errors, and the access tokens that they issue and revoke.
import { randomBytes } from "node:crypto";
import { type Outcome, problem } from "../problems.ts";
import { PRINCIPALS, type Principal } from "../simulated.ts";

const TOKEN_LIFETIME_SECONDS = 3_600;

/** RFC 6749 section 5.1 forbids caching of answers that hold tokens. */
const NO_STORE = { "Cache-Control": "no-store", Pragma: "no-cache" };

interface OauthRequest {
  headers: { authorization?: string | undefined; "content-type"?: string | undefined };
  body: string;
}

interface OauthSettings {
  now: () => number;
  tokenRequestsPerMinute: number;
  liveTokens: number;
}

interface Oauth {
  token: (request: OauthRequest) => Outcome;
  revoke: (request: OauthRequest) => Outcome;
  ownerOf: (accessToken: string) => Principal | undefined;
  revokeAll: () => void;
}

export function createOauth({ now, tokenRequestsPerMinute, liveTokens }: OauthSettings): Oauth {
  const tokens = new Map<string, { principal: Principal; expiresAt: number }>(
    PRINCIPALS.map((principal) => [principal.accessToken, { principal, expiresAt: Number.POSITIVE_INFINITY }]),
  );
  const admittedAt = new Map<string, number[]>();

  /** Counts the request and returns undefined, or returns the seconds to wait after too many requests within a minute. */
  function admit(clientId: string): number | undefined {
    const recent = (admittedAt.get(clientId) ?? []).filter((at) => at > now() - 60_000);
    admittedAt.set(clientId, recent);
    if (recent.length < tokenRequestsPerMinute) {
      recent.push(now());
      return undefined;
    }
    const waitMs = (recent[0] ?? now()) + 60_000 - now();
    return Math.max(1, Math.ceil(waitMs / 1_000));
  }

  /** A new token; undefined if the client already has as many as it may. */
  function mint(principal: Principal): string | undefined {
    for (const [token, { expiresAt }] of tokens) if (expiresAt <= now()) tokens.delete(token);
    const held = [...tokens.values()].filter(
      (token) => token.principal === principal && Number.isFinite(token.expiresAt),
    );
    if (held.length >= liveTokens) return undefined;
    const accessToken = jwtLike(principal.clientId, now());
    tokens.set(accessToken, { principal, expiresAt: now() + TOKEN_LIFETIME_SECONDS * 1_000 });
    return accessToken;
  }

  return {
    token: (request) => {
      const client = clientOf(request);
      const retrySeconds = admit(client.id);
      if (retrySeconds !== undefined) {
        const limited = problem("RATE_LIMITED", { resource: "api/oauth/token", capacity: tokenRequestsPerMinute });
        return { ...limited, headers: { ...limited.headers, "Retry-After": String(retrySeconds) } };
      }
      if (!client.principal) return oauthProblem("invalid_client");
      const [grantType, ...more] = formOf(request)?.getAll("grant_type") ?? [];
      if (!grantType || more.length > 0) return oauthProblem("invalid_request");
      if (grantType !== "client_credentials") return oauthProblem("unsupported_grant_type");
      const accessToken = mint(client.principal);
      if (accessToken === undefined) return oauthProblem("access_denied");
      const body = { access_token: accessToken, expires_in: TOKEN_LIFETIME_SECONDS, token_type: "Bearer" };
      return { status: 200, body, headers: NO_STORE };
    },
    revoke: (request) => {
      const { principal } = clientOf(request);
      if (!principal) return oauthProblem("invalid_client");
      const token = formOf(request)?.get("token");
      if (!token) return oauthProblem("invalid_request");
      // RFC 7009 section 2.2: revoking an unknown token succeeds.
      if (tokens.get(token)?.principal === principal) tokens.delete(token);
      return { status: 200, body: {}, headers: NO_STORE };
    },
    ownerOf: (accessToken) => {
      const token = tokens.get(accessToken);
      return token && token.expiresAt > now() ? token.principal : undefined;
    },
    revokeAll: () => tokens.clear(),
  };
}

/** The pair is compared without decoding: Atlas does not percent-encode client ids and secrets. */
function clientOf({ headers: { authorization = "" } }: OauthRequest) {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization)?.[1] ?? "";
  const pair = Buffer.from(encoded, "base64").toString();
  return {
    id: pair.split(":")[0] ?? "",
    principal: PRINCIPALS.find(({ clientId, clientSecret }) => pair === `${clientId}:${clientSecret}`),
  };
}

function formOf({ headers: { "content-type": type = "" }, body }: OauthRequest): URLSearchParams | undefined {
  return /^application\/x-www-form-urlencoded\b/i.test(type) ? new URLSearchParams(body) : undefined;
}

/** Looks like a JWT of Atlas; its signature is random. */
function jwtLike(clientId: string, issuedAt: number): string {
  const seconds = Math.floor(issuedAt / 1_000);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return [
    part({ alg: "ES512", typ: "JWT", kid: "simulated" }),
    part({ sub: clientId, iat: seconds, exp: seconds + TOKEN_LIFETIME_SECONDS }),
    randomBytes(66).toString("base64url"),
  ].join(".");
}

/** The errors of RFC 6749 section 5.2 and those that Atlas adds, with the wording of its token endpoints. */
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

/** A token endpoint also sends RATE_LIMITED, in the form of the API's errors. */
export const OAUTH_CODES: readonly string[] = [...Object.keys(OAUTH_ERRORS), "RATE_LIMITED"];

export function oauthProblem(code: string, status?: number): Outcome {
  const known = OAUTH_ERRORS[code] ?? { status: status ?? 400, description: "Something undocumented happened." };
  const answered = status ?? known.status;
  return {
    status: answered,
    body: { error: code, error_description: known.description },
    headers: answered === 401 ? { "WWW-Authenticate": 'Basic realm="MMS Public API"' } : {},
  };
}

export function oauthProblemOfStatus(status: number, limit: { capacity: number; resource: string }): Outcome {
  if (status === 429) return problem("RATE_LIMITED", limit);
  return oauthProblem(CODE_OF_STATUS[status] ?? "server_error", status);
}
