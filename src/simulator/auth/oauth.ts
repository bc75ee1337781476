import type { Outcome } from "../problems.ts";
import { problem } from "../problems.ts";
import type { RateLimiter } from "../rate-limit.ts";
import { oauthProblem } from "./oauth-errors.ts";
import { PRINCIPALS } from "./principals.ts";
import type { TokenStore } from "./tokens.ts";

export interface OauthRequest {
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
