import { ownFailure } from "../core/errors.ts";
import { rejectsCredentials } from "./authorization.ts";
import type { Signer, SignerContext } from "./signer.ts";

/** Signs with a ready-made bearer token (RFC 6750 section 2.1), which is not ours to renew or revoke. */
export function signWithAccessToken(token: string, { send }: Pick<SignerContext, "send">): Signer {
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
