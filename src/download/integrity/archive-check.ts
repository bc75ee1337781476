// Checks an archive in a thread of its own, also while the file is still being written: hashes, gzip and contents.
import { Worker } from "node:worker_threads";
import { ownFailure } from "../../core/errors.ts";
import type { Contents } from "../contract.ts";
import type { Ending } from "./soundness.ts";

const GIB = 1024 ** 3;

const DEFAULT_LIMITS: UnpackLimits = {
  // Eight times the largest file that is saved.
  maxUnpackedBytes: 512 * GIB,
  // Deflate reaches at most 1032:1; compressed data files stay below 10:1.
  maxRatio: 200,
  // More than a Flex cluster can store (5 GB) plus its journal, whose files are preallocated with zeros. So every real
  // snapshot passes, however repetitive, and a bomb costs only a few seconds.
  ratioFreeBytes: 8 * GIB,
};

/** A check that follows a file while it is being written. */
export interface ArchiveCheck {
  /** The first `bytes` bytes are on disk. */
  advance(bytes: number): void;
  /**
   * The file ends at the last `advance`. Resolves with the report, also for a damaged archive. Rejects when the file cannot
   * be read (`DISK_FAILED`), when the thread breaks (`INTERNAL_ERROR`) or on `stop` (`AbortError`).
   */
  finish(): Promise<ArchiveReport>;
  /** Asks the thread to end; resolves when it has ended and the file is closed. */
  stop(): Promise<void>;
  /** Bytes checked so far. */
  readonly progress: () => number;
}

/** The result of reading an archive to its end. */
export interface ArchiveReport {
  bytes: number;
  sha256: string;
  /** Only on request. */
  md5?: string;
  gzip: "ok" | "damaged";
  contents: Contents;
  ending: Ending;
  /** Our own words and numbers; never a name from inside the archive. */
  notes: string[];
}

/** Starts the check of one file; `md5` asks for the MD5 as well. */
export type StartCheck = (path: string, options: { md5: boolean }) => ArchiveCheck;

/** Bounds on decompression; beyond them the archive counts as damaged. */
export interface UnpackLimits {
  maxUnpackedBytes: number;
  /** Unpacked bytes per packed byte; applies only above `ratioFreeBytes`. */
  maxRatio: number;
  /** Up to this many unpacked bytes, any ratio is accepted. */
  ratioFreeBytes: number;
}

/** What the thread is started with. */
export interface CheckOrder {
  path: string;
  md5: boolean;
  limits: UnpackLimits;
}

/** To the thread: how many bytes are on disk and whether the file ends there, or the request to end. */
export type FeedMessage = { type: "written"; bytes: number; last: boolean } | { type: "stop" };

/** From the thread. */
export type WorkerMessage =
  | { type: "checked"; bytes: number }
  | { type: "report"; report: ArchiveReport }
  | { type: "failed"; error: unknown };

/** Starts a thread that checks the file at `path` as far as `advance` reports it written. */
export function startArchiveCheck(options: {
  path: string;
  /** The built `archive-check-worker.js`. */
  worker: URL;
  /** Computes the MD5 too (the default), for a host whose ETag is one. Costs 1.5 CPU seconds per GiB. */
  md5?: boolean;
  limits?: Partial<UnpackLimits>;
}): ArchiveCheck {
  const { path, md5 = true, limits } = options;
  const order: CheckOrder = { path, md5, limits: { ...DEFAULT_LIMITS, ...limits } };
  const worker = new Worker(options.worker, {
    workerData: order,
    // The thread must neither see the secrets in the environment nor write to stdout, which carries the MCP protocol.
    env: {},
    stdout: true,
    // The check has few objects; its buffers are outside this heap.
    resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 8 },
  });

  let written = 0;
  let checked = 0;
  const send = (message: FeedMessage) => worker.postMessage(message);
  let reject: (reason: unknown) => void = () => {};

  const outcome = new Promise<ArchiveReport>((resolve, rejectOutcome) => {
    reject = rejectOutcome;
    worker.on("message", (message: WorkerMessage) => {
      if (message.type === "checked") checked = message.bytes;
      else if (message.type === "report") resolve(message.report);
      else reject(unreadable(message.error));
    });
    worker.once("error", (cause) => reject(broken(cause)));
    worker.once("exit", () => reject(broken(undefined)));
  });
  // A failure before `finish` is called is kept for `finish`; this only keeps it from counting as unhandled.
  outcome.catch(() => {});
  // The thread ends itself. `terminate` could interrupt it while it creates its zlib stream, and Node would then abort the
  // whole process ("close before init").
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
  });

  return {
    advance: (bytes) => {
      if (bytes <= written) return;
      written = bytes;
      send({ type: "written", bytes, last: false });
    },
    finish: async () => {
      send({ type: "written", bytes: written, last: true });
      try {
        return await outcome;
      } finally {
        await ended;
      }
    },
    stop: async () => {
      reject(new DOMException("The check was stopped.", "AbortError"));
      send({ type: "stop" });
      await ended;
    },
    progress: () => checked,
  };
}

function unreadable(cause: unknown) {
  return ownFailure("DISK_FAILED", { detail: "The saved bytes could not be read back to check them." }, { cause });
}

function broken(cause: unknown) {
  return ownFailure("INTERNAL_ERROR", { detail: "The thread that checks the file ended unexpectedly." }, { cause });
}
