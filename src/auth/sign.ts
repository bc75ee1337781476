import { ownFailure } from "../core/errors.ts";
import type { Send } from "../http/send.ts";
import { signWithAccessToken } from "./access-token.ts";
import { signWithApiKey } from "./api-key.ts";
import { signWithServiceAccount } from "./service-account.ts";
import type { Signer, SignerContext } from "./signer.ts";

export type Credentials =
  | { kind: "service-account"; clientId: string; clientSecret: string }
  | { kind: "api-key"; publicKey: string; privateKey: string }
  | { kind: "access-token"; token: string };

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
