import { createHash } from "node:crypto";
import { type Answer, type Seen, unauthorized } from "./atlas.ts";

export const KEY = { publicKey: "abcdefgh", privateKey: "5fa1-private:key" };

interface Rules {
  algorithm?: "MD5" | "SHA-256";
  privateKey?: string;
  /** How many requests a nonce may sign before it becomes stale. */
  nonceUses?: number;
  /** Whether every answer names the next nonce. */
  announceNext?: boolean;
  /** What an authenticated caller gets. */
  answer?: (request: Seen) => Answer;
}

/** The server's side of RFC 7616, strict in every respect; counts what it saw. */
export function digestServer({ algorithm = "MD5", privateKey = KEY.privateKey, ...rules }: Rules = {}) {
  const nonces = new Map<string, { uses: number; highest: number }>();
  const seen = { unsigned: 0, stale: 0, wrong: 0, accepted: 0 };
  const digest = (text: string) =>
    createHash(algorithm === "MD5" ? "md5" : "sha256")
      .update(text)
      .digest("hex");
  const newNonce = () => {
    const nonce = `nonce+/${nonces.size + 1}=`;
    nonces.set(nonce, { uses: 0, highest: 0 });
    return nonce;
  };
  const challenge = (stale: boolean): Answer => ({
    ...unauthorized,
    headers: {
      "www-authenticate": `Digest realm="MMS Public API", domain="", nonce="${newNonce()}", algorithm=${algorithm}, qop="auth", stale=${stale}, opaque="op"`,
    },
  });

  function handle(request: Seen): Answer {
    const authorization = request.headers.authorization;
    if (!authorization) {
      seen.unsigned += 1;
      return challenge(false);
    }
    const field = (name: string) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(authorization)?.[1] ?? "";
    const [nonce, nc, cnonce] = [field("nonce"), field("nc"), field("cnonce")];
    const ha1 = digest(`${KEY.publicKey}:MMS Public API:${privateKey}`);
    const expected = digest(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${digest(`${request.method}:${request.path}`)}`);
    const wellFormed = /^[0-9a-f]{32}$/.test(cnonce) && /^[0-9a-f]{8}$/.test(nc) && field("opaque") === "op";
    if (field("response") !== expected || field("uri") !== request.path || !wellFormed) {
      seen.wrong += 1;
      return challenge(false);
    }
    const known = nonces.get(nonce);
    const count = Number.parseInt(nc, 16);
    // RFC 7616 section 3.4.5: a count that does not rise may be a replay.
    if (!known || count <= known.highest || known.uses >= (rules.nonceUses ?? Number.POSITIVE_INFINITY)) {
      seen.stale += 1;
      return challenge(true);
    }
    known.uses += 1;
    known.highest = count;
    seen.accepted += 1;
    const answer = rules.answer?.(request) ?? { status: 200, body: { echo: request.body } };
    const next = { "authentication-info": `qop=auth, nextnonce="${rules.announceNext ? newNonce() : ""}"` };
    return rules.announceNext ? { ...answer, headers: { ...answer.headers, ...next } } : answer;
  }

  return { handle, seen, forget: () => nonces.clear() };
}
