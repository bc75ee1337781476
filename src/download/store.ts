// The snapshot store: saves, lists and verifies snapshots in one folder, with one background task for each snapshot.
import { createSlots } from "../core/concurrency.ts";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import type { Clock } from "../core/time.ts";
import type { ProxySettings } from "../http/dispatchers.ts";
import { type BackgroundTask, startTask } from "./background-task.ts";
import type {
  FileExchange,
  OpenTransfer,
  SaveReport,
  SaveRequest,
  SaveState,
  SnapshotIdentity,
  SnapshotKeeper,
  SnapshotSource,
  SnapshotStore,
  StopOptions,
  StopReport,
  StoreLog,
} from "./contract.ts";
import { diskFailure, findDownloadDirectory } from "./folder/directory.ts";
import { chosenFileName } from "./folder/file-name.ts";
import { createCheckedFiles, cutTo, listParts, listSaved, listWithRecords, progressOf } from "./folder/saved-files.ts";
import { startArchiveCheck } from "./integrity/archive-check.ts";
import { keepNewest } from "./keep-newest.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { createSaveStatus, type LinkMemory, type RunningSave, recordedAs } from "./saving/running-save.ts";
import { saveSnapshot } from "./saving/save-snapshot.ts";
import { stopParts } from "./saving/stop-save.ts";
import { checkIdentity, keyOf } from "./snapshot.ts";
import { createFileRequester } from "./transfer/file-request.ts";
import { createVerifications } from "./verify.ts";

export interface SnapshotStoreOptions {
  directory: string;
  /** The beginning of every file name, such as `simulated-`; may be empty. */
  filePrefix: string;
  source: SnapshotSource;
  /** The built file of the thread that checks archives. */
  checkWorker: URL;
  /** Allows file hosts on loopback, and plain http to them. */
  allowLoopback: boolean;
  /** Host suffixes that may have private addresses; all other file hosts must have public ones. */
  fileHosts: readonly string[];
  /** Checks leave the records as they are; this process remembers their results. Only for a store that saves nothing. */
  readOnly?: boolean;
  proxy?: ProxySettings;
  clock: Clock;
  log?: StoreLog;
  /** Called with each link and each target of a redirect before it is used. */
  onLink?: (url: URL) => void;
  /** Called with each request to a file host when it has ended. */
  onExchange?: (exchange: FileExchange) => void;
  /** A save goes on when its last call is cancelled; otherwise it stops then. */
  outlivesCalls?: boolean;
  limits?: Partial<Limits>;
}

/** What the store remembers of a snapshot between calls. */
interface Snapshot {
  identity: SnapshotIdentity;
  memory: LinkMemory;
  task?: BackgroundTask<SaveReport>;
  /** How far the running task is; absent with it. */
  state?: () => SaveState;
  lastError?: ErrorEnvelope | undefined;
  /** The failure with which the last save ended, once a call has got it. */
  ended?: ErrorEnvelope | undefined;
  /** A failure that no call was waiting for; the next call gets it if it asks for the same (see `termsOf`). */
  missed?: { failure: Failure; terms: string } | undefined;
}

