import type { Clock } from "../../core/time.ts";
import type { ArchiveCheck, ArchiveReport, StartCheck } from "../integrity/archive-check.ts";
import type { Limits } from "../limits.ts";
import type { ObjectVersion } from "../snapshot.ts";
import { checkSpace, diskFailure } from "./directory.ts";
import { type PartFile, syncFolderOf } from "./files.ts";
import { createPartWriter } from "./part.ts";
import { type StateFile, startedOver } from "./records.ts";

/** The part, its state file and the check that follows it, kept in agreement. All methods reject with a `Failure`. */
export interface LocalCopy {
  /** In the file; a crash may lose those that are not committed. */
  readonly bytes: number;
  /** Of those, how many were there at the start. */
  readonly resumedFromBytes: number;
  readonly version: ObjectVersion;
  readonly isComplete: boolean;
  /** Forgets every byte; what follows is of this version. */
  startOver: (version: ObjectVersion, facts?: { damagedOnce: true }) => Promise<void>;
  /** The host named the whole size only now. */
  expect: (total: number) => Promise<void>;
  /** When a promise comes back, the caller waits for it before the next chunk. */
  append: (chunk: Buffer) => Promise<void> | undefined;
  /** Writes and commits everything taken so far. */
  settle: () => Promise<void>;
  /** Every byte has arrived; commits that. */
  complete: () => Promise<void>;
  verify: (signal: AbortSignal) => Promise<ArchiveReport>;
  close: () => Promise<void>;
}

interface LocalCopyOptions {
  part: PartFile;
  state: StateFile;
  startCheck: StartCheck;
  clock: Clock;
  limits: Limits;
}

/** Takes over an opened part. Bytes past the committed ones may be unwritten pages after a power cut, so they are dropped. */
export async function openLocalCopy({ part, state, startCheck, clock, limits }: LocalCopyOptions): Promise<LocalCopy> {
  const { handle, path } = part;
  const start = Math.min(part.bytes, state.current.committedBytes);
  if (part.bytes > start) await handle.truncate(start);
  if (start < state.current.committedBytes) await state.merge({ committedBytes: start });

  let resumedFromBytes = start;
  let check: ArchiveCheck | undefined;
  let writer = newWriter(start);
  let committing: Promise<void> | undefined;
  let commitFailure: unknown;
  let lastCommitAt = clock.now();

  /** The thread starts with the first byte that it can read. */
  function checkTo(bytes: number): ArchiveCheck {
    // Most large objects came to their host in parts, and then no MD5 of theirs is known to compare with.
    check ??= startCheck(path, { md5: state.current.md5 !== undefined });
    check.advance(bytes);
    return check;
  }

  function newWriter(position: number) {
    if (position > 0) checkTo(position);
    return createPartWriter({ handle, position, batchBytes: limits.batchBytes, onWritten });
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

  /** The count goes to disk only after the bytes it counts. */
  async function commit(bytes: number): Promise<void> {
    lastCommitAt = clock.now();
    await handle.datasync();
    await state.merge({ committedBytes: bytes });
    await checkSpace(path, remaining(), limits);
  }

  function remaining(): number {
    return Math.max(0, (state.current.total ?? 0) - writer.bytes);
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (commitFailure !== undefined) throw commitFailure;
      return await work();
    } catch (error) {
      throw diskFailure(error, remaining());
    }
  }

  /** After a failed write too: what is in the file before it is good, and worth keeping. */
  async function settle(): Promise<void> {
    try {
      await writer.flush();
    } finally {
      await committing;
      if (writer.bytes !== state.current.committedBytes) await commit(writer.bytes);
    }
    if (commitFailure !== undefined) throw commitFailure;
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
    startOver: (version, facts = undefined) =>
      guarded(async () => {
        await checkSpace(path, Math.max(0, (version.total ?? 0) - writer.bytes), limits);
        await writer.flush();
        await committing;
        await check?.stop();
        check = undefined;
        // First the state, then the bytes: a crash in between must not pair old validators with new bytes.
        await state.write({ ...startedOver(state.current, version), ...facts });
        await syncFolderOf(path);
        await handle.truncate(0);
        resumedFromBytes = 0;
        writer = newWriter(0);
      }),
    expect: (total) =>
      guarded(async () => {
        if (state.current.total !== total) await state.merge({ total });
        await checkSpace(path, remaining(), limits);
      }),
    append: (chunk) => {
      if (commitFailure !== undefined) return guarded(() => Promise.resolve());
      const wait = writer.add(chunk);
      return wait && guarded(() => wait);
    },
    settle: async () => {
      try {
        await settle();
      } catch (error) {
        throw diskFailure(error, remaining());
      }
    },
    complete: () =>
      guarded(async () => {
        await writer.flush();
        await committing;
        await handle.sync();
        await state.merge({ committedBytes: writer.bytes, receivedBytes: writer.bytes });
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
