/** What the store reports to a log: ids, sizes and codes, never a link and never a foreign error's message. */
export interface StoreEvent {
  event:
    | "transfer-started"
    | "file-host-answered"
    | "transfer-retried"
    | "link-refused"
    | "transfer-started-over"
    | "file-damaged"
    | "transfer-paused"
    | "transfer-failed"
    | "file-saved";
  snapshotId: string;
  fileName?: string;
  /** Of the file host. */
  host?: string;
  status?: number;
  bytes?: number;
  delayMs?: number;
  /** An error code of ours, the system's or the HTTP library's. */
  code?: string;
  why?: string;
}

export type StoreLog = (event: StoreEvent) => void;
