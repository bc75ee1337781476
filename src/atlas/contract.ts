import type { RestoreJob } from "./schemas.ts";

/** What every call to Atlas is bounded by. */
export interface CallLimits {
  /** Milliseconds since the epoch. */
  deadline: number;
  signal: AbortSignal;
}

/** Atlas's own query options; they change the wire format, never what a caller gets. */
export interface WireOptions {
  envelope?: boolean | undefined;
  pretty?: boolean | undefined;
}

export interface ClusterPath {
  groupId: string;
  /** The cluster's name. */
  name: string;
}

export interface JobAnswer {
  httpStatus: number;
  restoreJob: RestoreJob;
}

/** A list with the clock of the server that sent it. */
export interface JobPage {
  jobs: RestoreJob[];
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}
