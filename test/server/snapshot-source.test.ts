import { describe, expect, test } from "vitest";
import { atlasOfJobs, type Behaviour, HOUR, jobAt, LINK, OTHER_SNAPSHOT, SNAPSHOT } from "../atlas-of-jobs.ts";

const MINUTE = 60_000;
const hidden = { list: () => [], shows: () => false } satisfies Behaviour;
const pending = { job: (job) => ({ ...job, status: "QUEUED", snapshotUrl: undefined }) } satisfies Behaviour;
const linkless = (job: object) => ({ ...job, snapshotUrl: undefined });

describe("a job that was requested here", () => {
  test.each([-5, 5, 48])("is used although this computer's clock is %i hours ahead of Atlas's", async (hours) => {
    const { link, seen } = await atlasOfJobs({ aheadMs: hours * HOUR });
    expect(await link()).toMatchObject({ url: `${LINK}&job=1`, isNew: true });
    expect(await link()).toMatchObject({ url: `${LINK}&job=1` });
    expect(await link({ restarted: true })).toMatchObject({ url: `${LINK}&job=1` });
    expect(seen.posts).toBe(1);
  });

  test("gives its link's expiry by this computer's clock", async () => {
    const { link, clock } = await atlasOfJobs({ aheadMs: 5 * HOUR });
    expect((await link()).expiresAt).toBe(clock.now() + 4 * HOUR);
  });

  test("that Atlas does not show yet is waited for, also by later calls", async () => {
    let shown = false;
    const { link, seen } = await atlasOfJobs({ ...pending, list: () => [], shows: () => shown });
    await expect(link()).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    await expect(link({ restarted: true })).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    shown = true;
    await expect(link()).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    expect(seen.posts).toBe(1);
  });

  test("that Atlas never shows is given up after a quarter of an hour", async () => {
    const { link, seen, clock } = await atlasOfJobs({ ...pending, ...hidden });
    await expect(link()).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    clock.advance(15 * MINUTE);
    await expect(link()).rejects.toMatchObject({ code: "LINK_NOT_READY" });
    expect(seen.posts).toBe(2);
  });

  test.each<[string, string | undefined]>([
    ["no link", undefined],
    ["an empty link", ""],
    ["a link above 8 KiB", `https://files.example/${"a".repeat(9_000)}`],
    ["a link with a control character", "https://files.example/\u0000"],
  ])("and ends with %s is not followed by another job until its link would have expired", async (_, snapshotUrl) => {
    const { link, seen, clock } = await atlasOfJobs({ job: (job) => ({ ...job, snapshotUrl }) });
    for (const restarted of [false, false, true])
      await expect(link({ restarted })).rejects.toMatchObject({
        code: "JOB_WITHOUT_LINK",
        envelope: { retryable: false },
      });
    expect(seen.posts).toBe(1);
    clock.advance(4 * HOUR);
    await expect(link()).rejects.toMatchObject({ code: "JOB_WITHOUT_LINK" });
    expect(seen.posts).toBe(2);
  });

  test("that gets its link late is used by the next call", async () => {
    const { link, jobs, seen } = await atlasOfJobs({ job: linkless });
    await expect(link()).rejects.toMatchObject({ code: "JOB_WITHOUT_LINK" });
    jobs[0] = { ...jobs[0], snapshotUrl: LINK };
    expect(await link()).toMatchObject({ url: LINK });
    expect(seen.posts).toBe(1);
  });

  test("by another tool is used although Atlas shows it nowhere", async () => {
    const { atlas, link, limits, seen } = await atlasOfJobs(hidden);
    const { restoreJob } = await atlas.requestDownload(SNAPSHOT, {}, limits());
    expect(await link()).toMatchObject({ url: `${LINK}&job=1`, restoreJobId: restoreJob.id });
    expect(seen.posts).toBe(1);
  });

  test("is not used again once the file host refused its link", async () => {
    const { link, seen } = await atlasOfJobs({});
    const first = await link();
    expect(await link({ refused: [first.url, first.restoreJobId ?? ""] })).toMatchObject({ url: `${LINK}&job=2` });
    expect(seen.posts).toBe(2);
  });
});

describe("a request whose outcome is unknown", () => {
  test("is looked up, and its job used, before another request is sent", async () => {
    const { link, written, jobs, seen, clock } = await atlasOfJobs({ list: (all, listed) => (listed > 3 ? all : []) });
    written.requestedAt = clock.now() - 10_000;
    jobs.push(jobAt(clock.now(), 7));
    expect(await link()).toMatchObject({ url: `${LINK}&job=7` });
    expect(seen).toMatchObject({ posts: 0, lists: 4 });
  });

  test.each([
    ["just now is repeated after three minutes", 0, 3],
    ["an hour ago is repeated at once", -HOUR, 0],
    ["an hour ahead, because the clock was set back, is repeated at once", HOUR, 0],
  ])("and that was sent %s", async (_, offsetMs, minutes) => {
    const { link, written, seen, clock } = await atlasOfJobs({ list: (all) => (seen.posts ? all : []) });
    const start = clock.now();
    written.requestedAt = start + offsetMs;
    expect(await link()).toMatchObject({ isNew: true });
    expect(seen.posts).toBe(1);
    expect(clock.now() - start).toBe(minutes * MINUTE);
  });

  test("makes the caller wait, and is not repeated while its job may still appear", async () => {
    const { link, seen, behaviour } = await atlasOfJobs({ post: "reset", list: () => [] });
    const hint = expect.stringMatching(/^Call again in a few minutes\./);
    await expect(link()).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN", envelope: { retryable: true, hint } });
    behaviour.list = (all, listed) => (listed > 10 ? all : []);
    expect(await link({ restarted: true })).toMatchObject({ url: `${LINK}&job=1` });
    expect(seen.posts).toBe(1);
  });
});

