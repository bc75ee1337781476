import { type Atlas, createAtlas } from "./atlas/client.ts";
import { unwrapEnvelope } from "./atlas/envelope.ts";
import { type Credentials, createSigner } from "./auth/sign.ts";
import type { Config } from "./config.ts";
import { ownFailure } from "./errors.ts";
import { withRetry } from "./http/retry.ts";
import type { Clock, Send } from "./http/send.ts";
import { createTransport } from "./http/transport.ts";
import type { Redactor } from "./redact.ts";

/** The way to Atlas that every command shares. */
export interface AtlasAccess {
  baseUrl: URL;
  /** Sends to the same place as it is: without credentials, without repeating. */
  sendUnsigned: Send;
  atlas: Atlas;
  /** Gives the access token back and closes every connection. */
  close: () => Promise<void>;
}

export interface AccessEdges {
  clock: Clock;
  redactor: Redactor;
  version: string;
  env: Readonly<Record<string, string | undefined>>;
}

/** Where Atlas is: the real one as configured, or an embedded simulator with its own credentials. */
interface Target {
  baseUrl: URL;
  credentials?: Credentials;
  close: () => Promise<void>;
}

export async function openAtlas(config: Config, edges: AccessEdges): Promise<AtlasAccess> {
  const { clock, redactor, version } = edges;
  const target = config.simulate ? await simulatedTarget(edges.env) : { ...config, close: async () => {} };
  const transport = createTransport({ proxy: config.proxy, userAgent: `atlas-flex-snapshots-mcp/${version}`, clock });
  const { credentials, baseUrl } = target;
  if (credentials) redactor.add(secretOf(credentials));
  const unwrapped = unwrapEnvelope(transport.send);
  const signer = credentials
    ? createSigner(credentials, { baseUrl, send: unwrapped, clock, onSecret: redactor.add })
    : { send: withoutCredentials, close: async () => {} };
  return {
    baseUrl,
    sendUnsigned: unwrapped,
    atlas: createAtlas({ baseUrl, send: withRetry(clock)(signer.send), clock, scrub: redactor.scrub }),
    async close() {
      await signer.close();
      await Promise.all([transport.close(), target.close()]);
    },
  };
}

const withoutCredentials: Send = () => Promise.reject(ownFailure("CREDENTIALS_MISSING"));

function secretOf(credentials: Credentials): string {
  switch (credentials.kind) {
    case "service-account":
      return credentials.clientSecret;
    case "api-key":
      return credentials.privateKey;
    case "access-token":
      return credentials.token;
  }
}

async function simulatedTarget(env: AccessEdges["env"]): Promise<Target> {
  const { SIMULATED, startSimulator } = await import("./simulator/simulator.ts");
  const simulator = await startSimulator({ orders: env.ATLAS_FLEX_SIMULATOR_ORDERS ?? "" });
  const { clientId, clientSecret } = SIMULATED;
  return {
    baseUrl: new URL(simulator.baseUrl),
    credentials: { kind: "service-account", clientId, clientSecret },
    close: simulator.close,
  };
}