/** Does not touch the folder before the first call. */
export function createSnapshotStore(options: SnapshotStoreOptions): SnapshotStore & SnapshotKeeper {
  const { directory: folder, clock, source, filePrefix } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const policy = { allowLoopback: options.allowLoopback, fileHosts: options.fileHosts };
  const shared: Omit<RunningSave, "identity" | "fileName" | "known" | "byName" | "memory" | "status"> = {
    folder,
    filePrefix,
    source,
    requester: createFileRequester({ ...options, policy, limits }),
    policy,
    clock,
    limits,
    startCheck: (path, { md5 }) => startArchiveCheck({ path, worker: options.checkWorker, md5 }),
    slots: createSlots(limits.concurrentTransfers),
    checkedFiles: createCheckedFiles(),
    log: options.log ?? (() => undefined),
    onLink: options.onLink ?? (() => undefined),
    onExchange: options.onExchange,
  };
  const verifications = createVerifications({ ...shared, readOnly: options.readOnly ?? false });
  const snapshots = new Map<string, Snapshot>();
  let isClosed = false;

  function startSave(snapshot: Snapshot, request: SaveRequest): BackgroundTask<SaveReport> {
    const { identity, memory } = snapshot;
    const { fileName, projectName, clusterId, byName = false } = request;
    const terms = termsOf(identity, fileName);
    const status = createSaveStatus(clock);
    snapshot.state = () => status.state;
    snapshot.lastError = undefined;
    snapshot.ended = undefined;
    return startTask<SaveReport>({
      run: async (signal) => {
        const known = { projectName, clusterId };
        const save = { ...shared, identity, fileName, known, byName, memory, status };
        const report = await orFailure(saveSnapshot(save, signal), signal).catch((error: unknown) => {
          if (signal.aborted)
            return status.paused(signal.reason instanceof Failure ? signal.reason.envelope : undefined);
          if (error instanceof Failure && error.code !== "SAVED_ELSEWHERE") snapshot.ended = error.envelope;
          throw error;
        });
        snapshot.lastError = report.lastError;
        return report;
      },
      report: () => withWait(status.report(), snapshot),
      position: ({ bytes }) => bytes,
      stopsWhenAbandoned: () => {
        if (status.state === "verifying") return undefined;
        if (!options.outlivesCalls) return ownFailure("CALL_CANCELLED");
        shared.log({ event: "call-ended", snapshotId: identity.snapshotId, why: "The save goes on without it." });
        return undefined;
      },
      finishesFirst: () => status.requestInFlight,
      onMissedFailure: (error) => {
        // SAVED_ELSEWHERE may be out of date by the next call.
        if (error instanceof Failure && error.code !== "SAVED_ELSEWHERE") snapshot.missed = { failure: error, terms };
      },
      clock,
      progressEveryMs: limits.progressEveryMs,
      quietMs: limits.quietMs,
    });
  }

  /** Says of a save that is queued which clusters' transfers go first. */
  function withWait(report: SaveReport, own: Snapshot): SaveReport {
    if (report.state !== "queued") return report;
    const others = [...snapshots.values()].filter((other) => other !== own && isAhead(other));
    return { ...report, waitsFor: [...new Set(others.map(({ identity }) => identity.name))] };
  }

  let lastStop: Promise<unknown> = Promise.resolve();

  async function stop(snapshotId: string, { signal, ...how }: StopOptions): Promise<StopReport> {
    signal.throwIfAborted();
    // An earlier call may have given a wrong project, so several may have the id.
    const own = [...snapshots.values()].filter(({ identity }) => identity.snapshotId === snapshotId);
    for (const { identity } of own) how.check(identity);
    const running = own.filter(({ task }) => task);
    await Promise.all(running.map(({ task }) => task?.stopInOrder(ownFailure("TRANSFER_STOPPED"))));
    const directory = await orFailure(findDownloadDirectory(folder), signal);
    const found = directory && (await orFailure(stopParts(directory, snapshotId, how, shared), signal));
    const [known = own[0]] = running;
    const report = { bytes: 0, ...(known && { identity: known.identity }), ...found };
    // Nothing is left that could be continued, so nothing is listed either.
    for (const each of report.bytes === 0 ? own : []) {
      each.lastError = undefined;
      each.missed = undefined;
      each.ended = undefined;
    }
    const isDiscarded = found?.state === "discarded" || (running.length > 0 && how.discard);
    return { ...report, state: isDiscarded ? "discarded" : running.length > 0 ? "stopped" : "not-running" };
  }

  /** Warnings for a call that joins a running save although it asked for something else. */
  function differencesFrom(running: SnapshotIdentity, { name, fileName }: SaveRequest) {
    const wanted = fileName === undefined ? undefined : chosenFileName(filePrefix, fileName);
    return (report: SaveReport): string[] => [
      ...(wanted === undefined || [undefined, wanted].includes(report.fileName) ? [] : [RUNS_ALREADY]),
      ...(name === running.name ? [] : [recordedAs(running.name)]),
    ];
  }

  /** A part that is left after a final failure stays listed, so the list says why it stands still. */
  function withReason(transfer: OpenTransfer): OpenTransfer {
    const reason = transfer.lastError ?? snapshots.get(keyOf(transfer.identity))?.ended;
    return transfer.state === "paused" && reason ? { ...transfer, lastError: reason } : transfer;
  }

  return {
    save: async (request, wait) => {
      if (isClosed) throw closing();
      const identity = checkIdentity(request);
      const key = keyOf(identity);
      const snapshot: Snapshot = snapshots.get(key) ?? { identity, memory: { refused: new Set() } };
      snapshots.set(key, snapshot);
      while (snapshot.task?.isStopping) await snapshot.task.ended;
      wait.signal.throwIfAborted();
      const { missed } = snapshot;
      snapshot.missed = undefined;
      if (missed?.terms === termsOf(identity, request.fileName)) throw missed.failure;
      // The last call may have given a wrong cluster name.
      if (!snapshot.task) snapshot.identity = identity;
      const differences = snapshot.task ? differencesFrom(snapshot.identity, request) : () => [];
      const task = snapshot.task ?? startSave(snapshot, request);
      if (task !== snapshot.task) {
        snapshot.task = task;
        void task.ended.then(() => {
          delete snapshot.task;
          delete snapshot.state;
        });
      }
      const report = await task.join(wait);
      const warnings = [...new Set([...(report.warnings ?? []), ...differences(report)])];
      return { ...report, ...(warnings.length > 0 && { warnings }) };
    },

    isSaving: (snapshot) => {
      const task = snapshots.get(keyOf(snapshot))?.task;
      return task !== undefined && !task.isStopping;
    },

    stop: async (snapshotId, options) => {
      // One after the other: two that discard the same part would keep each other from it.
      const turn = lastStop.then(() => stop(snapshotId, options));
      lastStop = turn.catch(() => undefined);
      return turn;
    },

    parts: async ({ groupId, name }, signal) => {
      signal.throwIfAborted();
      const directory = await orFailure(findDownloadDirectory(folder), signal);
      const parts = directory ? await orFailure(listParts(directory), signal) : [];
      return parts.flatMap(({ state: { identity, facts, committedBytes, startedAt, byName = false } }) =>
        identity.groupId === groupId && identity.name === name
          ? [{ identity, facts, bytes: committedBytes, startedAt: Date.parse(startedAt), byName }]
          : [],
      );
    },

    list: async (signal) => {
      signal.throwIfAborted();
      const directory = await orFailure(findDownloadDirectory(folder), signal);
      const known = new Map<string, OpenTransfer>();
      for (const [key, snapshot] of snapshots) {
        const transfer = openTransferOf(snapshot);
        if (transfer) known.set(key, transfer);
      }
      if (!directory) return { directory: folder, files: [], ...cutTo(limits.maxListed, [...known.values()]) };
      const listed = await orFailure(listSaved(directory, known, shared), signal);
      return { ...listed, transfers: listed.transfers.map(withReason) };
    },

    saved: async (signal) => {
      signal.throwIfAborted();
      const directory = await orFailure(findDownloadDirectory(folder), signal);
      return directory ? orFailure(listWithRecords(directory, shared.checkedFiles), signal) : [];
    },

    verify: async (fileName, wait) => {
      if (isClosed) throw closing();
      return orFailure(verifications.verify(fileName, wait), wait.signal);
    },

    keepNewest: async (order, { signal, onRead }) => {
      if (isClosed) throw closing();
      return keepNewest(order, { ...shared, onRead }, signal);
    },

    close: async () => {
      isClosed = true;
      const tasks = [...snapshots.values()].flatMap(({ task }) => task ?? []);
      for (const task of tasks) task.stop();
      const patience = new AbortController();
      const ended = Promise.all([...verifications.stop(), ...tasks.map((task) => task.ended)]);
      await Promise.race([ended, clock.sleep(limits.closeMs, patience.signal)]);
      patience.abort();
      await shared.requester.close();
    },
  };
}

