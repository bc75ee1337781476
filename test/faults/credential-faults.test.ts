import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import { type Batch, type Cell, mismatchesIn, printTally, readCells, runInTurn } from "./cells.ts";
import { POST, READS } from "./probes.ts";
import {
  type EnvelopeFacts,
  fromAtlas,
  fromCredentials,
  network,
  OUTCOME_UNKNOWN,
  unreadable,
  type Verdict,
} from "./rows.ts";

/** A fault under which calls end differently for each kind of credentials. */
interface CredentialRow {
  fault: string;
  read: Record<CredentialKind, Verdict>;
  /** The verdict of a download request, where it differs from a read's. */
  post?: Verdict;
}

const invalidKey = fromCredentials(401, "INVALID_CREDENTIALS");
const rejectedToken = fromCredentials(401, "ACCESS_TOKEN_REJECTED");
const all = (verdict: Verdict) => ({ serviceAccount: verdict, apiKey: verdict, accessToken: verdict });
const rejected = {
  serviceAccount: fromCredentials(401, "UNEXPECTED_ERROR"),
  apiKey: invalidKey,
  accessToken: rejectedToken,
};

const CREDENTIAL_ROWS: readonly CredentialRow[] = [
  { fault: "401", read: rejected },
  { fault: "401+old-401", read: { ...rejected, serviceAccount: fromCredentials(401) } },
  // Only a service account can get another token. Digest answers a second challenge only when it is marked stale.
  { fault: "401*1", read: { ...rejected, serviceAccount: "ok" } },
  { fault: "echo-secret", read: rejected },
  { fault: "USER_UNAUTHORIZED", read: all(fromCredentials(401, "USER_UNAUTHORIZED")) },
  { fault: "403", read: all(fromCredentials(403, "ACCESS_FORBIDDEN")) },
  { fault: "stale-nonce*1", read: all("ok") },
  { fault: "stale-nonce", read: { ...all("ok"), apiKey: unreadable(401) } },
  { fault: "reset-before*1", read: all("ok"), post: OUTCOME_UNKNOWN },
  { fault: "redirect@302", read: all(network("REDIRECT_REFUSED", false, 302)) },
  // These two come last, since a revoked ready-made token stays revoked.
  { fault: "revoke-tokens*1", read: { ...all("ok"), accessToken: rejectedToken } },
  { fault: "revoke-tokens", read: { ...rejected, apiKey: "ok" } },
];

/** A fault of the token endpoint. Nothing has been sent to the API yet, so reads and download requests end alike. */
interface TokenRow {
  fault: string;
  ends: Verdict;
}

const noToken = (error: number, facts: Partial<EnvelopeFacts> = {}) =>
  fromAtlas(error, "TOKEN_REQUEST_FAILED", { source: "credentials", retryable: true, ...facts });

const TOKEN_ROWS: readonly TokenRow[] = [
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

/** One read stands for all reads, since only the signing differs. */
const SNAPSHOTS = READS.filter(({ operation }) => operation === "listSnapshots");

const KINDS = ["serviceAccount", "apiKey", "accessToken"] as const;

/** A read and a download request under each kind of credentials, in groups that can share a server. */
function credentialCells(rows: readonly CredentialRow[]): Cell[][] {
  return KINDS.flatMap((credentials) => {
    const cells = rows.flatMap(({ fault, read, post }): Cell[] => {
      const shared = { row: `${fault} (${credentials})`, credentials };
      const expected = post ?? read[credentials];
      return [
        ...readCells([{ fault, read: read[credentials] }], SNAPSHOTS).map((cell) => ({ ...cell, ...shared })),
        {
          ...{ ...shared, probe: POST, orders: `${POST.operation}=${fault}`, expected },
          jobs: expected === "ok" ? 1 : 0,
          // Digest authentication sends up to three requests, of which Atlas executes only the last.
          posts: 3,
        },
      ];
    });
    // A service account gets another token at most once a minute, so each of these cells needs a new server.
    const alone = cells.filter(({ orders }) => credentials === "serviceAccount" && /401\*1|revoke/.test(orders));
    return [cells.filter((cell) => !alone.includes(cell)), ...alone.map((cell) => [cell])];
  });
}

/** A read and a download request of a service account without a token, in groups that can share a server. */
function tokenCells(rows: readonly TokenRow[]): Cell[][] {
  const cellsOf = ({ fault, ends }: TokenRow): Cell[] => {
    const shared = { row: `token ${fault}`, orders: `token=${fault}`, expected: ends };
    const done = ends === "ok" ? 1 : 0;
    const request = { ...shared, probe: POST, jobs: done, posts: done };
    return ends === "ok"
      ? [request]
      : [...SNAPSHOTS.map((probe) => ({ ...shared, probe, jobs: 0, posts: 0 })), request];
  };
  // A server keeps a token, and repeats a refusal for ten seconds without asking again.
  const lasting = (row: TokenRow) => row.ends === "ok" || /^4/.test(row.fault) || row.fault === "echo-secret";
  return [rows.filter((row) => !lasting(row)).flatMap(cellsOf), ...rows.filter(lasting).map(cellsOf)];
}

/** Runs each group on its own station, a few at once, so that no group uses the server of another group. */
async function runApart(groups: readonly (readonly Cell[])[], atOnce: number): Promise<Batch> {
  const batches: Batch[] = [];
  const queue = groups.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const group of queue) {
        const credentials = group[0]?.credentials;
        batches.push(await runInTurn(group, 1, credentials ? { credentials } : {}));
      }
    }),
  );
  return { seen: batches.flatMap(({ seen }) => seen), complaints: batches.flatMap(({ complaints }) => complaints) };
}

const GROUPS = [...credentialCells(CREDENTIAL_ROWS), ...tokenCells(TOKEN_ROWS)];

let batch: Batch;
beforeAll(async () => {
  batch = await runApart(GROUPS, 6);
}, 150_000);
afterAll(() => printTally("Faults at credentials", [batch]));

describe.each([...new Set(GROUPS.flat().map(({ row }) => row))])("%s", (row) => {
  test("ends a read and a download request as its row says", () => {
    expect(mismatchesIn([batch], row)).toEqual([]);
  });
});

test("every server writes JSON-RPC to standard output and records to standard error, and ends with code 0", () => {
  expect(batch.complaints).toEqual([]);
});
