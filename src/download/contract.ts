import type { ErrorEnvelope } from "../core/errors.ts";

export { freeBytesFor, inspectFolder } from "./folder/directory.ts";
export { DISK_RESERVE_BYTES } from "./limits.ts";

/**
 * What a name in the folder may consist of, to be saved, listed and verified. At most 121 characters: longer than any default
 * name, and leaves room for the endings of the files beside it in a component of 255 bytes.
 */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;

/** What a transfer is about: the same triple is the same backup, whatever its file is called. */
export interface SnapshotIdentity {
  groupId: string;
  /** The cluster's name. */
  name: string;
  snapshotId: string;
}

/** What Atlas says of a snapshot; times are ISO 8601. */
export interface SnapshotFacts {
  scheduledTime?: string;
  startTime?: string;
  finishTime?: string;
  expiration?: string;
  mongoDBVersion?: string;
}

/** The same as Atlas sent it: each field may be absent or be text of any kind. */
export type SaidOfSnapshot = { [Field in keyof SnapshotFacts]?: string | undefined };

/** A signed link to a snapshot's file: a secret. */
export interface SnapshotLink {
  url: string;
  restoreJobId?: string;
  /** By this computer's clock, milliseconds since the epoch. */
  expiresAt?: number;
  /** Its job was requested by the very call that returns it. */
  isNew?: true;
}

/** What is known of a snapshot's download jobs, and what is to be told of them. */
export interface KnownJobs {
  restoreJobId?: string;
  /** When a job was last requested, milliseconds since the epoch; without `restoreJobId` nobody knows what came of it. */
  requestedAt?: number;
  /** URLs and the ids of their jobs. */
  refused: ReadonlySet<string>;
  /** To be written down before a job is requested, so that a process that dies meanwhile leaves a trace. */
  onRequest: () => Promise<void>;
  /** The job that was requested, before it has its link; nothing when certainly none was created. */
  onJob: (restoreJobId: string | undefined) => Promise<void>;
}

/** Where snapshots come from; the transfer knows nothing else of Atlas. */
export interface SnapshotSource {
  /** Rejects with `SNAPSHOT_NOT_COMPLETE` when there is nothing to download yet. */
  describe(identity: SnapshotIdentity, signal: AbortSignal): Promise<SaidOfSnapshot>;
  /**
   * A usable link: of a job that is known, else of an unexpired job in Atlas's list, else of a new job.
   * Waits until a job has its link. Never returns a refused one.
   */
  link(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal): Promise<SnapshotLink>;
}

/** `paused`: nothing runs, the part is kept, `lastError` says why; saving again continues. */
export type SaveState = "queued" | "requesting" | "downloading" | "verifying" | "complete" | "paused";

/** What is known of the bytes of a file that was read to its end. */
export interface Integrity {
  /** `ok`: every gzip member's CRC-32 and length are right up to the last byte. */
  gzip: "ok" | "damaged";
  /** `ok`: as many bytes as the file host announced; `unknown`: it announced none. */
  length: "ok" | "wrong" | "unknown";
  /** Comparison with the host's ETag, where it may be an MD5; `wrong` only where something else is not right either. */
  md5: "ok" | "wrong" | "not-verifiable";
  /** Only when checked again later: comparison with the record written when the file was saved. */
  recordedSha256?: "ok" | "wrong" | "unrecorded";
  /** Our own words: which member or offset is damaged, a missing tar end marker. */
  notes?: string[];
}

type ContentsKind = "data-directory" | "dump-directory" | "mongodump-archive" | "unknown";

/** What an archive holds: counts only, since names inside it are untrusted. */
export interface Contents {
  kind: ContentsKind;
  /** Regular files inside the tar; absent for an archive that is no tar. */
  files?: number;
  /** Collections: `*.wt` collection files, `*.bson` files, or entries of a mongodump prelude. */
  collections?: number;
  /** Bytes after decompression. */
  unpackedBytes: number;
  /** Folders in the tar above the data directory, or above the databases of a dump; absent when its files do not agree. */
  folderDepth?: number;
  /** The files of a dump directory are gzip files themselves (`mongodump --gzip`). */
  filesGzipped?: boolean;
}

