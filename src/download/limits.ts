// Every number that a transfer, a check and a lock go by.
const MIB = 1024 * 1024;

/** Tests use small numbers. */
export interface Limits {
  /** At the same time: a second transfer hides the latency of the first; more would only share the line. */
  concurrentTransfers: number;
  /** Checks of finished files at the same time: each is a thread that reads as fast as it can. */
  concurrentChecks: number;
  /** A Flex cluster stores 5 GB, so a larger file cannot be its snapshot. */
  maxFileBytes: number;
  /** Written at a time: small writes cost a quarter of the throughput. */
  batchBytes: number;
  /** A crash may lose at most this many bytes, */
  commitBytes: number;
  /** or the bytes of this time, whichever is less. */
  commitEveryMs: number;
  connectTimeoutMs: number;
  /** No byte for this long is a stall, also while waiting for the headers. */
  stallMs: number;
  /** A slower average over the window counts as a stall. */
  lowSpeedBytesPerSecond: number;
  lowSpeedWindowMs: number;
  /** Attempts in a row without progress before the transfer pauses: about 90 s of waiting in total. */
  attemptsWithoutProgress: number;
  /** Less does not count as progress, or a server that sends a few bytes and breaks off would be retried for ever. */
  progressBytes: number;
  backoffFirstMs: number;
  backoffMaxMs: number;
  retryAfterMaxMs: number;
  /** Links in one run. A link lives four hours, so this is more than a day. */
  freshLinksPerRun: number;
  /** Kept free on the disk: this many bytes, or this share of the rest of the file if that is more. */
  diskReserveBytes: number;
  diskReserveShare: number;
  /** A transfer that takes longer pauses; the next call continues it. */
  transferMs: number;
  progressEveryMs: number;
  /** How long `close` waits for the last bytes to reach the disk. */
  closeMs: number;
  lockBeatMs: number;
  /** A lock of a process in another container or computer is dead after this long without a beat. */
  lockSilentMs: number;
  /** Files and transfers together in one list. */
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
  closeMs: 900,
  lockBeatMs: 10_000,
  lockSilentMs: 60_000,
  maxListed: 100,
};
