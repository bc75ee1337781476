import type { OrderInput } from "./faults/orders.ts";
import type { RecordedRequest, Recorder } from "./recorder.ts";
import type { RestoreJob } from "./restore-jobs.ts";
import type { Environments } from "./simulated.ts";

/** What can be chosen when a simulator starts; everything has a default. */
export interface SimulatorOptions {
  /** Port of the API; 0 takes a free one. */
  port?: number;
  /** Port of the file host; 0 takes a free one. */
  filePort?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Misbehaviour from the start; see `parseOrders`. */
  orders?: OrderInput;
  /** Generated projects beside the two published ones, each with one Flex cluster and eight snapshots. */
  projects?: number;
  /** Milliseconds from the request to the link, for jobs that take time. */
  jobMs?: number;
  /** Unexpired download jobs a project may hold before TOO_MANY_SNAPSHOT_DOWNLOADS. */
  downloadLimit?: number;
  tokenLifetimeSeconds?: number;
  /** Token requests per minute and client. */
  tokenRequestsPerMinute?: number;
  /** Unexpired tokens a client may hold. */
  liveTokens?: number;
  /** Requests a bucket holds when full, and how many return to it per minute. */
  rateLimit?: { capacity: number; refillPerMinute: number };
  /** Which Digest challenges a 401 carries. */
  digest?: "MD5" | "SHA-256" | "both";
  nonceLifetimeMs?: number;
  /** Whether the status line of an enveloped failure keeps the status or says 200; Atlas does not document which. */
  envelopedFailures?: "keep-status" | "always-200";
  /** Size of the served files of data directories, exact above a minimum of about 40 kB. */
  snapshotBytes?: number;
  /** `incompressible`: about three quarters of the bytes are random. `compressible`: the file unpacks to about four times its size. */
  contents?: "incompressible" | "compressible";
  /** Bytes per second of one response of the file host; 0 means as fast as possible. */
  fileRateBytesPerSecond?: number;
}

type Settings = Required<SimulatorOptions>;

const DEFAULTS: Settings = {
  port: 0,
  filePort: 0,
  now: Date.now,
  orders: "",
  projects: 0,
  jobMs: 4_000,
  downloadLimit: 50,
  tokenLifetimeSeconds: 3_600,
  tokenRequestsPerMinute: 10,
  liveTokens: 100,
  // The figures that Atlas publishes for its Flex resources: 1200 requests, 500 more each minute.
  rateLimit: { capacity: 1_200, refillPerMinute: 500 },
  digest: "MD5",
  nonceLifetimeMs: 60_000,
  envelopedFailures: "keep-status",
  snapshotBytes: 64 * 1024 * 1024,
  contents: "incompressible",
  fileRateBytesPerSecond: 0,
};

export function settle(options: SimulatorOptions): Settings {
  return { ...DEFAULTS, ...options };
}

export interface Simulator {
  /** Origin of the API. */
  baseUrl: string;
  /** Origin of the file host. */
  fileBaseUrl: string;
  /** Variables that point a client here with the first service account; `environments` has all credentials. */
  environment: Record<string, string>;
  environments: Environments;
  /** Every request to either host, oldest first. */
  requests: readonly RecordedRequest[];
  count: Recorder["count"];
  /** Download jobs that were requested, oldest first; without those that exist from the start. */
  jobs: readonly RestoreJob[];
  /** Orders misbehaviour; throws a RangeError that lists the known words. */
  order: (input: OrderInput) => void;
  clearOrders: () => void;
  /** Links handed out so far stop working before their time. */
  expireLinks: () => void;
  /** No access token issued so far works any more, the ready-made ones included. */
  revokeTokens: () => void;
  /** The file of a snapshot changes: other bytes, another ETag. */
  replaceObject: (snapshotId: string) => void;
  /** Limits every response of the file host from now on; 0 lifts the limit. */
  setFileRate: (bytesPerSecond: number) => void;
  close: () => Promise<void>;
}
