// The public interface of this folder: the snapshot store, its reports, and the source of snapshots that it needs.
import type { ErrorEnvelope } from "../core/errors.ts";

export type { FileExchange, StoreEvent, StoreLog } from "./events.ts";
export { freeBytesFor, inspectFolder } from "./folder/directory.ts";
export { type FirstEntries, type FirstEntry, firstEntriesOf } from "./integrity/first-entries.ts";
export { DISK_RESERVE_BYTES } from "./limits.ts";

/**
 * File names that can be saved, listed and verified. At most 121 characters: longer than any default name, and short enough
 * for the longer names of the companion files, since file systems allow 255 bytes.
 */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;

/** The names of simulated files begin with it, and no other names that this server chooses. */
export const SIMULATED_PREFIX = "simulated-";

/** Names one backup. The two ids alone identify it (`isSameSnapshot`); the cluster name may differ between calls. */
export interface SnapshotIdentity {
  groupId: string;
  /** The cluster's name. */
  name: string;
  snapshotId: string;
}

/** What Atlas says about a snapshot; times are ISO 8601. */
export interface SnapshotFacts {
  scheduledTime?: string;
  startTime?: string;
  finishTime?: string;
  expiration?: string;
  mongoDBVersion?: string;
  /** Of the project, cleaned; only where it was known when the save began. */
  projectName?: string;
  /** Atlas's own id of the cluster, which another cluster of the same name does not have; known where a save began by name. */
  clusterId?: string;
}

/** The unchecked facts from Atlas: any field may be absent or hold any text. */
export type RawSnapshotFacts = { [Field in keyof SnapshotFacts]?: string | undefined };

/** A signed link to a snapshot's file: a secret. */
export interface SnapshotLink {
  url: string;
  restoreJobId?: string;
  /** Milliseconds since the epoch, by this computer's clock. */
  expiresAt?: number;
  /** The call that returns this link has itself requested its job. */
  isNew?: true;
}

/** What is known of a snapshot's download jobs, and callbacks to report new ones. */
export interface KnownJobs {
  restoreJobId?: string;
  /** When a job was last requested, milliseconds since the epoch; without `restoreJobId` the outcome is unknown. */
  requestedAt?: number;
  /** URLs of refused links and the ids of their jobs. */
  refused: ReadonlySet<string>;
  /** Called before a job is requested, so that the state file knows of it even if this process then dies. */
  onRequest: () => Promise<void>;
  /** Called with the requested job before it has a link; with undefined when it is certain that no job was created. */
  onJob: (restoreJobId: string | undefined) => Promise<void>;
}

/** Where snapshots come from; the store knows nothing else of Atlas. */
export interface SnapshotSource {
  /** Rejects with `SNAPSHOT_NOT_COMPLETE` when there is nothing to download yet, with `SNAPSHOT_FAILED` when there never will be. */
  describe(identity: SnapshotIdentity, signal: AbortSignal): Promise<RawSnapshotFacts>;
  /**
   * A usable link: of the known job, else of an unexpired job in Atlas's list, else of a new job.
   * Waits until the job has its link. Never returns a refused link.
   */
  link(identity: SnapshotIdentity, known: KnownJobs, signal: AbortSignal): Promise<SnapshotLink>;
}

/** `paused`: nothing is running, the part is kept, `lastError` says why; saving again continues. */
export type SaveState = "queued" | "requesting" | "downloading" | "verifying" | "complete" | "paused";

/** What a check of all bytes of a file found. */
export interface Integrity {
  /** `ok`: the CRC-32 and length of every gzip member are right, up to the last byte. */
  gzip: "ok" | "damaged";
  /** `ok`: as many bytes as the file host announced or, in later checks, as were saved; `unknown`: neither is known. */
  length: "ok" | "wrong" | "unknown";
  /**
   * Comparison with the host's ETag, where it may be an MD5. `wrong` only if something else is wrong or unknown too, or if the
   * bytes came in several responses that need not belong to the same file.
   */
  md5: "ok" | "wrong" | "not-verifiable";
  /** Only in later checks: comparison with the record written when the file was saved. */
  recordedSha256?: "ok" | "wrong" | "unrecorded";
  /** Our own words, such as where the data is damaged, or that the tar has no end marker. */
  notes?: string[];
}

type ContentsKind = "data-directory" | "dump-directory" | "mongodump-archive" | "unknown";