/** How to restore a file on this computer: our own words, validated version numbers and quoted absolute paths only. */
export interface RestoreGuide {
  kind: ContentsKind;
  /** Programs that must be installed, with version. */
  needs: string[];
  commands: string[];
}

/** A transfer or a finished file as `save` sees it. */
export interface SaveReport {
  state: SaveState;
  /** Absent only while the snapshot, whose finish time is part of the default name, is still being looked up. */
  fileName?: string;
  path?: string;
  /** Bytes on disk so far; all of them when complete. */
  bytes: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  secondsLeft?: number;
  /** Bytes that an earlier attempt had saved. */
  resumedFromBytes?: number;
  /** How often the connection broke in this run and the transfer went on where it stopped. */
  interruptions?: number;
  sha256?: string;
  integrity?: Integrity;
  contents?: Contents;
  restore?: RestoreGuide;
  lastError?: ErrorEnvelope;
  /** Our own words, such as a transfer that will outlive its link or that had to start over. */
  warnings?: string[];
}

export interface SavedFile {
  fileName: string;
  path: string;
  bytes: number;
  /**
   * `unrecorded`: no record lies beside it, so this server did not save it. `changed`: it was written to since it was saved;
   * a check tells whether it is still the same.
   */
  state: "complete" | "changed" | "unrecorded";
  identity?: SnapshotIdentity;
  facts?: SnapshotFacts;
  sha256?: string;
  contents?: Contents;
  savedAt?: string;
}

/** A transfer that runs in this process or can be continued. */
export interface OpenTransfer {
  /** Other than `complete`; `elsewhere` when another process writes it. */
  state: Exclude<SaveState, "complete"> | "elsewhere";
  fileName: string;
  bytes: number;
  totalBytes?: number;
  percent?: number;
  identity: SnapshotIdentity;
  lastError?: ErrorEnvelope;
}

export interface SavedList {
  directory: string;
  files: SavedFile[];
  transfers: OpenTransfer[];
  /** More lies in the folder than is listed; the newest files are. */
  truncated?: true;
  freeBytes?: number;
}

export interface VerifyReport {
  state: "verifying" | "complete";
  fileName: string;
  path: string;
  bytes: number;
  /** Bytes read so far. */
  checkedBytes: number;
  sha256?: string;
  integrity?: Integrity;
  contents?: Contents;
  /** Only for a sound file. */
  restore?: RestoreGuide;
}

export interface WaitOptions<Report> {
  /** How long to wait for the end before the present state is returned; milliseconds. */
  waitMs: number;
  /** Called at most once a second, never backwards. */
  onProgress?: (report: Report) => void;
  /**
   * Lets go of the work; a transfer stops only when nobody else waits for it, and never while it requests a download
   * job: nobody would learn which. Checks of bytes that are already on disk go on
   * to their end, since a client that cancels every few seconds could never wait one out.
   */
  signal: AbortSignal;
}

/** Saves snapshots into one folder; work goes on between calls. */
export interface SnapshotStore {
  save(request: SnapshotIdentity & { fileName?: string }, wait: WaitOptions<SaveReport>): Promise<SaveReport>;
  list(signal: AbortSignal): Promise<SavedList>;
  verify(fileName: string, wait: WaitOptions<VerifyReport>): Promise<VerifyReport>;
  /** Stops every transfer within a second and leaves each resumable. */
  close(): Promise<void>;
}

/** Whether nothing speaks against a file that was read to its end: it may get its final name, and be restored from. */
export function isSound({ gzip, length, md5, recordedSha256 }: Integrity): boolean {
  return gzip === "ok" && ![length, md5, recordedSha256].includes("wrong");
}

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
