// The server's side of HTTP Digest (RFC 7616, qop `auth`, MD5), as the Atlas gateway offers it.
import { hash, randomBytes } from "node:crypto";
import { PRINCIPALS, type Principal } from "../simulated.ts";

const REALM = "MMS Public API";

/** Far more than one test run needs; above this number, the oldest nonces are forgotten. */
const MAX_NONCES = 10_000;

interface DigestGate {
  /** Who signed the request; `stale` if the credentials are right but the nonce is unknown, expired or replayed. */
  verify: (authorization: string, method: string, target: string) => { principal?: Principal; stale: boolean };
  /** A WWW-Authenticate value with a new nonce. */
  challenge: (stale: boolean) => string;
  /** Makes all nonces stale. */
  expireNonces: () => void;
}

export function createDigestGate({ now, nonceLifetimeMs }: { now: () => number; nonceLifetimeMs: number }): DigestGate {
  const nonces = new Map<string, { expiresAt: number; count: number }>();

  return {
    challenge: (stale) => {
      const oldest = nonces.keys().next();
      if (nonces.size >= MAX_NONCES && !oldest.done) nonces.delete(oldest.value);
      const nonce = randomBytes(24).toString("base64");
      nonces.set(nonce, { expiresAt: now() + nonceLifetimeMs, count: 0 });
      return `Digest realm="${REALM}", domain="", nonce="${nonce}", algorithm=MD5, qop="auth", stale=${stale}`;
    },
    expireNonces: () => {
      for (const nonce of nonces.values()) nonce.expiresAt = Number.NEGATIVE_INFINITY;
    },
    verify: (authorization, method, target) => {
      const refused = { stale: false };
      const given = parseDigest(authorization);
      const principal = PRINCIPALS.find(({ publicKey }) => publicKey === given?.get("username"));
      if (!given || !principal || given.get("realm") !== REALM || given.get("qop") !== "auth") return refused;
      if ((given.get("algorithm") ?? "MD5").toUpperCase() !== "MD5") return refused;
      const count = given.get("nc") ?? "";
      // RFC 7616 section 3.4.6: the uri must be the request target itself, including the query.
      if (given.get("uri") !== target || !given.get("cnonce") || !/^[0-9a-f]{8}$/i.test(count)) return refused;
      const secret = hash("md5", `${principal.publicKey}:${REALM}:${principal.privateKey}`);
      const request = hash("md5", `${method}:${target}`);
      const signed = `${secret}:${given.get("nonce")}:${count}:${given.get("cnonce")}:auth:${request}`;
      if (given.get("response")?.toLowerCase() !== hash("md5", signed)) return refused;
      // Section 3.3: a client whose nonce is stale may repeat the request with the new nonce.
      const nonce = nonces.get(given.get("nonce") ?? "");
      if (!nonce || nonce.expiresAt <= now() || Number.parseInt(count, 16) <= nonce.count) return { stale: true };
      nonce.count = Number.parseInt(count, 16);
      return { principal, stale: false };
    },
  };
}

/** The parameters of an `Authorization: Digest …` header (RFC 7616 section 3.4); undefined when it is malformed. */
function parseDigest(header: string): Map<string, string> | undefined {
  const scheme = /^Digest /i.exec(header);
  if (!scheme) return undefined;
  const parameters = new Map<string, string>();
  // name = token or quoted-string with escapes (RFC 9110 section 5.6.4), then a comma or the end.
  const parameter = /\s*([a-z0-9_-]+)\*?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))\s*(,|$)/iy;
  parameter.lastIndex = scheme[0].length;
  while (parameter.lastIndex < header.length) {
    const match = parameter.exec(header);
    if (!match) return undefined;
    const name = (match[1] ?? "").toLowerCase();
    if (parameters.has(name)) return undefined;
    parameters.set(name, match[2]?.replace(/\\(.)/g, "$1") ?? match[3] ?? "");
    if (match[4] === "") break;
  }
  return parameters;
}
