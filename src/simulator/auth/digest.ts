import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { PRINCIPALS, type Principal } from "../simulated.ts";

const REALM = "MMS Public API";

/** Nonces remembered at most; far above what one test run needs. */
const MAX_NONCES = 10_000;

type DigestAlgorithm = "MD5" | "SHA-256";

type DigestVerdict = { kind: "accepted"; principal: Principal } | { kind: "refused"; stale: boolean };

export interface DigestGate {
  verify: (authorization: string, method: string, target: string) => DigestVerdict;
  /** One WWW-Authenticate value per algorithm offered, each with a nonce of its own. */
  challenges: (stale: boolean) => string[];
  /** Every nonce issued so far becomes stale. */
  expireNonces: () => void;
}

/** The server's side of HTTP Digest, RFC 7616, qop `auth` only, as the Atlas gateway offers it. */
export function createDigestGate(options: {
  now: () => number;
  nonceLifetimeMs: number;
  digest: DigestAlgorithm | "both";
}): DigestGate {
  const { now, nonceLifetimeMs, digest } = options;
  const algorithms: DigestAlgorithm[] = digest === "both" ? ["SHA-256", "MD5"] : [digest];
  const nonces = new Map<string, { algorithm: DigestAlgorithm; expiresAt: number; count: number }>();

  function issue(algorithm: DigestAlgorithm): string {
    const oldest = nonces.keys().next();
    if (nonces.size >= MAX_NONCES && !oldest.done) nonces.delete(oldest.value);
    const nonce = randomBytes(24).toString("base64");
    nonces.set(nonce, { algorithm, expiresAt: now() + nonceLifetimeMs, count: 0 });
    return nonce;
  }

  return {
    challenges: (stale) =>
      algorithms.map(
        (algorithm) =>
          `Digest realm="${REALM}", domain="", nonce="${issue(algorithm)}", algorithm=${algorithm}, qop="auth", stale=${stale}`,
      ),
    expireNonces: () => {
      for (const nonce of nonces.values()) nonce.expiresAt = Number.NEGATIVE_INFINITY;
    },
    verify: (authorization, method, target) => {
      const refused = (stale = false): DigestVerdict => ({ kind: "refused", stale });
      const given = parseDigest(authorization);
      const principal = PRINCIPALS.find(({ publicKey }) => publicKey === given?.get("username"));
      if (!given || !principal || given.get("realm") !== REALM || given.get("qop") !== "auth") return refused();
      const nonce = nonces.get(given.get("nonce") ?? "");
      const algorithm = given.get("algorithm") ?? "MD5";
      const count = given.get("nc") ?? "";
      const answered = given.get("response") ?? "";
      // RFC 7616 section 3.4.6: the uri must be the request target itself, query included.
      if (given.get("uri") !== target || !given.get("cnonce") || !/^[0-9a-f]{8}$/i.test(count)) return refused();
      if (nonce && algorithm.toUpperCase() !== nonce.algorithm) return refused();
      if (algorithm.toUpperCase() !== "MD5" && algorithm.toUpperCase() !== "SHA-256") return refused();
      const hash = (text: string) =>
        createHash(algorithm.toUpperCase() === "MD5" ? "md5" : "sha256")
          .update(text)
          .digest("hex");
      const secret = hash(`${principal.publicKey}:${REALM}:${principal.privateKey}`);
      const request = hash(`${method}:${target}`);
      const expected = hash(
        `${secret}:${given.get("nonce")}:${count}:${given.get("cnonce")}:${given.get("qop")}:${request}`,
      );
      if (!isEqual(answered.toLowerCase(), expected)) return refused();
      // Right credentials with an unknown, expired or replayed nonce: section 3.3 lets the client try again at once.
      if (!nonce || nonce.expiresAt <= now() || Number.parseInt(count, 16) <= nonce.count) return refused(true);
      nonce.count = Number.parseInt(count, 16);
      return { kind: "accepted", principal };
    },
  };
}

function isEqual(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The parameters of one `Authorization: Digest …` header (RFC 7616 section 3.4), undefined when it is malformed. */
function parseDigest(header: string): Map<string, string> | undefined {
  const scheme = /^Digest\s+/i.exec(header);
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