describe("an unclear answer to the request", () => {
  test.each([300, 302, 304, 399, 408, 425, 499, 500, 503])(
    "is status %i without a body, and the job is looked for",
    async (post) => {
      const { atlas, limits, jobs, seen } = await atlasOfJobs({ post });
      const { restoreJob } = await atlas.requestDownload(SNAPSHOT, {}, limits());
      expect(restoreJob.id).toBe(jobs[0]?.id);
      expect(seen.posts).toBe(1);
    },
  );

  test.each([400, 404, 410, 498])("is not status %i, which is a refusal", async (post) => {
    const { atlas, limits, seen } = await atlasOfJobs({ post });
    await expect(atlas.requestDownload(SNAPSHOT, {}, limits())).rejects.toMatchObject({ envelope: { error: post } });
    expect(seen.lists).toBe(0);
  });
});

describe("a job of another snapshot", () => {
  const foreign = (job: object) => ({ ...job, snapshotId: OTHER_SNAPSHOT });

  test("in answer to the request leaves its outcome unknown", async () => {
    const { link, seen } = await atlasOfJobs({ job: foreign });
    await expect(link()).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
    expect(seen.posts).toBe(1);
  });

  test("is not used, whether it was written down or is listed", async () => {
    const { link, written, jobs, clock } = await atlasOfJobs({});
    const job = foreign(jobAt(clock.now(), 7));
    jobs.push(job, foreign(jobAt(clock.now(), 8)));
    written.restoreJobId = jobAt(0, 7).id ?? "";
    expect(await link()).toMatchObject({ url: `${LINK}&job=1` });
  });

  test("under the id of a listed job is not used", async () => {
    const { link, jobs, clock } = await atlasOfJobs({
      list: (all) => all.map((job) => ({ ...job, snapshotId: SNAPSHOT.snapshotId, snapshotUrl: undefined })),
    });
    jobs.push(foreign(jobAt(clock.now(), 7)));
    expect(await link()).toMatchObject({ url: `${LINK}&job=1` });
  });
});

test("a description of another snapshot than was asked for is refused", async () => {
  const { describe: described } = await atlasOfJobs({});
  await expect(described()).rejects.toMatchObject({ code: "UNREADABLE_RESPONSE" });
});

describe("a job that fails", () => {
  const failing = { job: (job) => ({ ...job, status: "FAILED", snapshotUrl: undefined }) } satisfies Behaviour;
  const stops = { code: "JOBS_KEEP_FAILING", envelope: { retryable: false } };

  test("is replaced once; after the second one no other is requested until an hour has passed", async () => {
    const { link, seen, clock } = await atlasOfJobs(failing);
    await expect(link()).rejects.toMatchObject({ code: "JOB_FAILED", envelope: { retryable: true } });
    for (const restarted of [false, true, false, true]) await expect(link({ restarted })).rejects.toMatchObject(stops);
    expect(seen.posts).toBe(2);
    clock.advance(HOUR + MINUTE);
    await expect(link({ restarted: true })).rejects.toMatchObject({ code: "JOB_FAILED" });
    expect(seen.posts).toBe(3);
  });

  test.each([-5, 5])("counts by Atlas's clock when this computer's is %i hours ahead", async (hours) => {
    const { link, seen } = await atlasOfJobs({ ...failing, aheadMs: hours * HOUR });
    await expect(link()).rejects.toMatchObject({ code: "JOB_FAILED" });
    for (const restarted of [false, true]) await expect(link({ restarted })).rejects.toMatchObject(stops);
    expect(seen.posts).toBe(2);
  });

  test.each<[string, Record<string, string>]>([
    ["of another snapshot", { snapshotId: OTHER_SNAPSHOT }],
    ["that restored a cluster", { deliveryType: "RESTORE" }],
    ["that did not fail", { status: "COMPLETED", expirationDate: "2000-01-01T00:00:00Z" }],
    [
      "that ended long ago, whatever else is told of its times",
      { restoreFinishedDate: "soon", restoreScheduledDate: "2000-01-01T00:00:00Z" },
    ],
  ])("is not counted when it is one %s", async (_, changes) => {
    const { link, jobs, clock } = await atlasOfJobs({});
    for (const count of [7, 8, 9])
      jobs.push({ ...linkless(jobAt(clock.now() - MINUTE, count)), status: "FAILED", ...changes });
    expect(await link()).toMatchObject({ url: `${LINK}&job=1` });
  });

  test.each<[string, { restoreScheduledDate?: string }]>([
    ["no time is told", {}],
    ["the time is not readable", { restoreScheduledDate: "soon" }],
  ])("is counted although %s", async (_, dates) => {
    const { link, seen } = await atlasOfJobs({
      job: ({ restoreScheduledDate, ...job }) => ({ ...failing.job(job), ...dates }),
    });
    await expect(link()).rejects.toMatchObject({ code: "JOB_FAILED" });
    for (const restarted of [false, true, true]) await expect(link({ restarted })).rejects.toMatchObject(stops);
    expect(seen.posts).toBe(2);
  });

  test("is not counted when another job of this snapshot can be used", async () => {
    const { link, jobs, seen, clock } = await atlasOfJobs({});
    for (const count of [7, 8]) jobs.push({ ...linkless(jobAt(clock.now() - MINUTE, count)), status: "FAILED" });
    jobs.push(jobAt(clock.now() - MINUTE, 9));
    expect(await link()).toMatchObject({ url: `${LINK}&job=9` });
    expect(seen.posts).toBe(0);
  });
});