/** What an archive contains: counts only, since the names inside are untrusted. */
export interface Contents {
  kind: ContentsKind;
  /** Regular files in the tar; absent when the archive is not a tar. */
  files?: number;
  /** Collections: `*.wt` collection files, `*.bson` files, or entries of a mongodump prelude. */
  collections?: number;
  /** Bytes after decompression. */
  unpackedBytes: number;
  /** Folders in the tar above the data directory, or above the databases of a dump; absent when the files disagree. */
  folderDepth?: number;
  /** The files of a dump directory are themselves gzip files (`mongodump --gzip`). */
  filesGzipped?: boolean;
  /** Only of a data directory: each database has a folder of its own, so `mongod` needs `--directoryperdb`. */
  directoryPerDB?: boolean;
  /** Only of a data directory: collections and indexes are in folders of their own, which `mongod` needs an option for too. */
  directoryForIndexes?: boolean;
}

/** How to restore a file on this computer; consists of our own words, validated version numbers and quoted paths only. */
export interface RestoreGuide {
  kind: ContentsKind;
  /** Programs that must be installed, with their versions. */
  needs: string[];
  commands: string[];
  /** Only with commands that start `mongod`: which users of this computer can read the data while it runs. */
  servedTo?: "this-user" | "every-user";
  /** The folder that the commands work in; only if others may change what is in the folder of the file. */
  worksIn?: string;
}

/** A transfer or a finished file, as `save` reports it. */
export interface SaveReport {
  state: SaveState;
  /** Absent only until Atlas has described the snapshot, whose finish time is part of the default name. */
  fileName?: string;
  path?: string;
  /** What is known of the snapshot. */
  facts?: SnapshotFacts;
  /** Only when queued: the clusters whose transfers go first. */
  waitsFor?: string[];
  /** Bytes on disk so far; all of them when complete. */
  bytes: number;
  totalBytes?: number;
  bytesPerSecond?: number;
  secondsLeft?: number;
  /** Bytes that an earlier attempt had saved. */
  resumedFromBytes?: number;
  /** How often the connection broke in this run and the transfer resumed where it had stopped. */
  interruptions?: number;
  /** Only when complete: the cluster whose backup the file is by its record. */
  recordedName?: string;
  /** Only when complete: the file was there already, and was not read to its end by this save. */
  isOlder?: true;
  sha256?: string;
  /** Only when complete. False: the bytes are the host's, but the archive in them is incomplete. */
  sound?: boolean;
  integrity?: Integrity;
  contents?: Contents;
  /** Only when the file is sound. */
  restore?: RestoreGuide;
  lastError?: ErrorEnvelope;
  /** Our own words, such as that the transfer had to start over. */
  warnings?: string[];
}

export interface SavedFile {
  fileName: string;
  path: string;
  bytes: number;
  /**
   * `unrecorded`: it has no readable record of this server. `changed`: it was written to since it was saved; a check tells
   * whether it is still the same. `foreign`: it belongs to another user of this computer.
   */
  state: "complete" | "changed" | "unrecorded" | "foreign";
  identity?: SnapshotIdentity;
  facts?: SnapshotFacts;
  sha256?: string;
  /** Only of a complete file; see `SaveReport`. */
  sound?: boolean;
  contents?: Contents;
  savedAt?: string;
}

/** A transfer that is running in this process or can be continued. */
export interface OpenTransfer {
  /** `elsewhere`: another process is writing it. `paused` with 0 bytes and `lastError`: it failed before anything was saved. */
  state: Exclude<SaveState, "complete"> | "elsewhere";
  /** Absent until Atlas has described the snapshot, as in `SaveReport`. */
  fileName?: string;
  bytes: number;
  totalBytes?: number;
  percent?: number;
  bytesPerSecond?: number;
  secondsLeft?: number;
  identity: SnapshotIdentity;
  facts?: SnapshotFacts;
  lastError?: ErrorEnvelope;
}

/** A part in the folder, which a save can continue. */
export interface PartSummary {
  identity: SnapshotIdentity;
  facts: SnapshotFacts;
  bytes: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  /** The save was asked for by the cluster's name, without a snapshotId. */
  byName: boolean;
}

/** What became of a save that was to be stopped. */
export interface StopReport {
  /** `discarded`: part and state are removed. `not-running`: there was nothing to stop. */
  state: "stopped" | "discarded" | "not-running";
  /** Of the save, or of the part or finished file that is there. */
  identity?: SnapshotIdentity;
  /** Bytes that are kept for the next save. */
  bytes: number;
  /** A finished file of this snapshot, which is never touched. */
  savedAs?: string;
}

