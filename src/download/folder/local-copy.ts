// The local copy during a transfer: part, state file and check, kept in agreement.
import type { Clock } from "../../core/time.ts";
import type { ArchiveCheck, ArchiveReport, StartCheck } from "../integrity/archive-check.ts";
import type { Limits } from "../limits.ts";
import type { ObjectVersion } from "../snapshot.ts";
import { checkSpace, diskFailure } from "./directory.ts";
import { cutFile, syncFile, syncFolderOf } from "./file-system.ts";
import { createPartWriter, type PartFile } from "./part.ts";
import { type StateFile, startedOver, type TransferState } from "./records.ts";

/** All methods reject with a `Failure`. */
export interface LocalCopy {
  /** Bytes in the file; a crash may lose those that are not committed. */
  readonly bytes: number;
  /** How many of these bytes an earlier attempt had saved. */
  readonly resumedFromBytes: number;
  readonly version: ObjectVersion;
  readonly isComplete: boolean;
  /** Drops every byte; the next bytes belong to `version`. */
  startOver: (version: ObjectVersion, facts?: { discardedSha256: string }) => Promise<void>;
  /** Drops the bytes after these: they turned out not to belong to the file. */
  cutTo: (bytes: number) => Promise<void>;
  /** Notes the size of the whole file, which the host may name only when a transfer resumes. */
  expect: (total: number) => Promise<void>;
  /** If this returns a promise, the caller must await it before the next chunk. */
  append: (chunk: Buffer) => Promise<void> | undefined;
  /** Writes and commits everything taken so far. */
  settle: () => Promise<void>;
  /** Every byte has arrived: commits all of them. */
  complete: () => Promise<void>;
  verify: (signal: AbortSignal) => Promise<ArchiveReport>;
  close: () => Promise<void>;
}

/**
 * Takes over an opened part. Drops bytes past the committed ones: after a power cut, the disk may not hold them. Calls
 * `onUnsynced`, once, when the file system cannot bring bytes or names to the disk on demand.
 */
