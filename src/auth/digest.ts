// Signs with an API key: HTTP Digest (RFC 7616), from reading the server's challenge to answering it.
import { createHash, randomBytes } from "node:crypto";
import { ownFailure } from "../core/errors.ts";
import { type HttpRequest, type HttpResponse, headerOf } from "../http/messages.ts";
import { rejectsCredentials, type Signer, type SignerContext } from "./signer.ts";

const NO_CHALLENGE = "A request with an API key was rejected without a Digest challenge that this program can answer.";
const ALWAYS_STALE =
  "Every nonce was called stale, also the one that was just issued, so nobody has judged the API key.";

/** Strongest first. MD5 is the default of RFC 7616 section 3.3, and Atlas uses it. */
const HASHES = [
  ["SHA-256", "sha256"],
  ["MD5", "md5"],
] as const;

/** The server's values are sent back unchanged, in quotes, so they must be printable ASCII. */
const PRINTABLE = /^[\x20-\x7e]*$/;

interface ApiKey {
  publicKey: string;
  privateKey: string;
}

interface Session {
  challenge: DigestChallenge;
  /** How many requests the nonce of the challenge has signed. */
  count: number;
}

/**
 * The nonce of an accepted request is shared: later requests use it with rising counts and need no challenge of their own. If
 * they arrive out of order, a strict server calls the nonce stale. A request refused for this is repeated with the nonce of
 * its own new challenge, which no other request uses.
 */
export function signWithApiKey(key: ApiKey, { send }: Pick<SignerContext, "send">): Signer {
  let shared: Session | undefined;

  async function sendSigned(request: HttpRequest, session: Session): Promise<HttpResponse> {
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
      const first = await (known ? sendSigned(request, known) : send(request));
      // An unsigned request does not say who is calling, so an error code in its 401 is no verdict on roles.
      if (known ? !isRefused(first) : first.status !== 401) return first;
      const { status: error } = first;
      const fresh = challengeOf(first);
      if (!fresh && !known) throw ownFailure("UNREADABLE_RESPONSE", { error, detail: NO_CHALLENGE, retryable: false });
      if (!fresh) throw ownFailure("INVALID_CREDENTIALS", { error });

      const second = await sendSigned(request, { challenge: fresh, count: 0 });
      if (!isRefused(second)) return second;
      const again = challengeOf(second);
      if (!again?.stale) throw ownFailure("INVALID_CREDENTIALS", { error });

      const third = await sendSigned(request, { challenge: again, count: 0 });
      if (!isRefused(third)) return third;
      throw challengeOf(third)?.stale
        ? ownFailure("UNREADABLE_RESPONSE", { error, detail: ALWAYS_STALE })
        : ownFailure("INVALID_CREDENTIALS", { error });
    },

    close: async () => {
      // Digest leaves nothing behind at Atlas.
    },
  };
}

/** A 401 that calls the nonce stale is only about the nonce, whatever error code it has: Atlas has not looked at roles yet. */
function isRefused(response: HttpResponse): boolean {
  return rejectsCredentials(response) || (response.status === 401 && challengeOf(response)?.stale === true);
}

function challengeOf(response: HttpResponse): DigestChallenge | undefined {
  return chooseChallenge(parseChallenges(response.headers["www-authenticate"]));
}

/** One challenge of a WWW-Authenticate header; names are in lower case, values unquoted. */
export interface Challenge {
  scheme: string;
  parameters: Map<string, string>;
}

/**
 * Reads the challenges of one or several WWW-Authenticate headers (RFC 9110 section 11.6.1) in their order. Never throws: it
 * stops reading a header where the grammar is broken, and leaves out the broken challenge.
 */
export function parseChallenges(headers: string | string[] | undefined): Challenge[] {
  return [headers ?? []].flat().flatMap(parseHeader);
}

/** Reads a header that is a plain list of parameters, such as Authentication-Info (RFC 7615). */
export function parseParameters(header: string): Map<string, string> {
  return parseHeader(`list ${header}`)[0]?.parameters ?? new Map();
}

/** The nonce that Authentication-Info names for the next request (RFC 7616 section 3.5). */
function nextNonce(header = ""): string | undefined {
  const nonce = parseParameters(header).get("nextnonce");
  return nonce && PRINTABLE.test(nonce) ? nonce : undefined;
}

// RFC 9110 sections 5.6.2 to 5.6.4 and 11.2. All are sticky: they match at the current position or not at all.
const SEPARATORS = /[ \t,]*/y;
const SCHEME = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t,]|$)[ \t]*/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;
const PARAMETER =
  /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))[ \t]*(?=,|$)/sy;

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
      if (known) return challenges.slice(0, -1); // A repeated name makes the challenge ambiguous.
      current.parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, "$1") ?? plain);
      continue;
    }
    const scheme = take(SCHEME);
    // Neither a parameter nor a new challenge, so the current challenge is broken.
    if (!scheme) return challenges.slice(0, -1);
    challenges.push({ scheme: scheme[1]?.toLowerCase() ?? "", parameters: new Map() });
    take(TOKEN68);
  }
}

/** A challenge that this program can answer: quality of protection `auth` and a hash that Node has. */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque?: string;
  /** As the server spelt it; absent when the server relies on the default. */
  algorithm?: string;
  hash: "sha256" | "md5";
  /** The server rejects the nonce, not the credentials. */
  stale: boolean;
}

/** Chooses the strongest challenge that this program supports, the first among equals. */
export function chooseChallenge(challenges: readonly Challenge[]): DigestChallenge | undefined {
  const digests = challenges.filter(({ scheme }) => scheme === "digest").map(({ parameters }) => parameters);
  for (const [name, hash] of HASHES) {
    const chosen = digests.find((parameters) => (parameters.get("algorithm") ?? "MD5").toUpperCase() === name);
    const usable = chosen && usableChallenge(chosen, hash);
    if (usable) return usable;
  }
  return undefined;
}

function usableChallenge(parameters: Map<string, string>, hash: DigestChallenge["hash"]): DigestChallenge | undefined {
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

/**
 * The Authorization header that answers a challenge (RFC 7616 section 3.4). `uri` is the request target with its query;
 * `count` is how many requests this nonce has signed, including this one.
 */
export function answerChallenge(
  { realm, nonce, opaque, algorithm, hash }: DigestChallenge,
  { publicKey, privateKey }: ApiKey,
  { method, uri, count, cnonce }: { method: string; uri: string; count: number; cnonce: string },
): string {
  const digest = (text: string) => createHash(hash).update(text).digest("hex");
  const nc = count.toString(16).padStart(8, "0");
  const a1 = digest(`${publicKey}:${realm}:${privateKey}`);
  const a2 = digest(`${method}:${uri}`);
  const response = digest(`${a1}:${nonce}:${nc}:${cnonce}:auth:${a2}`);
  const fields = [
    `username=${quote(publicKey)}`,
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
