// Chooses how requests to Atlas are signed, and keeps credentials from every other origin.
import type { Credentials } from "../config/types.ts";
import { ownFailure } from "../core/errors.ts";
import type { Send } from "../http/messages.ts";
import { signWithApiKey } from "./digest.ts";
import { signWithServiceAccount } from "./service-account.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

/** A signer for the given credentials that refuses requests to any origin but the base URL's. */
export function createSigner(credentials: Credentials, { baseUrl, send, ...rest }: SignerContext): Signer {
  const context = { ...rest, baseUrl, send: onlyTo(baseUrl, send) };
  switch (credentials.kind) {
    case "service-account":
      return signWithServiceAccount(credentials, context);
    case "api-key":
      return signWithApiKey(credentials, context);
    case "access-token":
      return signWithAccessToken(credentials.token, context);
  }
}

/** Sits between every signer and the network, so that no mistake in a signer can send a secret elsewhere. */
function onlyTo({ origin }: URL, send: Send): Send {
  return async (request) => {
    if (request.url.origin === origin) return send(request);
    throw ownFailure("INTERNAL_ERROR", { detail: `A signed request to another origin than ${origin} was refused.` });
  };
}

/** Signs with a bearer token (RFC 6750 section 2.1) that the user obtained, so renewing and revoking it is up to the user. */
function signWithAccessToken(token: string, { send }: Pick<SignerContext, "send">): Signer {
  return {
    async send(request) {
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const response = await send({ ...request, headers });
      if (rejectsCredentials(response)) throw ownFailure("ACCESS_TOKEN_REJECTED", { error: response.status });
      return response;
    },

    close: async () => {
      // The user may still need the token.
    },
  };
}
