import * as z from "zod";
import { type Failure, ownFailure } from "../core/errors.ts";
import type { CallLimits } from "../core/time.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import type { HttpResponse, Send } from "../http/send.ts";

const HOUR_SECONDS = 3_600;

/** Bounds for what a server claims: below, every call would fetch; above, nobody promises. */
const MIN_LIFE_SECONDS = 60;
const MAX_LIFE_SECONDS = 24 * HOUR_SECONDS;

export interface AccessToken {
  value: string;
  lifeSeconds: number;
}

/** RFC 6749 section 5.1; the characters of the token are those of RFC 6750 section 2.1. */
const Token = z.object({
  access_token: z.string().regex(/^[A-Za-z0-9._~+/-]{1,8192}=*$/),
  token_type: z
    .string()
    .regex(/^bearer$/i)
    .optional(),
  // Only a hint when to renew: a wrong one is corrected by the first 401.
  expires_in: z.number().min(0).catch(HOUR_SECONDS),
});

const TokenError = z.object({ error: z.string() });

/** The OAuth 2 endpoints of Atlas as one service account uses them. */
export function createTokenEndpoint(clientId: string, clientSecret: string, baseUrl: URL, send: Send) {
  // Raw, not percent-encoded as RFC 6749 section 2.3.1 has it: Atlas refuses %5F for the underscores of its own ids.
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");

  const post = (path: string, form: Record<string, string>, limits: CallLimits) =>
    send({
      method: "POST",
      url: new URL(path, baseUrl),
      headers: {
        accept: "application/json",
        authorization: `Basic ${basic}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: new URLSearchParams(form).toString(),
      ...limits,
    });

  return {
    /** Fetches a token (RFC 6749 section 4.4). */
    async fetch(limits: CallLimits, now: () => number): Promise<AccessToken> {
      const response = await post("/api/oauth/token", { grant_type: "client_credentials" }, limits);
      const token = response.status === 200 ? Token.safeParse(response.json).data : undefined;
      if (!token) throw tokenFailure(response, now());
      const lifeSeconds = Math.min(Math.max(token.expires_in, MIN_LIFE_SECONDS), MAX_LIFE_SECONDS);
      return { value: token.access_token, lifeSeconds };
    },

    /** Gives a token back before it lapses (RFC 7009), since it counts against the account's hundred until then. */
    revoke: (token: string, limits: CallLimits) =>
      post("/api/oauth/revoke", { token, token_type_hint: "access_token" }, limits),
  };
}

function tokenFailure(response: HttpResponse, now: number): Failure {
  const { status: error, json } = response;
  const code = TokenError.safeParse(json).data?.error;
  if (error === 401 || code === "invalid_client") return ownFailure("INVALID_CREDENTIALS", { error });
  if (error === 403 && code === "access_denied") return ownFailure("TOKEN_LIMIT_REACHED", { error });
  const wait = retryAfterSeconds(response, now);
  return ownFailure("TOKEN_REQUEST_FAILED", {
    error,
    detail: `The token endpoint answered ${error}${error === 200 ? " without a usable bearer token" : ""}.`,
    retryable: error < 300 || error === 429 || error >= 500,
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
  });
}
