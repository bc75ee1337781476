import { ownFailure } from "../errors.ts";
import type { Clock } from "../http/send.ts";
import type { StartCheck } from "./check/archive-check.ts";
import type { SnapshotStore, VerifyReport } from "./contract.ts";
import type { DownloadDirectory } from "./folder/download-directory.ts";
import { type Job, startJob } from "./job.ts";
import type { Limits } from "./limits.ts";
import { prepareVerification, type Verification } from "./verifying.ts";

/** A result that nobody waited for is handed to the next call, unless it is older than this. */
const RESULT_LIFE_MS = 600_000;

interface Entry {
  job: Job<VerifyReport>;
  endedAt?: number;
}

/** The checks of finished files that run in the background, one for each file. */
export function createVerifications(options: {
  openDirectory: () => Promise<DownloadDirectory | undefined>;
  startCheck: StartCheck;
  clock: Clock;
  limits: Pick<Limits, "progressEveryMs">;
}): { verify: SnapshotStore["verify"]; stop: () => Promise<void>[] } {
  const { clock, limits } = options;
  const entries = new Map<string, Entry>();

  function start(fileName: string, { run, report }: Verification): Entry {
    const job = startJob({
      ...{ run, report, clock },
      position: ({ checkedBytes }) => checkedBytes,
      endsWhenLetGo: () => false,
      // The entry stays for the next call, the failure in it.
      onUnheard: () => undefined,
      progressEveryMs: limits.progressEveryMs,
    });
    const entry: Entry = { job };
    entries.set(fileName, entry);
    void job.ended.then(() => {
      entry.endedAt = clock.now();
    });
    return entry;
  }

  function current(fileName: string): Entry | undefined {
    const entry = entries.get(fileName);
    const isStale = entry?.endedAt !== undefined && clock.now() - entry.endedAt > RESULT_LIFE_MS;
    return isStale ? undefined : entry;
  }

  return {
    verify: async (fileName, wait) => {
      wait.signal.throwIfAborted();
      const running = current(fileName);
      const prepared = running
        ? undefined
        : await prepareVerification(await options.openDirectory(), fileName, options.startCheck);
      const entry = running ?? current(fileName) ?? (prepared && start(fileName, prepared));
      if (!entry) throw ownFailure("FILE_NOT_FOUND");
      try {
        return await entry.job.join(wait);
      } finally {
        if (entry.endedAt !== undefined && entries.get(fileName) === entry) entries.delete(fileName);
      }
    },
    stop: () =>
      [...entries.values()].map(({ job }) => {
        job.stop();
        return job.ended;
      }),
  };
}
