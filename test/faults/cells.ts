import { isDeepStrictEqual } from "node:util";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import type { SimulatorOptions } from "../../src/simulator/simulator.ts";
import { POST, type Probe, READS, SAVES } from "./probes.ts";
import { type Row, type Verdict, verdictOf, worded } from "./rows.ts";
import { openStation, type Station } from "./station.ts";

/** One call under one fault, and how it must end. */
export interface Cell {
  row: string;
  probe: Probe;
  /** The fault, as the simulator is ordered to show it. */
  orders: string;
  expected: Verdict;
  jobs: number;
  /** Download requests that may be sent. */
  posts: number;
  credentials?: CredentialKind;
}

interface Seen {
  cell: Cell;
  /** How the call differed from what was expected; absent if it did not. */
  mismatch?: string;
  ms: number;
}

export interface Batch {
  seen: Seen[];
  /** Errors in the servers' output or in how they ended. */
  complaints: string[];
}

interface StationOptions {
  credentials?: CredentialKind;
  simulator?: SimulatorOptions;
}

export function readCells(rows: readonly Pick<Row, "fault" | "read">[], probes: readonly Probe[] = READS): Cell[] {
  return rows.flatMap(({ fault, read }) =>
    probes.map((probe) => ({
      row: fault,
      probe,
      orders: `${probe.operation}=${fault}`,
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
    orders: `${POST.operation}=${fault}`,
    expected: post,
    jobs,
    posts,
  }));
}

/** A save ends like the spoiled request, unless the row says otherwise. */
export function saveCells(rows: readonly Row[]): Cell[] {
  return rows.flatMap(({ fault, read, post, jobs, posts = 1, saves = {} }) =>
    SAVES.map((probe): Cell => {
      const { operation } = probe;
      const isPost = operation === "requestDownload";
      const ends = saves[operation] ?? (isPost ? asSave(post, read) : read);
      const expected = operation === "getRestoreJob" ? afterRequest(ends) : ends;
      const requests = operation === "getRestoreJob" || expected === "ok" ? 1 : 0;
      return {
        row: fault,
        probe,
        orders: `${operation}=${fault}`,
        expected,
        jobs: isPost ? jobs : requests,
        posts: isPost ? posts : requests,
      };
    }),
  );
}

/** If only the read may be repeated, the outcome of the request is unknown. A repeated save looks for its job first. */
function asSave(post: Verdict, read: Verdict): Verdict {
  const isRepeatable = (verdict: Verdict) => typeof verdict === "object" && "retryable" in verdict && verdict.retryable;
  return typeof post === "object" && "retryable" in post && isRepeatable(read) ? { ...post, retryable: true } : post;
}

/** Once a job was requested, a retryable failure pauses the save, so that the next call continues with the same job. */
function afterRequest(ends: Verdict): Verdict {
  return typeof ends === "object" && "retryable" in ends && ends.retryable ? { paused: ends.errorCode } : ends;
}

/** Spreads the cells over a few stations, each of which runs one cell at a time. */
export async function runInTurn(
  cells: readonly Cell[],
  stations: number,
  options: StationOptions = {},
): Promise<Batch> {
  const seen: Seen[] = [];
  const queue = cells.entries();
  const complaints = await Promise.all(
    Array.from({ length: Math.min(stations, cells.length) }, async () => {
      const station = await openStation(options);
      for (const [index, cell] of queue) {
        station.simulator.order(cell.orders);
        seen.push(await run(station, cell, index + 1));
        station.simulator.clearOrders();
      }
      return station.close();
    }),
  );
  return { seen, complaints: complaints.flat() };
}

/** Runs all cells at once on one station, with the orders of all cells; their jobs are counted together. */
export async function runAtOnce(cells: readonly Cell[], options: StationOptions = {}): Promise<Batch> {
  const station = await openStation(options);
  for (const { orders } of cells) station.simulator.order(orders);
  const seen = await Promise.all(cells.map((cell, index) => run(station, { ...cell, jobs: Number.NaN }, index + 1)));
  const jobs = cells.reduce((sum, cell) => sum + cell.jobs, 0);
  const created = station.simulator.jobs.length;
  const complaints = await station.close();
  return { seen, complaints: created === jobs ? complaints : [...complaints, `${created} jobs instead of ${jobs}`] };
}

/** Messages of Node, undici and zod, which may quote secrets. */
const FOREIGN =
  /(read|write|connect) E[A-Z]+|other side closed|socket hang up|terminated|(headers|body) timeout|unexpected (token|end)|at position|invalid (url|header|input)|max size/i;

async function run({ simulator, server }: Station, cell: Cell, number: number): Promise<Seen> {
  const { probe, expected } = cell;
  const before = { jobs: simulator.jobs.length, posts: simulator.count("requestDownload") };
  const startedAt = performance.now();
  const ended = await server.call(probe.tool, probe.args(number)).then(
    (result) => ({ verdict: verdictOf(result), text: result.content[0].text }),
    (error: unknown) => ({ verdict: String(error), text: "" }),
  );
  const ms = performance.now() - startedAt;
  const jobs = simulator.jobs.length - before.jobs;
  const posts = simulator.count("requestDownload") - before.posts;
  const mismatch = [
    FOREIGN.test(ended.text) ? `passes on a foreign message: ${ended.text.slice(0, 300)}` : "",
    isDeepStrictEqual(ended.verdict, expected)
      ? ""
      : `${worded(ended.verdict)} instead of ${worded(expected)}: ${ended.text.slice(0, 300)}`,
    Number.isNaN(cell.jobs) || jobs === cell.jobs ? "" : `${jobs} jobs instead of ${cell.jobs}`,
    Number.isNaN(cell.jobs) || posts <= cell.posts ? "" : `${posts} download requests`,
  ].filter(Boolean);
  return { cell, ms, ...(mismatch.length > 0 ? { mismatch: `${probe.title}: ${mismatch.join("; ")}` } : {}) };
}

/** How the calls of one row, or of all rows, differed from what was expected. */
export const mismatchesIn = (batches: readonly Batch[], row?: string): string[] =>
  batches
    .flatMap(({ seen }) => seen)
    .flatMap(({ cell, mismatch }) => (mismatch && (row === undefined || cell.row === row) ? [mismatch] : []));

/** Prints how many calls of each row ended as expected. */
export function printTally(title: string, batches: readonly Batch[]): void {
  const seen = batches.flatMap((batch) => batch.seen);
  const rows = [...new Set(seen.map(({ cell }) => cell.row))];
  const lines = rows.map((row) => {
    const cells = seen.filter(({ cell }) => cell.row === row);
    const slowest = Math.max(...cells.map(({ ms }) => ms));
    return [row, `${cells.length}`, `${cells.filter(isRight).length}`, `${(slowest / 1_000).toFixed(1)} s`];
  });
  const table = [
    ["fault", "expected", "seen", "slowest"],
    ...lines,
    ["all", `${seen.length}`, `${seen.filter(isRight).length}`, ""],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const printed = table.map((cells) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
  process.stdout.write(`\n${title}\n${printed.join("\n")}\n`);
}

const isRight = ({ mismatch }: Seen) => mismatch === undefined;
