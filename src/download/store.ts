import type { Dispatcher } from "undici";
import { createSlots } from "../core/concurrency.ts";
import { type ErrorEnvelope, Failure, ownFailure } from "../core/errors.ts";
import type { Clock } from "../core/time.ts";
import type { ProxySettings } from "../http/dispatchers.ts";
import { type BackgroundTask, startTask } from "./background-task.ts";
import type {
  OpenTransfer,
  SaveReport,
  SnapshotIdentity,
  SnapshotSource,
  SnapshotStore,
  StoreLog,
} from "./contract.ts";
import { type DownloadDirectory, diskFailure, openDownloadDirectory } from "./folder/directory.ts";
import { chosenFileName } from "./folder/file-name.ts";
import { createCheckedFiles, listSaved, progressOf } from "./folder/saved-files.ts";
import { startArchiveCheck } from "./integrity/archive-check.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { createSaveStatus, recordedAs } from "./saving/report.ts";
import { saveSnapshot } from "./saving/save-snapshot.ts";
import type { SavingDeps } from "./saving/saving-deps.ts";
import { checkIdentity, keyOf } from "./snapshot.ts";
import { createFileRequester } from "./transfer/file-request.ts";
import type { LinkMemory } from "./transfer/link-keeper.ts";
import { createVerifications } from "./verify.ts";

export interface SnapshotStoreOptions {
  directory: string;
  /** Put before every file name, such as `simulated-`; may be empty. */
  filePrefix: string;
  source: SnapshotSource;
  /** The built file of the thread that checks archives. */
  checkWorker: URL;
  /** Whether file hosts may be on loopback and speak http there. */
  allowLoopback: boolean;
  /** Host suffixes exempt from the rule that file hosts have public addresses. */
  fileHosts: readonly string[];
  proxy?: ProxySettings;
  /** In place of the store's own connections; the rule on addresses is then the caller's to keep. */
  dispatcher?: Dispatcher;
  clock: Clock;
  log?: StoreLog;
  limits?: Partial<Limits>;
}

/** What is remembered of a snapshot between calls. */
interface Snapshot {
  identity: SnapshotIdentity;
  memory: LinkMemory;
  task?: BackgroundTask<SaveReport>;
  lastError?: ErrorEnvelope | undefined;
  /** An end that no call was waiting for; the next call hears of it if it asks for the same. */
  unheard?: { failure: Failure; asked: string } | undefined;
}

