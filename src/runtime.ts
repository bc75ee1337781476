import { type Atlas, createAtlas } from "./atlas/client.ts";
import { unwrapEnvelope } from "./atlas/envelope.ts";
import { type Credentials, createSigner } from "./auth/sign.ts";
import { type Config, type Environment, isLoopback } from "./config.ts";
import type { SnapshotStore } from "./download/contract.ts";
import { createSnapshotStore } from "./download/store.ts";
import { ownFailure } from "./errors.ts";
import { withRetry } from "./http/retry.ts";
import type { Clock, Send } from "./http/send.ts";
import { createTransport } from "./http/transport.ts";
import type { Log } from "./logger.ts";
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
export interface Target {
  baseUrl: URL;
  credentials?: Credentials;
  close: () => Promise<void>;
}

export async function createRuntime(
  config: Config,
  edges: { clock: Clock; log: Log; redactor: Redactor; version: string; env: Environment },
): Promise<Runtime> {
  const { clock, log, redactor, version } = edges;
  const target = await targetOf(config, edges.env);
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
    log: ({ event, ...fields }) => log.info(fields, event),
  });
  return {
    atlas,
    store,
    async close() {
      await Promise.all([store.close(), signer.close()]);
      await Promise.all([transport.close(), target.close()]);
    },
  };
}

async function targetOf(config: Config, env: Environment): Promise<Target> {
  if (!config.simulate) return { ...config, close: async () => {} };
  const { startSimulatedTarget } = await import("./simulated-target.ts");
  return startSimulatedTarget(env);
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));
