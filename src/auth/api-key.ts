import { randomBytes } from "node:crypto";
import { type Failure, ownFailure } from "../errors.ts";
import { type HttpRequest, type HttpResponse, headerOf } from "../http/send.ts";
import { rejectsCredentials } from "./authorization.ts";
import { parseChallenges } from "./challenge.ts";
import { type ApiKey, answerChallenge, chooseChallenge, type DigestChallenge, nextNonce } from "./digest.ts";
import type { Signer, SignerContext } from "./signer.ts";

/** A nonce and how many requests it has signed; counts rise however many calls run at once. */
interface Session {
  challenge: DigestChallenge;
  count: number;
}

/**
 * Signs with HTTP Digest (RFC 7616). A nonce is used again for later requests until the server wants another; a request is
 * answered at most twice, the second time only because its nonce was stale.
 */
export function signWithApiKey(key: ApiKey, { send }: Pick<SignerContext, "send">): Signer {
  let current: Session | undefined;

  async function answered(request: HttpRequest, session: Session): Promise<HttpResponse> {
    session.count += 1;
    const { method, url } = request;
    const authorization = answerChallenge(session.challenge, key, {
      method,
      uri: url.pathname + url.search,
      count: session.count,
      cnonce: randomBytes(16).toString("hex"),
    });
    const response = await send({ ...request, headers: { ...request.headers, authorization } });
    const nonce = nextNonce(headerOf(response, "authentication-info"));
    if (nonce && current === session) current = { challenge: { ...session.challenge, nonce }, count: 0 };
    return response;
  }

  /** Takes up the challenge of a rejection; later requests go on with it. */
  function challengedBy(response: HttpResponse): Session | undefined {
    const challenge = chooseChallenge(parseChallenges(response.headers["www-authenticate"]));
    current = challenge && { challenge, count: 0 };
    return current;
  }

  return {
    async send(request) {
      const known = current;
      const first = await (known ? answered(request, known) : send(request));
      // An unsigned request has told nobody who is calling, so whatever code its 401 has is no verdict on roles.
      if (known ? !rejectsCredentials(first) : first.status !== 401) return first;
      const fresh = challengedBy(first);
      if (!fresh) throw known ? invalid(first) : withoutChallenge(first);
      const second = await answered(request, fresh);
      if (!rejectsCredentials(second)) return second;
      const again = challengedBy(second);
      const third = again?.challenge.stale ? await answered(request, again) : second;
      if (!rejectsCredentials(third)) return third;
      current = undefined;
      throw invalid(third);
    },

    close: async () => {
      // A Digest leaves nothing behind at Atlas.
    },
  };
}

function invalid({ status: error }: HttpResponse): Failure {
  return ownFailure("INVALID_CREDENTIALS", { error });
}

function withoutChallenge({ status: error }: HttpResponse): Failure {
  const detail = "A request with an API key was rejected without a Digest challenge that this program can answer.";
  return ownFailure("UNREADABLE_RESPONSE", { error, detail, retryable: false });
}
