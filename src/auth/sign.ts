import type { Credentials } from "../config/config.ts";
import { ownFailure } from "../core/errors.ts";
import type { Send } from "../http/send.ts";
import { signWithApiKey } from "./digest.ts";
import { signWithServiceAccount } from "./service-account.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

/** Signs requests to the base URL's origin with the given credentials; any other origin is refused. */
export function createSigner(credentials: Credentials, context: SignerContext): Signer {
  return choose(credentials, { ...context, send: onlyTo(context.baseUrl, context.send) });
}

function choose(credentials: Credentials, context: SignerContext): Signer {
  switch (credentials.kind) {
    case "service-account":
      return signWithServiceAccount(credentials, context);
    case "api-key":
      return signWithApiKey(credentials, context);
    case "access-token":
      return signWithAccessToken(credentials.token, context);
  }
}

/** Stands between every signer and the network, so that no mistake above it can send a secret elsewhere. */
function onlyTo({ origin }: URL, send: Send): Send {
  return async (request) => {
    if (request.url.origin === origin) return send(request);
    throw ownFailure("INTERNAL_ERROR", { detail: `A signed request to another origin than ${origin} was refused.` });
  };
}

/** Signs with a ready-made bearer token (RFC 6750 section 2.1), which is not ours to renew or revoke. */
function signWithAccessToken(token: string, { send }: Pick<SignerContext, "send">): Signer {
  return {
    async send(request) {
      const headers = { ...request.headers, authorization: `Bearer ${token}` };
      const response = await send({ ...request, headers });
      if (rejectsCredentials(response)) throw ownFailure("ACCESS_TOKEN_REJECTED", { error: response.status });
      return response;
    },

    close: async () => {
      // Whoever made the token may still use it.
    },
  };
}
