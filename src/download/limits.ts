const MIB = 1024 * 1024;

/** Every number the transfer goes by; tests use small ones. */
export interface Limits {
  /** Transfers at a time: a second one hides the latency of the first, more only share the line. */
  concurrentTransfers: number;
  /** Checks of finished files at a time: each is a thread that reads as fast as it can. */
  concurrentChecks: number;
  /** A Flex cluster stores 5 GB, so a larger file is not its snapshot. */
  maxFileBytes: number;
  /** Small writes cost a quarter of the throughput. */
  batchBytes: number;
  /** What a crash may cost: at most this many bytes, */
  commitBytes: number;
  /** or this much time, whichever is less. */
  commitEveryMs: number;
  connectTimeoutMs: number;
  /** No byte for this long is a stall, before the headers too. */
  stallMs: number;
  /** A slower average over the window is as good as a stall. */
  lowSpeedBytesPerSecond: number;
  lowSpeedWindowMs: number;
  /** Attempts in a row that bring no progress before the transfer pauses; about a minute and a half of waiting in all. */
  attemptsWithoutProgress: number;
  /** Less than this is no progress: a server that sends a few bytes and breaks off must not be asked for ever. */
  progressBytes: number;
  backoffFirstMs: number;
  backoffMaxMs: number;
  retryAfterMaxMs: number;
  /** Links in one run: four hours each, so this is more than a day. */
  freshLinksPerRun: number;
  /** Kept free on the disk: this many bytes or this share of the rest of the file, whichever is more. */
  diskReserveBytes: number;
  diskReserveShare: number;
  /** A transfer that takes longer pauses; a call continues it. */
  transferMs: number;
  progressEveryMs: number;
  /** How long `close` waits for the last bytes to reach the disk. */
  closeMs: number;
  lockBeatMs: number;
  /** A lock whose process cannot be seen (another container, another computer) is dead after so long without a beat. */
  lockSilentMs: number;
  /** Files and transfers in one list, together. */
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
