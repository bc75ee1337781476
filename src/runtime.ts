import { type Atlas, createAtlas } from "./atlas/client.ts";
import { unwrapEnvelope } from "./atlas/envelope.ts";
import { type Credentials, createSigner } from "./auth/sign.ts";
import { type Config, isLoopback } from "./config.ts";
import type { SnapshotStore } from "./download/contract.ts";
import { createSnapshotStore } from "./download/store.ts";
import { ownFailure } from "./errors.ts";
import { withRetry } from "./http/retry.ts";
import type { Clock, Send } from "./http/send.ts";
import { createTransport } from "./http/transport.ts";
import type { Redactor } from "./redact.ts";
import { createSnapshotSource } from "./tools/snapshot-source.ts";

/** Everything behind the tools, made at the first call so that starting costs nothing and touches nothing. */
export interface Runtime {
  atlas: Atlas;
  store: SnapshotStore;
  /** Ends what runs and gives the access token back. */
  close: () => Promise<void>;
}

/** Where Atlas is: the real one as configured, or an embedded simulator with its own credentials. */
interface Target {
  baseUrl: URL;
  credentials?: Credentials;
  close: () => Promise<void>;
}

export async function createRuntime(
  config: Config,
  edges: { clock: Clock; redactor: Redactor; version: string; env: NodeJS.ProcessEnv },
): Promise<Runtime> {
  const { clock, redactor, version } = edges;
  const target = config.simulate ? await simulatedTarget(edges.env) : { ...config, close: async () => {} };
  const transport = createTransport({ proxy: config.proxy, userAgent: `atlas-flex-snapshots-mcp/${version}`, clock });
  const { credentials, baseUrl } = target;
  const unwrapped = unwrapEnvelope(transport.send);
  const signer = credentials
    ? createSigner(credentials, { baseUrl, send: unwrapped, clock, onSecret: redactor.add })
    : { send: withoutCredentials, close: async () => {} };
  const atlas = createAtlas({ baseUrl, send: withRetry(clock)(signer.send), clock, scrub: redactor.scrub });
  const store = createSnapshotStore({
    directory: config.downloadDir,
    filePrefix: config.simulate ? "simulated-" : "",
    source: createSnapshotSource({ atlas, clock }),
    checkWorker: new URL("./archive-check-worker.js", import.meta.url),
    allowLoopback: isLoopback(baseUrl),
    fileHosts: config.fileHosts,
    proxy: config.proxy,
    clock,
  });
  return {
    atlas,
    store,
    async close() {
      await store.close();
      await signer.close();
      await Promise.all([transport.close(), target.close()]);
    },
  };
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));

async function simulatedTarget(env: NodeJS.ProcessEnv): Promise<Target> {
  const { SIMULATED, startSimulator } = await import("./simulator/simulator.ts");
  const simulator = await startSimulator({ orders: env.ATLAS_FLEX_SIMULATOR_ORDERS ?? "" });
  const { clientId, clientSecret } = SIMULATED;
  return {
    baseUrl: new URL(simulator.baseUrl),
    credentials: { kind: "service-account", clientId, clientSecret },
    close: simulator.close,
  };
}
