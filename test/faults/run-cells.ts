import { isDeepStrictEqual } from "node:util";
import type { SimulatorOptions } from "../../src/simulator/options.ts";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import type { Probe } from "./probes.ts";
import { openStation, type Station } from "./station.ts";
import { type Verdict, verdictOf, worded } from "./verdicts.ts";

/** One call under one misbehaviour, and how it must end. */
export interface Cell {
  row: string;
  probe: Probe;
  /** For the simulator. */
  orders: string;
  expected: Verdict;
  jobs: number;
  /** Download requests that may be sent. */
  posts: number;
  credentials?: CredentialKind;
}

export interface Seen {
  cell: Cell;
  /** What differs from what was expected; nothing when the call ended as it must. */
  mismatch?: string;
  ms: number;
}

export interface Batch {
  seen: Seen[];
  /** What was wrong with the servers' output or end. */
  complaints: string[];
}

interface StationOptions {
  credentials?: CredentialKind;
  simulator?: SimulatorOptions;
}

/** Runs each cell alone on one of a few stations, which take the cells in turn. */
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

/** Runs each group on a station of its own, a few at once: what one leaves in its server cannot meet another. */
export async function runApart(groups: readonly (readonly Cell[])[], atOnce: number): Promise<Batch> {
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

/** Runs all cells at once on one station, whose orders last; what they create is counted together. */
export async function runAtOnce(cells: readonly Cell[], options: StationOptions = {}): Promise<Batch> {
  const station = await openStation(options);
  for (const { orders } of cells) station.simulator.order(orders);
  const seen = await Promise.all(cells.map((cell, index) => run(station, { ...cell, jobs: Number.NaN }, index + 1)));
  const jobs = cells.reduce((sum, cell) => sum + cell.jobs, 0);
  const created = station.simulator.jobs.length;
  const complaints = await station.close();
  return { seen, complaints: created === jobs ? complaints : [...complaints, `${created} jobs instead of ${jobs}`] };
}

/** Messages of Node, undici and zod: they may quote what must stay inside. */
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
