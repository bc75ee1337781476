import type { Row } from "./api-rows.ts";
import type { CredentialRow, TokenRow } from "./credential-rows.ts";
import { POST, type Probe, READS, SAVES } from "./probes.ts";
import type { Cell } from "./run-cells.ts";
import type { Verdict } from "./verdicts.ts";

const ordersOf = (operation: string, fault: string) => `${operation}=${fault}`;

export function readCells(rows: readonly Pick<Row, "fault" | "read">[], probes: readonly Probe[] = READS): Cell[] {
  return rows.flatMap(({ fault, read }) =>
    probes.map((probe) => ({
      row: fault,
      probe,
      orders: ordersOf(probe.operation, fault),
      expected: read,
      jobs: 0,
      posts: 0,
    })),
  );
}

export function postCells(rows: readonly Row[]): Cell[] {
  return rows.map(({ fault, post, jobs, posts = 1 }) => ({
    row: fault,
    probe: POST,
    orders: ordersOf(POST.operation, fault),
    expected: post,
    jobs,
    posts,
  }));
}

/** A save ends as the request that it makes, unless the row says otherwise; its own request comes last. */
export function saveCells(rows: readonly Row[]): Cell[] {
  return rows.flatMap(({ fault, read, post, jobs, posts = 1, saves = {} }) =>
    SAVES.map((probe): Cell => {
      const { operation } = probe;
      const isPost = operation === "requestDownload";
      const ends = saves[operation] ?? (isPost ? post : read);
      const expected = operation === "getRestoreJob" ? kept(ends) : ends;
      const requests = operation === "getRestoreJob" || expected === "ok" ? 1 : 0;
      return {
        row: fault,
        probe,
        orders: ordersOf(operation, fault),
        expected,
        jobs: isPost ? jobs : requests,
        posts: isPost ? posts : requests,
      };
    }),
  );
}

/** The read that stands for all where only the signing differs. */
const SNAPSHOTS = READS.filter(({ operation }) => operation === "listSnapshots");

/** Once a job was requested, a failure that may pass leaves the save paused, so that the next call goes on with the job. */
function kept(ends: Verdict): Verdict {
  return typeof ends === "object" && "retryable" in ends && ends.retryable ? { paused: ends.errorCode } : ends;
}

const KINDS = ["serviceAccount", "apiKey", "accessToken"] as const;

/** One read and one download request under each kind of credentials, in groups that can share a server. */
export function credentialCells(rows: readonly CredentialRow[]): Cell[][] {
  return KINDS.flatMap((credentials) => {
    const cells = rows.flatMap(({ fault, read, post }): Cell[] => {
      const shared = { row: `${fault} (${credentials})`, credentials };
      const expected = post ?? read[credentials];
      return [
        ...readCells([{ fault, read: read[credentials] }], SNAPSHOTS).map((cell) => ({ ...cell, ...shared })),
        {
          ...{ ...shared, probe: POST, orders: ordersOf(POST.operation, fault), expected },
          jobs: expected === "ok" ? 1 : 0,
          // A Digest needs up to three requests to send one, of which Atlas looks at the last.
          posts: 3,
        },
      ];
    });
    // A service account gets another token once a minute, so each of these needs a server that has not done so.
    const alone = cells.filter(({ orders }) => credentials === "serviceAccount" && /401\*1|revoke/.test(orders));
    return [cells.filter((cell) => !alone.includes(cell)), ...alone.map((cell) => [cell])];
  });
}

/** One read and one download request of a service account that has no token, in groups that can share a server. */
export function tokenCells(rows: readonly TokenRow[]): Cell[][] {
  const cellsOf = ({ fault, ends }: TokenRow): Cell[] => {
    const shared = { row: `token ${fault}`, orders: ordersOf("token", fault), expected: ends };
    const done = ends === "ok" ? 1 : 0;
    const request = { ...shared, probe: POST, jobs: done, posts: done };
    return ends === "ok"
      ? [request]
      : [...SNAPSHOTS.map((probe) => ({ ...shared, probe, jobs: 0, posts: 0 })), request];
  };
  // A token lasts, and a refusal is repeated for ten seconds without asking again.
  const lasting = (row: TokenRow) => row.ends === "ok" || /^4/.test(row.fault) || row.fault === "echo-secret";
  return [rows.filter((row) => !lasting(row)).flatMap(cellsOf), ...rows.filter(lasting).map(cellsOf)];
}
