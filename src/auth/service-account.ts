import * as z from "zod";
import { Failure, markNeverSent, ownFailure } from "../core/errors.ts";
import { bounded, type CallLimits } from "../core/time.ts";
import { retryAfterSeconds } from "../http/retry.ts";
import type { HttpRequest, HttpResponse, Send } from "../http/send.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

/** Renewed this long before its end, so that no call starts with a token about to lapse. */
const RENEW_EARLY_MS = 90_000;

const FETCH_LIMIT_MS = 20_000;

/** A token that Atlas rejects is replaced at most this often; the second rejection then means something else. */
const DROP_EVERY_MS = 60_000;

/**
 * A refusal is repeated for this long without asking again: ten requests a minute are allowed, and a model that tries a
 * wrong secret over and over would turn a clear answer into a rate limit.
 */
const REFUSAL_MS = 10_000;

/** The process ends within two seconds of its signal. */
const CLOSE_LIMIT_MS = 1_500;

interface ServiceAccount {
  clientId: string;
  clientSecret: string;
}

interface HeldToken {
  value: string;
  /** Milliseconds since the epoch. */
  renewAt: number;
  endsAt: number;
}

/** Signs with a bearer token that is fetched once for all waiting calls, renewed early and revoked at the end. */
export function signWithServiceAccount(
  { clientId, clientSecret }: ServiceAccount,
  { baseUrl, send, clock, onSecret }: SignerContext,
): Signer {
  const endpoint = createTokenEndpoint(clientId, clientSecret, baseUrl, send);
  const closing = new AbortController();
  let held: HeldToken | undefined;
  let fetching: Promise<HeldToken> | undefined;
  let refusal: { failure: Failure; at: number } | undefined;
  let droppedAt = Number.NEGATIVE_INFINITY;

  /** A moment that lies ahead was taken before the clock was set back, so it says nothing any more. */
  function isWithin(moment: number, ms: number): boolean {
    const passed = clock.now() - moment;
    return passed >= 0 && passed < ms;
  }

  async function fetchToken(): Promise<HeldToken> {
    if (refusal && isWithin(refusal.at, REFUSAL_MS)) throw refusal.failure;
    const startedAt = clock.now();
    try {
      const limits = { deadline: startedAt + FETCH_LIMIT_MS, signal: closing.signal };
      const { value, lifeSeconds } = await endpoint.fetch(limits, clock.now);
      onSecret(value);
      const lifeMs = lifeSeconds * 1000;
      const endsAt = startedAt + lifeMs;
      return { value, endsAt, renewAt: endsAt - Math.min(RENEW_EARLY_MS, lifeMs / 2) };
    } catch (failure) {
      if (failure instanceof Failure && isRefusal(failure)) refusal = { failure, at: clock.now() };
      throw markNeverSent(failure);
    }
  }

  async function renew(): Promise<HeldToken> {
    try {
      held = await fetchToken();
    } catch (failure) {
      // A renewal that fails is no failure while the old token lives.
      if (!held || held.endsAt <= clock.now()) throw failure;
    }
    return held;
  }

  /** Each caller waits for the shared fetch only as long as it likes; the fetch goes on for the others. */
  async function token(request: HttpRequest): Promise<string> {
    if (held && held.renewAt > clock.now()) return held.value;
    try {
      const { value } = await bounded(clock, request, () => {
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

  /** Whether another token than the rejected one can be had. */
  function replaceable(rejected: string): boolean {
    if (held?.value !== rejected) return true;
    if (isWithin(droppedAt, DROP_EVERY_MS)) return false;
    droppedAt = clock.now();
    held = undefined;
    return true;
  }

  const signed = (request: HttpRequest, bearer: string) =>
    send({ ...request, headers: { ...request.headers, authorization: `Bearer ${bearer}` } });

  return {
    async send(request) {
      const bearer = await token(request);
      const response = await signed(request, bearer);
      if (!rejectsCredentials(response) || !replaceable(bearer)) return response;
      return signed(request, await token(request));
    },

    async close() {
      const limits = { deadline: clock.now() + CLOSE_LIMIT_MS, signal: closing.signal };
      try {
        await bounded(clock, limits, async () => fetching);
        if (held) await endpoint.revoke(held.value, limits);
      } catch {
        // The process is ending and the token lapses by itself within the hour.
      } finally {
        closing.abort(ownFailure("CONNECTION_FAILED", { detail: "This server is shutting down." }));
      }
    },
  };
}

/** The endpoint answered and said no, as against trouble on the way. */
function isRefusal({ envelope: { error = 0 } }: Failure): boolean {
  return error >= 400 && error < 500;
}

const HOUR_SECONDS = 3_600;

/** Bounds for what a server claims: below, every call would fetch; above, nobody promises. */
const MIN_LIFE_SECONDS = 60;
const MAX_LIFE_SECONDS = 24 * HOUR_SECONDS;

interface AccessToken {
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
function createTokenEndpoint(clientId: string, clientSecret: string, baseUrl: URL, send: Send) {
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
