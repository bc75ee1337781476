import { expect, test } from "vitest";
import { RestoreJob } from "../../src/atlas/model.ts";
import { createDownloadRequests } from "../../src/atlas/request-download.ts";
import { ownFailure } from "../../src/core/errors.ts";
import type { SnapshotStore } from "../../src/download/contract.ts";
import { getRestoreJob } from "../../src/tools/get-restore-job.ts";
import { atlasOfJobs, HOUR, jobAt, SNAPSHOT } from "../atlas-of-jobs.ts";
import { pausingClock } from "../http/clocks.ts";

const never = new AbortController().signal;

const unused = () => Promise.reject(new Error("not used here"));
const store: SnapshotStore = {
  save: unused,
  stop: unused,
  isSaving: () => false,
  parts: unused,
  saved: unused,
  list: unused,
  verify: unused,
  close: unused,
};

/** A clock that `set` changes by `byMs`; its ticks do not change. */
function clockToSet(byMs: number) {
  const even = pausingClock();
  let offsetMs = 0;
  const set = () => {
    offsetMs = byMs;
  };
  return { ...even, now: () => even.now() + offsetMs, set };
}

const PENDING = RestoreJob.parse({ deliveryType: "DOWNLOAD", status: "PENDING" });

const SETTINGS = [
  ["back", -HOUR],
  ["ahead", HOUR],
] as const;

test.each(SETTINGS)("setting the clock %s during a wait for a job does not change the wait", async (_, byMs) => {
  const clock = clockToSet(byMs);
  const { atlas } = await atlasOfJobs({});
  const { snapshotId: _snapshotId, ...cluster } = SNAPSHOT;
  const job = { ...cluster, restoreJobId: "5fa1000000000000000000e7" };
  const pending: typeof atlas.getRestoreJob = async () => {
    clock.set();
    return { httpStatus: 200, restoreJob: PENDING, serverTime: undefined };
  };
  const startedAt = clock.ticks();
  const progress: number[] = [];
  const call = getRestoreJob.prepare({ ...job, waitSeconds: 10 }, (_name, sentence) => sentence);
  const answer = await call.run({
    atlas: { ...atlas, getRestoreJob: pending },
    store,
    saves: { save: unused, settled: unused, lookingUp: () => [], found: () => ({}) },
    maxWaitSeconds: 40,
    clock,
    hideSnapshotUrls: false,
    deadline: clock.now() + 46_000,
    signal: never,
    report: (update) => progress.push(update.progress),
    aside: () => {},
  });
  expect(answer).toMatchObject({ finished: false });
  expect(clock.ticks() - startedAt).toBe(10_000);
  expect(progress).toEqual([0, 3, 6, 9]);
});

test.each(SETTINGS)(
  "setting the clock %s during a download request does not make another job its result",
  async (_, byMs) => {
    const clock = clockToSet(byMs);
    const serverStart = Date.UTC(2026, 10, 24, 12);
    const started = clock.ticks();
    const jobs = [jobAt(serverStart, 2), jobAt(serverStart - HOUR / 2, 1)].map((job) => RestoreJob.parse(job));
    const { request } = createDownloadRequests({
      clock,
      post: () => {
        clock.set();
        return Promise.reject(ownFailure("CONNECTION_LOST"));
      },
      // The job appears only at the second look.
      latestJobs: async () => ({
        jobs: jobs.slice(clock.ticks() === started ? 1 : 0),
        serverTime: serverStart + clock.ticks() - started,
      }),
      refusal: () => ownFailure("INTERNAL_ERROR"),
    });
    const answer = await request(SNAPSHOT, {}, { deadline: clock.now() + 3 * HOUR, signal: never });
    expect(answer.restoreJob.id).toBe(jobs[0]?.id);
  },
);
