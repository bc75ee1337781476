import type { CredentialKind } from "../../src/simulator/simulated.ts";
import {
  type EnvelopeFacts,
  fromAtlas,
  fromCredentials,
  network,
  OUTCOME_UNKNOWN,
  unreadable,
  type Verdict,
} from "./verdicts.ts";

/** Faults that meet each kind of credentials in another way. */
export interface CredentialRow {
  fault: string;
  read: Record<CredentialKind, Verdict>;
  /** Of a download request, where it ends otherwise than a read. */
  post?: Verdict;
}

const invalidKey = fromCredentials(401, "INVALID_CREDENTIALS");
const rejectedToken = fromCredentials(401, "ACCESS_TOKEN_REJECTED");
const all = (verdict: Verdict) => ({ serviceAccount: verdict, apiKey: verdict, accessToken: verdict });
const rejected = { serviceAccount: fromCredentials(401), apiKey: invalidKey, accessToken: rejectedToken };

export const CREDENTIAL_ROWS: readonly CredentialRow[] = [
  { fault: "401", read: rejected },
  // Only a service account can get another token; Digest answers a second challenge only when it says stale.
  { fault: "401*1", read: { ...rejected, serviceAccount: "ok" } },
  { fault: "echo-secret", read: rejected },
  { fault: "USER_UNAUTHORIZED", read: all(fromCredentials(401, "USER_UNAUTHORIZED")) },
  { fault: "403", read: all(fromCredentials(403, "ACCESS_FORBIDDEN")) },
  { fault: "stale-nonce*1", read: all("ok") },
  { fault: "stale-nonce", read: { ...all("ok"), apiKey: unreadable(401) } },
  { fault: "reset-before*1", read: all("ok"), post: OUTCOME_UNKNOWN },
  { fault: "redirect@302", read: all(network("REDIRECT_REFUSED", false, 302)) },
  // Last, since nothing gives a ready-made token back.
  { fault: "revoke-tokens*1", read: { ...all("ok"), accessToken: rejectedToken } },
  { fault: "revoke-tokens", read: { ...rejected, apiKey: "ok" } },
];

/** Faults of the token endpoint; nothing was sent to the API then, so reads and download requests end alike. */
export interface TokenRow {
  fault: string;
  ends: Verdict;
}

const noToken = (error: number, facts: Partial<EnvelopeFacts> = {}) =>
  fromAtlas(error, "TOKEN_REQUEST_FAILED", { source: "credentials", retryable: true, ...facts });

export const TOKEN_ROWS: readonly TokenRow[] = [
  { fault: "reset-before", ends: network("CONNECTION_LOST") },
  { fault: "reset-before*1", ends: "ok" },
  { fault: "reset-after", ends: network("CONNECTION_LOST") },
  { fault: "cut", ends: network("CONNECTION_LOST") },
  { fault: "slow-headers@300", ends: "ok" },
  { fault: "trickle@1", ends: "ok" },
  { fault: "wrong-type", ends: "ok" },
  { fault: "unknown-status", ends: "ok" },
  ...["garbage", "empty", "deep", "nulls", "hostile"].map((fault) => ({ fault, ends: noToken(200) })),
  { fault: "no-content", ends: noToken(204) },
  { fault: "html", ends: noToken(502) },
  { fault: "huge", ends: { errorCode: "RESPONSE_TOO_LARGE", source: "atlas", retryable: false } },
  { fault: "redirect@307", ends: network("REDIRECT_REFUSED", false, 307) },
  { fault: "echo-secret", ends: fromCredentials(401, "INVALID_CREDENTIALS") },
  { fault: "400", ends: noToken(400, { retryable: false }) },
  { fault: "401", ends: fromCredentials(401, "INVALID_CREDENTIALS") },
  {
    fault: "403",
    ends: fromAtlas(403, "TOKEN_LIMIT_REACHED", { source: "credentials", retryable: true }),
  },
  { fault: "404", ends: noToken(404, { retryable: false }) },
  { fault: "429:retry-after=7", ends: noToken(429, { retryAfterSeconds: 7 }) },
  { fault: "429:retry-after=huge", ends: noToken(429, { retryAfterSeconds: 86_400 }) },
  { fault: "429:retry-after=garbage", ends: noToken(429) },
  ...[500, 502, 503, 504].map((status) => ({ fault: String(status), ends: noToken(status) })),
];
