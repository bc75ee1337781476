import { Worker } from "node:worker_threads";
import { ownFailure } from "../../core/errors.ts";
import type { ArchiveReport, CheckOrder, FeedMessage, UnpackLimits, WorkerMessage } from "./protocol.ts";

export type { ArchiveReport } from "./protocol.ts";

/** A check that follows a file while it is being written. */
export interface ArchiveCheck {
  /** Bytes [0, n) are on disk. */
  advance(bytes: number): void;
  /**
   * The file ends at the last `advance`; resolves with the report, whatever is wrong with the archive.
   * Rejects when the file cannot be read (`DISK_FAILED`), the worker breaks (`INTERNAL_ERROR`) or on `stop` (`AbortError`).
   */
  finish(): Promise<ArchiveReport>;
  /** Has the thread end, which releases the file; resolves when it has. */
  stop(): Promise<void>;
  /** Bytes checked so far. */
  readonly progress: () => number;
}

const GIB = 1024 ** 3;

const DEFAULT_LIMITS: UnpackLimits = {
  // Eight times the largest file that is saved at all.
  maxUnpackedBytes: 512 * GIB,
  // Deflate ends at 1032:1; compressed data files stay below 10:1.
  maxRatio: 200,
  // More than a Flex cluster can store (5 GB) with its journal, whose files are preallocated with zeros: no real snapshot,
  // however repetitive, is refused, and a bomb costs a few seconds.
  ratioFreeBytes: 8 * GIB,
};

/** Starts the check of one file; `md5` asks for the MD5 as well. */
export type StartCheck = (path: string, options: { md5: boolean }) => ArchiveCheck;

/** Starts a thread that hashes, inflates and reads the file at `path` as far as `advance` reports it written. */
export function startArchiveCheck(options: {
  path: string;
  /** The built `archive-check-worker.js`. */
  worker: URL;
  /** Compute the MD5 too, for a host whose ETag is one; default true. It costs 1.5 CPU seconds per GiB. */
  md5?: boolean;
  limits?: Partial<UnpackLimits>;
}): ArchiveCheck {
  const order: CheckOrder = {
    path: options.path,
    md5: options.md5 ?? true,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const worker = new Worker(options.worker, {
    workerData: order,
    // Neither the secrets in the environment nor the stdout of the protocol belong to this thread.
    env: {},
    stdout: true,
    // The check's own objects are few; its buffers live outside this heap.
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
  // The thread ends itself, never by `terminate`: that can meet it while it makes its zlib stream, and Node then aborts the
  // whole process ("close before init").
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => resolve());
  });
  // A failure before `finish` is called waits there for its caller.
  outcome.catch(() => {});

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
