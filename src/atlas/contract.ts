import type { RestoreJob } from "./schemas.ts";

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
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}

/** The newest download request of a snapshot in this process. */
export interface DownloadRequest {
  /** By this computer's clock, milliseconds since the epoch. */
  requestedAt: number;
  /** Absent while the request runs, and where it is unknown whether it created a job. */
  answer?: JobAnswer;
}

/** A list with the clock of the server that sent it. */
export interface JobPage {
  jobs: RestoreJob[];
  /** The response's `Date`, milliseconds since the epoch. */
  serverTime: number | undefined;
}