export async function openLocalCopy(
  part: PartFile,
  state: StateFile,
  {
    startCheck,
    clock,
    limits,
    onUnsynced,
  }: { startCheck: StartCheck; clock: Clock; limits: Limits; onUnsynced: () => void },
): Promise<LocalCopy> {
  const { handle, path } = part;
  const start = Math.min(part.bytes, state.current.committedBytes);
  if (part.bytes > start) await cutFile(handle, start);
  if (start < state.current.committedBytes) await state.merge({ committedBytes: start });

  let resumedFromBytes = start;
  let check: ArchiveCheck | undefined;
  let writer = newWriter(start);
  let committing: Promise<void> | undefined;
  let commitFailure: unknown;
  let lastCommitAt = clock.now();
  /** The next bytes come in another response than those that are here. */
  let isBetweenResponses = start > 0;
  let isJoined = state.current.joined === true;
  let isToldUnsynced = false;

  function noteSync(isSynced: boolean): void {
    if (!isSynced && !isToldUnsynced) onUnsynced();
    isToldUnsynced ||= !isSynced;
  }

  function newWriter(position: number) {
    if (position > 0) checkTo(position);
    return createPartWriter({ handle, position, batchBytes: limits.batchBytes, onWritten });
  }

  /** Starts the check's thread with the first byte that it can read. */
  function checkTo(bytes: number): ArchiveCheck {
    // Large objects are mostly uploaded in pieces, so most hosts have no MD5 to compare with.
    check ??= startCheck(path, { md5: state.current.md5 !== undefined });
    check.advance(bytes);
    return check;
  }

  function onWritten(bytes: number): void {
    checkTo(bytes);
    const dueBytes = bytes - state.current.committedBytes >= limits.commitBytes;
    const dueTime = Math.abs(clock.now() - lastCommitAt) >= limits.commitEveryMs;
    if (committing || !(dueBytes || dueTime)) return;
    committing = commit(bytes)
      .catch((error) => {
        commitFailure = error;
      })
      .finally(() => {
        committing = undefined;
      });
  }

  /** The bytes go to disk before the state that counts them. */
  async function commit(bytes: number): Promise<void> {
    lastCommitAt = clock.now();
    noteSync(await syncFile(handle));
    await note({ committedBytes: bytes, ...(isJoined && { joined: true }) });
    // A file that is all here takes no more room.
    if (writer.bytes !== state.current.total) await checkSpace(path, remaining(), limits);
  }

  const note = (changes: Partial<TransferState>) => state.writeSoon({ ...state.current, ...changes });

  function remaining(): number {
    return Math.max(0, (state.current.total ?? 0) - writer.bytes);
  }

  async function orDiskFailure<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw diskFailure(error, remaining());
    }
  }

  function throwFailedCommit(): void {
    if (commitFailure !== undefined) throw commitFailure;
  }

  /** Runs the work, or rejects if a commit has failed in the background. */
  function guarded(work: () => Promise<void>): Promise<void> {
    return orDiskFailure(async () => {
      throwFailedCommit();
      await work();
    });
  }

  /** Commits after a failed write too: the bytes before the failure are good and worth keeping. */
  async function settle(): Promise<void> {
    try {
      await writer.flush();
    } finally {
      isBetweenResponses = writer.bytes > 0;
      await committing;
      if (writer.bytes !== state.current.committedBytes) await commit(writer.bytes);
    }
    throwFailedCommit();
  }

  /** The next bytes follow these, which a new check reads from the first. */
  async function goBackTo(bytes: number, noteState: () => Promise<void>): Promise<void> {
    await writer.flush();
    await committing;
    await check?.stop();
    check = undefined;
    // First the state, then the bytes: a crash in between must not pair old validators with new bytes.
    await noteState();
    await cutFile(handle, bytes);
    isBetweenResponses = bytes > 0;
    writer = newWriter(bytes);
  }

  return {
    get bytes() {
      return writer.bytes;
    },
    get resumedFromBytes() {
      return resumedFromBytes;
    },
    get version() {
      return state.current;
    },
    get isComplete() {
      return state.current.receivedBytes === writer.bytes;
    },
    startOver: (version, facts) =>
      guarded(async () => {
        await checkSpace(path, Math.max(0, (version.total ?? 0) - writer.bytes), limits);
        await goBackTo(0, async () => {
          const next = { ...startedOver(state.current, version), ...facts };
          // As long as the state on disk counts no byte, a later attempt begins with the first one in any case.
          await (state.written.committedBytes === 0 ? state.writeSoon(next) : state.write(next));
          noteSync(await syncFolderOf(path));
        });
        resumedFromBytes = 0;
        isJoined = false;
      }),
    cutTo: (bytes) => guarded(() => goBackTo(bytes, () => state.merge({ committedBytes: bytes }))),
    expect: (total) =>
      guarded(async () => {
        // First the space: a size that is absurd must not be remembered. A file that is all here takes no more room.
        if (total > writer.bytes) await checkSpace(path, total - writer.bytes, limits);
        if (state.current.total !== total) await note({ total });
      }),
    append: (chunk) => {
      if (commitFailure !== undefined) return guarded(() => Promise.resolve());
      isJoined ||= isBetweenResponses;
      isBetweenResponses = false;
      const wait = writer.add(chunk);
      return wait && guarded(() => wait);
    },
    settle: () => orDiskFailure(settle),
    complete: () =>
      guarded(async () => {
        await writer.flush();
        await committing;
        noteSync(await syncFile(handle));
        await note({ committedBytes: writer.bytes, receivedBytes: writer.bytes });
      }),
    verify: async (signal) => {
      signal.throwIfAborted();
      try {
        return await unlessAborted(checkTo(writer.bytes).finish(), signal);
      } catch (error) {
        signal.throwIfAborted();
        throw diskFailure(error);
      }
    },
    close: async () => {
      await committing;
      await check?.stop();
      await handle.close();
    },
  };
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
