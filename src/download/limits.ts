// The limits of transfers, checks, locks and lists.
const MIB = 1024 * 1024;

/** Tests use smaller numbers than `DEFAULT_LIMITS`. */
export interface Limits {
  /** How many transfers run at once: a second one hides the latency of the first; more would only share the line. */
  concurrentTransfers: number;
  /** How many checks of finished files run at once: each is a thread that reads as fast as it can. */
  concurrentChecks: number;
  /** A Flex cluster stores 5 GB, so a larger file cannot be its snapshot. */
  maxFileBytes: number;
  /** Bytes in one write: small writes cost a quarter of the throughput. */
  batchBytes: number;
  /** Bytes between two commits; a crash loses only bytes that are not committed. */
  commitBytes: number;
  /** A commit comes earlier when this much time has passed. */
  commitEveryMs: number;
  connectTimeoutMs: number;
  /** No byte for this long is a stall, also while waiting for the headers. */
  stallMs: number;
  /** A slower average over the window counts as a stall. */
  lowSpeedBytesPerSecond: number;
  lowSpeedWindowMs: number;
  /** Attempts in a row without progress before the transfer pauses; their backoff adds up to at most 92 s. */
  attemptsWithoutProgress: number;
  /** Fewer bytes are no progress: a server that sends a few and breaks off would otherwise be retried for ever. */
  progressBytes: number;
  backoffFirstMs: number;
  backoffMaxMs: number;
  retryAfterMaxMs: number;
  /** Replaced links in one run. A link lives four hours, so this is more than a day. */
  freshLinksPerRun: number;
  /** Kept free on the disk: this many bytes, or this share of the rest of the file if that is more. */
  diskReserveBytes: number;
  diskReserveShare: number;
  /** A transfer that takes longer pauses; the next call continues it. */
  transferMs: number;
  progressEveryMs: number;
  /** Progress is reported at least this often to a call that waits, and a transfer writes a line to the log. */
  quietMs: number;
  /** How long `close` waits for the last bytes to reach the disk. */
  closeMs: number;
  lockBeatMs: number;
  /** A lock of a process in another container or computer is dead after this long without a beat. */
  lockSilentMs: number;
  /** The most files and transfers together in one list. */
  maxListed: number;
}

/** Kept free on the disk, so that this server never fills it. */
export const DISK_RESERVE_BYTES = 64 * MIB;

export const DEFAULT_LIMITS: Limits = {
  concurrentTransfers: 2,
  concurrentChecks: 2,
  maxFileBytes: 64 * 1024 * MIB,
  batchBytes: MIB,
  commitBytes: 64 * MIB,
  commitEveryMs: 2_000,
  connectTimeoutMs: 10_000,
  stallMs: 30_000,
  lowSpeedBytesPerSecond: 16 * 1024,
  lowSpeedWindowMs: 30_000,
  attemptsWithoutProgress: 8,
  progressBytes: MIB,
  backoffFirstMs: 500,
  backoffMaxMs: 30_000,
  retryAfterMaxMs: 60_000,
  freshLinksPerRun: 8,
  diskReserveBytes: DISK_RESERVE_BYTES,
  diskReserveShare: 0.01,
  transferMs: 24 * 3_600_000,
  progressEveryMs: 1_000,
  quietMs: 10_000,
  closeMs: 900,
  lockBeatMs: 10_000,
  lockSilentMs: 60_000,
  maxListed: 100,
};