/** Saves snapshots into one folder, which nothing touches before the first call. */
export function createSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  const { clock, source, filePrefix } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const policy = { allowLoopback: options.allowLoopback, fileHosts: options.fileHosts };
  const requester = createFileRequester({ ...options, policy, limits });
  const snapshots = new Map<string, Snapshot>();
  let isClosed = false;
  const deps: SavingDeps = {
    filePrefix,
    source,
    requester,
    policy,
    clock,
    limits,
    openDirectory: createDirectory,
    startCheck: (path, { md5 }) => startArchiveCheck({ path, worker: options.checkWorker, md5 }),
    slots: createSlots(limits.concurrentTransfers),
    checkedFiles: createCheckedFiles(),
    log: options.log ?? (() => undefined),
  };

  const verifications = createVerifications({ ...deps, openDirectory: findDirectory });

  async function findDirectory(): Promise<DownloadDirectory | undefined> {
    return openDownloadDirectory(options.directory, "look");
  }

  async function createDirectory(): Promise<DownloadDirectory> {
    const directory = await openDownloadDirectory(options.directory, "create");
    return directory ?? createDirectory();
  }

  /** What a call that joins a running save had asked for otherwise. */
  function differencesOf({ name, fileName }: SaveRequest, running: SnapshotIdentity): (report: SaveReport) => string[] {
    const wanted = fileName === undefined ? undefined : chosenFileName(filePrefix, fileName);
    return (report) => [
      ...(wanted === undefined || [undefined, wanted].includes(report.fileName) ? [] : [RUNS_ALREADY]),
      ...(name === running.name ? [] : [recordedAs(running.name)]),
    ];
  }

  function startSave(snapshot: Snapshot, fileName: string | undefined): BackgroundTask<SaveReport> {
    const { identity, memory } = snapshot;
    const asked = termsOf(identity, fileName);
    const status = createSaveStatus(clock);
    snapshot.lastError = undefined;
    return startTask<SaveReport>({
      run: async (signal) => {
        const saving = saveSnapshot(deps, { identity, fileName, memory }, status, signal);
        const report = await orFailure(saving, signal).catch((error: unknown) => {
          if (signal.aborted && !(error instanceof Failure)) return status.paused();
          throw error;
        });
        snapshot.lastError = report.lastError;
        return report;
      },
      report: status.report,
      position: ({ bytes }) => bytes,
      endsWhenLetGo: () => status.state !== "verifying",
      heldBy: () => status.requestInFlight,
      onUnheard: (error) => {
        // By the next call the other process may have come to its end.
        if (error instanceof Failure && error.code !== "SAVED_ELSEWHERE") snapshot.unheard = { failure: error, asked };
      },
      clock,
      progressEveryMs: limits.progressEveryMs,
    });
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
      const { unheard } = snapshot;
      snapshot.unheard = undefined;
      if (unheard?.asked === termsOf(identity, request.fileName)) throw unheard.failure;
      // The cluster's name may have been wrong the last time.
      if (!snapshot.task) snapshot.identity = identity;
      const differences = snapshot.task ? differencesOf(request, snapshot.identity) : () => [];
      const task = snapshot.task ?? startSave(snapshot, request.fileName);
      if (task !== snapshot.task) {
        snapshot.task = task;
        void task.ended.then(() => {
          delete snapshot.task;
        });
      }
      const report = await task.join(wait);
      const warnings = [...new Set([...(report.warnings ?? []), ...differences(report)])];
      return { ...report, ...(warnings.length > 0 && { warnings }) };
    },

    list: async (signal) => {
      signal.throwIfAborted();
      const directory = await orFailure(findDirectory(), signal);
      if (!directory) return { directory: options.directory, files: [], transfers: [] };
      const running = new Map<string, OpenTransfer>();
      for (const [key, { identity, task }] of snapshots) {
        const report = task?.report();
        if (!report?.fileName || report.state === "complete") continue;
        const { state, fileName, bytes, totalBytes } = report;
        running.set(key, { state, fileName, identity, ...progressOf(bytes, totalBytes) });
      }
      const list = await orFailure(listSaved(directory, running, deps), signal);
      const transfers = list.transfers.map((transfer) => {
        const lastError = snapshots.get(keyOf(transfer.identity))?.lastError;
        return transfer.state === "paused" && lastError ? { ...transfer, lastError } : transfer;
      });
      return { ...list, transfers };
    },

    verify: async (fileName, wait) => {
      if (isClosed) throw closing();
      return orFailure(verifications.verify(fileName, wait), wait.signal);
    },

    close: async () => {
      isClosed = true;
      const tasks = [...snapshots.values()].flatMap(({ task }) => task ?? []);
      for (const task of tasks) task.stop();
      const patience = new AbortController();
      const ended = Promise.all([...verifications.stop(), ...tasks.map((task) => task.ended)]);
      await Promise.race([ended, clock.sleep(limits.closeMs, patience.signal)]);
      patience.abort();
      await requester.close();
    },
  };
}

type SaveRequest = Parameters<SnapshotStore["save"]>[0];

const RUNS_ALREADY = "The snapshot was being saved under this name already; the fileName of this call is not used.";

/** What two calls for one snapshot may differ in. */
function termsOf({ name }: SnapshotIdentity, fileName = ""): string {
  return `${name}/${fileName}`;
}

/** What comes out is a `Failure` or the signal's reason, never an error of the file system as it is. */
async function orFailure<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted || isAbort(error)) throw error;
    throw diskFailure(error);
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function closing() {
  return ownFailure("INTERNAL_ERROR", { detail: "The server is shutting down.", hint: "Start the server again." });
}