export interface SavedList {
  directory: string;
  files: SavedFile[];
  transfers: OpenTransfer[];
  /** Why other users may be able to change the files, as a sentence for people. */
  warning?: string;
  /** The folder holds more than is listed; the newest files are listed. */
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
  /** Whether the file is a whole archive and, if there is a record, the one that was saved. */
  sound?: boolean;
  integrity?: Integrity;
  contents?: Contents;
  /** Only when the file is sound. */
  restore?: RestoreGuide;
  /** Why other users may be able to change the file and its record, as a sentence for people; only when complete. */
  warning?: string;
}

export interface WaitOptions<Report> {
  /** How long to wait for the end, in milliseconds; then the current state is returned. */
  waitMs: number;
  /** Called at most once a second when there is progress, and otherwise every ten seconds. */
  onProgress?: (report: Report) => void;
  /**
   * Stops waiting. A transfer goes on if the store was made so (`outlivesCalls`). Otherwise it stops unless another call waits
   * for it, but never while it requests a download job, whose id would be lost. A check of bytes that are all on disk continues, since a client that cancels every few seconds would
   * otherwise never get a result; only the check of a finished file gives way to another one.
   */
  signal: AbortSignal;
}

export interface SaveRequest extends SnapshotIdentity {
  fileName?: string;
  /** Both are kept in the state and the record of the file. */
  projectName?: string | undefined;
  clusterId?: string | undefined;
  /** Chosen by the cluster's name, so a later save by name may continue it. */
  byName?: boolean;
}

export interface StopOptions {
  discard: boolean;
  check: (identity: SnapshotIdentity) => void;
  signal: AbortSignal;
}

/** Saves snapshots into one folder; work continues between calls. */
export interface SnapshotStore {
  save(request: SaveRequest, wait: WaitOptions<SaveReport>): Promise<SaveReport>;
  /** Whether this process saves the snapshot now. */
  isSaving(snapshot: Pick<SnapshotIdentity, "groupId" | "snapshotId">): boolean;
  /**
   * Ends a save of this process and keeps its part; with `discard` removes part and state, never a finished file. `check` may
   * throw for a project that is not allowed. Rejects with `SAVED_ELSEWHERE` when another process saves the snapshot.
   */
  stop(snapshotId: string, options: StopOptions): Promise<StopReport>;
  /** The parts of a cluster's snapshots. */
  parts(cluster: Pick<SnapshotIdentity, "groupId" | "name">, signal: AbortSignal): Promise<PartSummary[]>;
  list(signal: AbortSignal): Promise<SavedList>;
  /** Every finished file with a record, `complete` or `changed` as far as that shows without reading it. */
  saved(signal: AbortSignal): Promise<SavedFile[]>;
  verify(fileName: string, wait: WaitOptions<VerifyReport>): Promise<VerifyReport>;
  /** Stops every transfer within a second; each can be resumed. */
  close(): Promise<void>;
}

/** What a person orders with `save --keep`; no tool can. */
export interface KeepOrder {
  groupId: string;
  /** The cluster's name. */
  name: string;
  clusterId: string;
  /** How many of the cluster's newest backups stay, at least 1. */
  count: number;
  /** The file of the save that has just ended well. It stays in any case. */
  saved: { fileName: string; isOlder?: true };
  /** Deletes also where other users may have put files into the folder (`SavedList.warning`). */
  evenUnprotected: boolean;
}

/** What became of the older files of a cluster. */
export interface KeepReport {
  /** File names, the oldest first. Names of records only where a crash had left a record without its file. */
  removed: string[];
  /** Files that another process is using or has replaced meanwhile, so they are left for the next time. */
  inUse: string[];
  /** Older files that are not as they were saved, so they are left. */
  changed: string[];
  /** Why nothing was removed, or no more than `removed`, in sentences. */
  problem?: string;
}

/** Deletes finished files. Only the command `save` has it: `SnapshotStore`, which the tools get, cannot. */
export interface SnapshotKeeper {
  /**
   * Deletes the older sound files of the cluster except the newest, after reading those that stay against their records. `onRead`
   * hears how far that is. When the signal aborts, or the disk fails, the report tells what is deleted already.
   */
  keepNewest(
    order: KeepOrder,
    options: { signal: AbortSignal; onRead: (fileName: string, percent: number) => void },
  ): Promise<KeepReport>;
}
