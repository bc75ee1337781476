import { createHash } from "node:crypto";
import { type Challenge, parseParameters } from "./challenge.ts";

export interface ApiKey {
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
export function nextNonce(header = ""): string | undefined {
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
