import { type Atlas, createAtlas } from "./atlas/client.ts";
import { unwrapEnvelope } from "./atlas/envelope.ts";
import { withoutSecrets } from "./atlas/without-secrets.ts";
import { type Credentials, createSigner } from "./auth/sign.ts";
import type { Config } from "./config/parse.ts";
import { ownFailure } from "./core/errors.ts";
import type { Redactor } from "./core/redact.ts";
import type { Clock } from "./core/time.ts";
import { withRetry } from "./http/retry.ts";
import type { Send } from "./http/send.ts";
import { createTransport } from "./http/transport.ts";

/** The way to Atlas that every command shares. */
export interface AtlasAccess {
  baseUrl: URL;
  /** Sends to the same place, but without credentials and without repeating. */
  sendUnsigned: Send;
  atlas: Atlas;
  /** Gives the access token back. */
  signOut: () => Promise<void>;
  /** Closes every connection; the token is to be given back before. */
  close: () => Promise<void>;
}

export interface AccessEdges {
  clock: Clock;
  redactor: Redactor;
  version: string;
}

/** Where Atlas is: the real one as configured, or an embedded simulator with its own credentials. */
export interface Target {
  baseUrl: URL;
  credentials?: Credentials;
  close: () => Promise<void>;
}

/** Sends nothing yet. */
export async function openAtlas(config: Config, edges: AccessEdges): Promise<AtlasAccess> {
  const { clock, redactor, version } = edges;
  const target = await targetOf(config);
  const transport = createTransport({ proxy: config.proxy, userAgent: `atlas-flex-snapshots-mcp/${version}`, clock });
  const { credentials, baseUrl } = target;
  const unwrapped = unwrapEnvelope(transport.send);
  const signer = credentials
    ? createSigner(credentials, { baseUrl, send: unwrapped, clock, onSecret: redactor.addToken })
    : { send: withoutCredentials, close: async () => {} };
  return {
    baseUrl,
    sendUnsigned: unwrapped,
    atlas: createAtlas({
      baseUrl,
      send: withoutSecrets(redactor)(withRetry(clock)(signer.send)),
      clock,
      scrub: redactor.scrub,
    }),
    signOut: signer.close,
    async close() {
      await Promise.all([transport.close(), target.close()]);
    },
  };
}

async function targetOf(config: Config): Promise<Target> {
  if (!config.simulator) return { ...config, close: async () => {} };
  const { startSimulatedTarget } = await import("./server/simulated-target.ts");
  return startSimulatedTarget(config.simulator);
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));
