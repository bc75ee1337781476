import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { SimulatorOptions } from "../../src/simulator/options.ts";
import type { CredentialKind } from "../../src/simulator/simulated.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { CLUSTER } from "../fixtures.ts";
import { SCRATCH } from "../scratch.ts";
import { credentialsOf, leaksIn, signaturesOf } from "../secrets/sentinels.ts";
import { type StdioServer, startStdioServer } from "./stdio-server.ts";

/** A simulator and the built server that talks to it, with a download folder of its own. */
export interface Station {
  simulator: Simulator;
  server: StdioServer;
  folder: string;
  /** Another process with the same environment and folder; it ends with the station. */
  again: () => Promise<StdioServer>;
  /** Ends everything; resolves to what was wrong with the server's output or its end. */
  close: () => Promise<string[]>;
}

export async function openStation({
  credentials = "serviceAccount",
  simulator: options = {},
  args = [],
  env = {},
}: {
  credentials?: CredentialKind;
  simulator?: SimulatorOptions;
  args?: string[];
  env?: Record<string, string>;
} = {}): Promise<Station> {
  const folder = await mkdtemp(join(SCRATCH, "faults-"));
  // Limits of their own would answer in place of what is tested.
  const simulator = await startSimulator({
    tokenRequestsPerMinute: 1_000,
    liveTokens: 1_000,
    rateLimit: { capacity: 1_000_000, refillPerMinute: 1_000_000 },
    downloadLimit: 1_000,
    snapshotBytes: 100_000,
    ...options,
  });
  const start = () =>
    startStdioServer({
      args,
      env: {
        HOME: folder,
        ATLAS_FLEX_DOWNLOAD_DIR: join(folder, "snapshots"),
        ATLAS_FLEX_LOG_LEVEL: "trace",
        ...simulator.environments.owner[credentials],
        ...env,
      },
    });
  const server = await start();
  const others: StdioServer[] = [];
  return {
    simulator,
    server,
    folder,
    again: async () => {
      const other = await start();
      others.push(other);
      return other;
    },
    close: async () => {
      simulator.clearOrders();
      const signatures = await signaturesOf(simulator, CLUSTER);
      const { code, signal } = await server.leave();
      for (const other of others) await other.leave();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
      const unfit = server.output.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
      return [
        ...server.violations.map((line) => `no JSON-RPC on stdout: ${line}`),
        ...unfit.map((line) => `no log record on stderr: ${line}`),
        ...leaksIn(server.output.stdout + server.output.stderr, credentialsOf(simulator)),
        ...leaksIn(server.output.stderr, signatures),
        ...(code === 0 ? [] : [`ended with code ${code}, signal ${signal}`]),
      ];
    },
  };
}
