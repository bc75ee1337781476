import { createHash, randomBytes } from "node:crypto";
import { type Failure, ownFailure } from "../core/errors.ts";
import { type HttpRequest, type HttpResponse, headerOf } from "../http/send.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

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

interface ApiKey {
  publicKey: string;
  privateKey: string;
}

/** A challenge that this program can answer: quality of protection `auth`, a hash that Node has. */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque?: string;
  /** As the server spelt it; absent where it left the default. */
  algorithm?: string;
  hash: "sha256" | "md5";
  /** The server rejects the nonce, not the credentials. */
  stale: boolean;
}

interface DigestRequest {
  method: string;
  /** The request target with its query. */
  uri: string;
  /** How many requests this nonce has signed, this one included. */
  count: number;
  cnonce: string;
}

/** Strongest first; MD5 is the default of RFC 7616 section 3.3, and what Atlas uses. */
const HASHES = [
  ["SHA-256", "sha256"],
  ["MD5", "md5"],
] as const;

/** What goes back to the server between quotes: printable, so that it can be sent as it came. */
const PRINTABLE = /^[\x20-\x7e]*$/;

/** The challenge to answer: the strongest that this program supports, the first among equals. */
export function chooseChallenge(challenges: readonly Challenge[]): DigestChallenge | undefined {
  const digests = challenges.filter(({ scheme }) => scheme === "digest").map(({ parameters }) => parameters);
  for (const [name, hash] of HASHES) {
    const chosen = digests.find((parameters) => (parameters.get("algorithm") ?? "MD5").toUpperCase() === name);
    const usable = chosen && read(chosen, hash);
    if (usable) return usable;
  }
  return undefined;
}

function read(parameters: Map<string, string>, hash: DigestChallenge["hash"]): DigestChallenge | undefined {
  const realm = parameters.get("realm");
  const nonce = parameters.get("nonce");
  const opaque = parameters.get("opaque");
  const algorithm = parameters.get("algorithm");
  const offersAuth = /(?:^|[\s,])auth(?:[\s,]|$)/i.test(parameters.get("qop") ?? "");
  if (realm === undefined || !nonce || !offersAuth) return undefined;
  if (![realm, nonce, opaque ?? ""].every((value) => PRINTABLE.test(value))) return undefined;
  return {
    realm,
    nonce,
    ...(opaque === undefined ? {} : { opaque }),
    ...(algorithm === undefined ? {} : { algorithm }),
    hash,
    stale: parameters.get("stale")?.toLowerCase() === "true",
  };
}

/** The nonce that Authentication-Info names for the next request (RFC 7616 section 3.5). */
function nextNonce(header = ""): string | undefined {
  const nonce = parseParameters(header).get("nextnonce");
  return nonce && PRINTABLE.test(nonce) ? nonce : undefined;
}

/** The Authorization header that answers a challenge (RFC 7616 section 3.4). */
export function answerChallenge(challenge: DigestChallenge, key: ApiKey, request: DigestRequest): string {
  const { realm, nonce, opaque, algorithm, hash } = challenge;
  const { method, uri, cnonce } = request;
  const digest = (text: string) => createHash(hash).update(text).digest("hex");
  const nc = request.count.toString(16).padStart(8, "0");
  const a1 = digest(`${key.publicKey}:${realm}:${key.privateKey}`);
  const a2 = digest(`${method}:${uri}`);
  const response = digest(`${a1}:${nonce}:${nc}:${cnonce}:auth:${a2}`);
  const fields = [
    `username=${quote(key.publicKey)}`,
    `realm=${quote(realm)}`,
    `uri=${quote(uri)}`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    `nonce=${quote(nonce)}`,
    `nc=${nc}`,
    `cnonce=${quote(cnonce)}`,
    "qop=auth",
    `response=${quote(response)}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ];
  return `Digest ${fields.join(", ")}`;
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

/** One challenge of a WWW-Authenticate header; names are in lower case, values unquoted. */
export interface Challenge {
  scheme: string;
  parameters: Map<string, string>;
}

// RFC 9110 sections 5.6.2 to 5.6.4 and 11.2. All are sticky: they match where reading has come to, or not at all.
const SEPARATORS = /[ \t,]*/y;
const SCHEME = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t,]|$)[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*(?=,|$)/sy;

/**
 * The challenges of one or several WWW-Authenticate headers (RFC 9110 section 11.6.1), in their order. Never throws: reading
 * of a header ends where it breaks the grammar, and a challenge that is broken itself is left out.
 */
export function parseChallenges(headers: string | string[] | undefined): Challenge[] {
  return [headers ?? []].flat().flatMap(parseHeader);
}

/** The parameters of a header that is a plain list of them, such as Authentication-Info (RFC 7615). */
export function parseParameters(header: string): Map<string, string> {
  return parseHeader(`list ${header}`)[0]?.parameters ?? new Map();
}

function parseHeader(text: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    if (at === text.length) return challenges;
    const current = challenges.at(-1);
    const parameter = current && take(PARAMETER);
    if (parameter) {
      const [, name = "", quoted, plain = ""] = parameter;
      const known = current.parameters.has(name.toLowerCase());
      if (known) return challenges.slice(0, -1); // Each name at most once: nobody can say which one is meant.
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, "$1") ?? plain);
      continue;
    }
    const scheme = take(SCHEME);
    // What follows is neither parameter nor challenge, so the one it belongs to is broken.
    if (!scheme) return challenges.slice(0, -1);
    challenges.push({ scheme: scheme[1]?.toLowerCase() ?? "", parameters: new Map() });
    take(TOKEN68);
  }
}
