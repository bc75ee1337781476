import { createSlots } from "../core/concurrency.ts";
import type { Clock } from "../core/time.ts";
import { type BackgroundTask, startTask } from "./background-task.ts";
import type { SnapshotStore, VerifyReport } from "./contract.ts";
import type { CheckedFiles } from "./folder/checked-files.ts";
import type { DownloadDirectory } from "./folder/download-directory.ts";
import type { StartCheck } from "./integrity/archive-check.ts";
import type { Limits } from "./limits.ts";
import { prepareVerification, type Verification } from "./verify-file.ts";

/** A result that nobody waited for is handed to the next call, unless it is older than this. */
const RESULT_LIFE_MS = 600_000;

interface Entry {
  task: BackgroundTask<VerifyReport>;
  /** Of the file as it was checked. */
  stamp: () => string;
  endedAt?: number;
}

/** The checks of finished files that run in the background, one for each file. */
export function createVerifications(options: {
  openDirectory: () => Promise<DownloadDirectory | undefined>;
  startCheck: StartCheck;
  clock: Clock;
  limits: Pick<Limits, "progressEveryMs" | "concurrentChecks">;
  checkedFiles: CheckedFiles;
}): { verify: SnapshotStore["verify"]; stop: () => Promise<void>[] } {
  const { clock, limits, startCheck, checkedFiles } = options;
  const slots = createSlots(limits.concurrentChecks);
  let isStopped = false;
  const entries = new Map<string, Entry>();

  function start(fileName: string, { run, report, stamp }: Verification): Entry {
    const task = startTask({
      report,
      clock,
      run: async (signal) => {
        const leave = await slots.enter(signal);
        return run(signal).finally(leave);
      },
      position: ({ checkedBytes }) => checkedBytes,
      endsWhenLetGo: () => false,
      // The entry stays for the next call, the failure in it.
      onUnheard: () => undefined,
      progressEveryMs: limits.progressEveryMs,
    });
    const entry: Entry = { task, stamp };
    entries.set(fileName, entry);
    // The file was still being looked up when everything else was stopped.
    if (isStopped) task.stop();
    void task.ended.then(() => {
      entry.endedAt = clock.now();
    });
    return entry;
  }

  /** The check that runs, or its result as long as it is of the file as it is now. */
  function current(fileName: string, stamp: string): Entry | undefined {
    const entry = entries.get(fileName);
    if (entry?.endedAt === undefined) return entry;
    return clock.now() - entry.endedAt <= RESULT_LIFE_MS && entry.stamp() === stamp ? entry : undefined;
  }

  return {
    verify: async (fileName, wait) => {
      wait.signal.throwIfAborted();
      const directory = await options.openDirectory();
      const prepared = await prepareVerification({ directory, fileName, startCheck, checkedFiles });
      const entry = current(fileName, prepared.stamp()) ?? start(fileName, prepared);
      try {
        return await entry.task.join(wait);
      } finally {
        if (entry.endedAt !== undefined && entries.get(fileName) === entry) entries.delete(fileName);
      }
    },
    stop: () => {
      isStopped = true;
      return [...entries.values()].map(({ task }) => {
        task.stop();
        return task.ended;
      });
    },
  };
}
