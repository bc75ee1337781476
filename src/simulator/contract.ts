import type { Environments } from "./environments.ts";
import type { OrderInput } from "./faults/orders.ts";
import type { RecordedRequest, Recorder } from "./recorder.ts";
import type { RestoreJob } from "./restore-jobs.ts";

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
