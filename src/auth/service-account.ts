// Signs with a service account: fetches, shares, renews and revokes its access token (OAuth 2.0, RFC 6749 section 4.4).
import * as z from "zod";
import { Failure, markNeverSent, ownFailure } from "../core/errors.ts";
import { MIN_ATLAS_SECRET_CHARACTERS } from "../core/redact.ts";
import { bounded, type CallLimits } from "../core/time.ts";
import type { HttpRequest, HttpResponse } from "../http/messages.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

/** Tokens are renewed this long before they expire, so that no call starts with a token about to expire. */
const RENEW_EARLY_MS = 90_000;

const FETCH_LIMIT_MS = 20_000;

/** A rejected token is replaced at most this often: if Atlas rejects the new token too, the token is not the cause. */
const REPLACE_EVERY_MS = 60_000;

/**
 * A refusal is repeated for this long without asking again. Atlas allows ten token requests a minute; a model that keeps trying
 * a wrong secret would turn a clear answer into a rate limit.
 */
const REFUSAL_MS = 10_000;

/** Less than the two seconds that the whole process has to end. */
const CLOSE_LIMIT_MS = 1_500;

const HOUR_SECONDS = 3_600;

/** Bounds for the lifetime that a server states: with less, every call would fetch a token; no server states more. */
const MIN_LIFE_SECONDS = 60;
const MAX_LIFE_SECONDS = 24 * HOUR_SECONDS;

/** RFC 6749 section 5.1; RFC 6750 section 2.1 names the characters of a token. A word would be removed wherever it occurs. */
const Token = z.object({
  access_token: z
    .string()
    .min(MIN_ATLAS_SECRET_CHARACTERS)
    .regex(/^[A-Za-z0-9._~+/-]{1,8192}=*$/),
  token_type: z
    .string()
    .regex(/^bearer$/i)
    .optional(),
  // Only a hint when to renew: the first 401 corrects a wrong value.
  expires_in: z.number().min(0).catch(HOUR_SECONDS),
});

const TokenError = z.object({ error: z.string() });

/** A refusal that is not about the credentials will not pass by itself. */
const REFUSED_REQUEST =
  "Check MONGODB_ATLAS_BASE_URL and any proxy between this computer and Atlas: something refuses the request for a token as such. Then call again.";

interface HeldToken {
  value: string;
  /** Milliseconds since the epoch. */
  renewAt: number;
  expiresAt: number;
}

export function signWithServiceAccount(
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  { baseUrl, send, clock, onSecret }: SignerContext,
): Signer {
  // Raw, not percent-encoded as in RFC 6749 section 2.3.1: Atlas refuses %5F for the underscores of its own ids.
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString("base64");
  const closing = new AbortController();
  let held: HeldToken | undefined;
  let fetching: Promise<HeldToken> | undefined;
  let refusal: { failure: Failure; at: number } | undefined;
  let replacedAt = Number.NEGATIVE_INFINITY;

  /** The current token. All callers share one fetch; each waits only until its own limits, and the fetch goes on. */
  async function token(limits: CallLimits): Promise<string> {
    if (held && held.renewAt > clock.now()) return held.value;
    try {
      const { value } = await bounded(clock, limits, () => {
        fetching ??= renew().finally(() => {
          fetching = undefined;
        });
        return fetching;
      });
      return value;
    } catch (reason) {
      throw markNeverSent(reason);
    }
  }

  async function renew(): Promise<HeldToken> {
    try {
      held = await fetchToken();
    } catch (failure) {
      // A failed renewal does not matter while the old token is valid.
      if (!held || held.expiresAt <= clock.now()) throw failure;
    }
    return held;
  }

  async function fetchToken(): Promise<HeldToken> {
    if (refusal && isWithin(refusal.at, REFUSAL_MS)) throw refusal.failure;
    const startedAt = clock.now();
    try {
      const limits = { deadline: startedAt + FETCH_LIMIT_MS, signal: closing.signal };
      const response = await post("/api/oauth/token", { grant_type: "client_credentials" }, limits);
      const granted = response.status === 200 ? Token.safeParse(response.json).data : undefined;
      if (!granted) throw tokenFailure(response, clock.now());
      const { access_token: value, expires_in } = granted;
      onSecret(value);
      const lifeMs = Math.min(Math.max(expires_in, MIN_LIFE_SECONDS), MAX_LIFE_SECONDS) * 1000;
      const expiresAt = startedAt + lifeMs;
      return { value, expiresAt, renewAt: expiresAt - Math.min(RENEW_EARLY_MS, lifeMs / 2) };
    } catch (failure) {
      if (failure instanceof Failure && isRefusal(failure)) refusal = { failure, at: clock.now() };
      throw markNeverSent(failure);
    }
  }

  function post(path: string, form: Record<string, string>, limits: CallLimits): Promise<HttpResponse> {
    return send({
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
  }

  /** Drops the rejected token; false if it must stay, since another token was replaced less than a minute ago. */
  function dropToken(rejected: string): boolean {
    if (held?.value !== rejected) return true;
    if (isWithin(replacedAt, REPLACE_EVERY_MS)) return false;
    replacedAt = clock.now();
    held = undefined;
    return true;
  }

  /** A timestamp in the future means the clock was set back: treat it as expired. */
  function isWithin(timestamp: number, ms: number): boolean {
    const passed = clock.now() - timestamp;
    return passed >= 0 && passed < ms;
  }

  const signed = (request: HttpRequest, bearer: string) =>
    send({ ...request, headers: { ...request.headers, authorization: `Bearer ${bearer}` } });

  return {
    async send(request) {
      const bearer = await token(request);
      const response = await signed(request, bearer);
      if (!rejectsCredentials(response) || !dropToken(bearer)) return response;
      return signed(request, await token(request));
    },

    /** Revokes the token (RFC 7009), which otherwise counts against the account's limit of 100 until it expires. */
    async close() {
      const limits = { deadline: clock.now() + CLOSE_LIMIT_MS, signal: closing.signal };
      try {
        await bounded(clock, limits, async () => fetching);
        if (held) await post("/api/oauth/revoke", { token: held.value, token_type_hint: "access_token" }, limits);
      } catch {
        // The process is ending, and the token expires within the hour.
      } finally {
        closing.abort(ownFailure("CONNECTION_FAILED", { detail: "This server is shutting down." }));
      }
    },
  };
}

/** The token endpoint answered with a refusal, as opposed to a failure on the way. */
function isRefusal({ envelope: { error = 0 } }: Failure): boolean {
  return error >= 400 && error < 500;
}

function tokenFailure(response: HttpResponse, now: number): Failure {
  const { status: error, json } = response;
  const code = TokenError.safeParse(json).data?.error;
  if (error === 401 || code === "invalid_client") return ownFailure("INVALID_CREDENTIALS", { error });
  if (error === 403 && code === "access_denied") return ownFailure("TOKEN_LIMIT_REACHED", { error });
  const wait = retryAfterSeconds(response, now);
  const mayPass = error < 300 || error === 429 || error >= 500;
  return ownFailure("TOKEN_REQUEST_FAILED", {
    error,
    detail: `The token endpoint answered ${error}${error === 200 ? " without a usable bearer token" : ""}.`,
    ...(mayPass ? {} : { retryable: false, hint: REFUSED_REQUEST }),
    ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
  });
}
