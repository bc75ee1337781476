import { randomBytes } from "node:crypto";
import { type Failure, ownFailure } from "../core/errors.ts";
import { type HttpRequest, type HttpResponse, headerOf } from "../http/send.ts";
import { rejectsCredentials } from "./authorization.ts";
import { parseChallenges } from "./challenge.ts";
import { type ApiKey, answerChallenge, chooseChallenge, type DigestChallenge, nextNonce } from "./digest.ts";
import type { Signer, SignerContext } from "./signer.ts";

/** A nonce and how many requests it has signed. */
interface Session {
  challenge: DigestChallenge;
  count: number;
}

/**
 * Signs with HTTP Digest (RFC 7616). A nonce that was accepted signs later requests too, with rising counts; where these arrive
 * in another order than they were sent, a strict server calls the nonce stale. Every such request then goes on with a nonce of
 * its own, which no other request can spoil.
 */
export function signWithApiKey(key: ApiKey, { send }: Pick<SignerContext, "send">): Signer {
  let shared: Session | undefined;

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
    if (isRefused(response)) {
      if (shared === session) shared = undefined;
      return response;
    }
    const nonce = nextNonce(headerOf(response, "authentication-info"));
    shared = nonce ? { challenge: { ...session.challenge, nonce }, count: 0 } : session;
    return response;
  }

  return {
    async send(request) {
      const known = shared;
      const first = await (known ? answered(request, known) : send(request));
      // An unsigned request has told nobody who is calling, so whatever code its 401 has is no verdict on roles.
      if (known ? !isRefused(first) : first.status !== 401) return first;
      const fresh = challengeOf(first);
      if (!fresh) throw known ? invalid(first) : withoutChallenge(first);
      const second = await answered(request, { challenge: fresh, count: 0 });
      if (!isRefused(second)) return second;
      const again = challengeOf(second);
      if (!again?.stale) throw invalid(second);
      const third = await answered(request, { challenge: again, count: 0 });
      if (!isRefused(third)) return third;
      throw challengeOf(third)?.stale ? neverFresh(third) : invalid(third);
    },

    close: async () => {
      // A Digest leaves nothing behind at Atlas.
    },
  };
}

/** A nonce that is called stale says so whatever else the answer says: nobody has looked at roles yet. */
function isRefused(response: HttpResponse): boolean {
  return rejectsCredentials(response) || (response.status === 401 && challengeOf(response)?.stale === true);
}

function challengeOf(response: HttpResponse): DigestChallenge | undefined {
  return chooseChallenge(parseChallenges(response.headers["www-authenticate"]));
}

function invalid({ status: error }: HttpResponse): Failure {
  return ownFailure("INVALID_CREDENTIALS", { error });
}

function neverFresh({ status: error }: HttpResponse): Failure {
  const detail = "Every nonce was called stale, also the one that was just issued, so nobody has judged the API key.";
  return ownFailure("UNREADABLE_RESPONSE", { error, detail });
}

function withoutChallenge({ status: error }: HttpResponse): Failure {
  const detail = "A request with an API key was rejected without a Digest challenge that this program can answer.";
  return ownFailure("UNREADABLE_RESPONSE", { error, detail, retryable: false });
}