const isAhead = ({ state }: Snapshot) => ["requesting", "downloading", "verifying"].includes(state?.() ?? "paused");

/** What this process knows of a transfer that is not complete: one that runs, or one that stopped with a failure. */
function openTransferOf({ identity, task, lastError, missed }: Snapshot): OpenTransfer | undefined {
  const report = task?.report();
  if (report?.state === "complete") return undefined;
  if (report) {
    const { state, fileName, facts, bytes, totalBytes, bytesPerSecond, secondsLeft } = report;
    return {
      state,
      ...(fileName !== undefined && { fileName }),
      identity,
      ...(facts && { facts }),
      ...progressOf(bytes, totalBytes),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(secondsLeft !== undefined && { secondsLeft }),
    };
  }
  const reason = missed?.failure.envelope ?? lastError;
  return reason && { state: "paused", bytes: 0, identity, lastError: reason };
}

const RUNS_ALREADY = "The snapshot was being saved under this name already; the fileName of this call is not used.";

/** The arguments in which two calls for the same snapshot may differ. */
function termsOf({ name }: SnapshotIdentity, fileName = ""): string {
  return `${name}/${fileName}`;
}

/** Rejects with a `Failure` or the signal's reason, never with a bare error of the file system. */
async function orFailure<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const isAbort = error instanceof Error && error.name === "AbortError";
    throw signal.aborted || isAbort ? error : diskFailure(error);
  }
}

function closing() {
  return ownFailure("INTERNAL_ERROR", { detail: "The server is shutting down.", hint: "Start the server again." });
}
