// What a store tells while it works: events for the log, and each exchange with a file host.
import type { HttpResponse } from "../http/messages.ts";

/** What the store logs: ids, sizes and codes, never a link and never the message of a foreign error. */
export interface StoreEvent {
  event:
    | "folder-unprotected"
    | "folder-unsynced"
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

/** A request to a file host and what came of it. The link and the headers are secrets. */
export interface FileExchange {
  url: URL;
  /** How many redirects led from the link to `url`. */
  redirects: number;
  /** The first byte that was asked for; above 0 with If-Range. */
  offset: number;
  /** Absent when no answer arrived. */
  answer?: Pick<HttpResponse, "status" | "headers"> & { ms: number };
  /** The code in the error document of an object store. */
  errorXmlCode?: string;
  /** Bytes of the body that were taken. */
  bytes: number;
  /** From the request to the end of the body. */
  ms: number;
  /** Of the failure or the broken connection that ended it. */
  code?: string;
}
