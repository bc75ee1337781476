// The events of a store, for its log.
/** What the store logs: ids, sizes and codes, never a link and never the message of a foreign error. */
export interface StoreEvent {
  event:
    | "folder-unprotected"
    | "call-ended"
    | "transferring"
    | "transfer-started"
    | "file-host-answered"
    | "transfer-retried"
    | "link-refused"
    | "transfer-started-over"
    | "file-damaged"
    | "transfer-paused"
    | "transfer-failed"
    | "file-saved"
    | "file-deleted";
  snapshotId: string;
  fileName?: string;
  /** The file host's name. */
  host?: string;
  status?: number;
  bytes?: number;
  delayMs?: number;
  totalBytes?: number;
  percent?: number;
  seconds?: number;
  secondsLeft?: number;
  bytesPerSecond?: number;
  /** An error code of this server, the system or the HTTP library. */
  code?: string;
  why?: string;
}

export type StoreLog = (event: StoreEvent) => void;
