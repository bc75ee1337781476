import * as z from "zod";
import { Failure } from "../errors.ts";
import type { Send } from "../http/send.ts";

const Token = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** Renew this long before the hour is over, so that no call starts with a token about to lapse. */
const RENEW_EARLY_MS = 90_000;

export interface ServiceAccount {
  clientId: string;
  clientSecret: string;
}

/**
 * Signs requests with an OAuth 2 client-credentials token (RFC 6749 section 4.4), fetched once for all waiting calls.
 * The Basic pair is sent raw: Atlas refuses the percent-encoding of RFC 6749 section 2.3.1.
 */
export function signWithServiceAccount(account: ServiceAccount, baseUrl: URL, send: Send, now = Date.now): Send {
  let current: Promise<{ value: string; renewAt: number }> | undefined;

  async function fetchToken() {
    const basic = Buffer.from(`${account.clientId}:${account.clientSecret}`).toString("base64");
    const response = await send({
      method: "POST",
      url: new URL("/api/oauth/token", baseUrl),
      headers: {
        accept: "application/json",
        authorization: `Basic ${basic}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "grant_type=client_credentials",
      deadline: now() + 20_000,
      signal: AbortSignal.timeout(20_000),
    });
    const token = response.status === 200 ? Token.safeParse(response.json) : undefined;
    if (!token?.success) {
      throw new Failure({
        error: response.status,
        errorCode: "TOKEN_REQUEST_FAILED",
        detail: `The token endpoint answered ${response.status}.`,
        source: "credentials",
        retryable: response.status >= 429,
        hint: "Check MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.",
      });
    }
    return { value: token.data.access_token, renewAt: now() + token.data.expires_in * 1000 - RENEW_EARLY_MS };
  }

  async function token(): Promise<string> {
    const held = await current?.catch(() => undefined);
    if (held && held.renewAt > now()) return held.value;
    current = fetchToken();
    return (await current).value;
  }

  return async (request) => {
    const authorization = `Bearer ${await token()}`;
    return send({ ...request, headers: { ...request.headers, authorization } });
  };
}
