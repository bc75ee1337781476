import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { CLUSTER, serverWith } from "../fixtures.ts";

/** The built server against an Atlas that gives this answer to everything. */
async function serverAgainstAnswer(answer: string) {
  const atlas = createServer((_, response) => response.end(answer)).listen(0, "127.0.0.1");
  await once(atlas, "listening");
  onTestFinished(() => void atlas.close());
  const address = atlas.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return serverWith({
    env: { MONGODB_ATLAS_BASE_URL: `http://127.0.0.1:${port}`, MONGODB_ATLAS_ACCESS_TOKEN: "any-access-token" },
  });
}

test("a page with more entries than Atlas ever sends is refused without looking at them", async () => {
  const { fails } = await serverAgainstAnswer(`{"results":[${"{},".repeat(500)}{}]}`);
  for (const tool of ["list_flex_snapshots", "list_restore_jobs"])
    expect(await fails(tool, CLUSTER)).toMatchObject({ errorCode: "UNREADABLE_RESPONSE", source: "atlas" });
});

test("restore jobs that Atlas lists in another order than usual come out newest first all the same", async () => {
  const jobs = [3, 1, 4, 2].map((day) => ({ id: `job-${day}`, restoreScheduledDate: `2026-11-0${day}T00:00:00Z` }));
  const { ok } = await serverAgainstAnswer(JSON.stringify({ results: jobs }));
  expect(await ok("list_restore_jobs", { ...CLUSTER, limit: 2 })).toMatchObject({
    restoreJobs: [{ id: "job-4" }, { id: "job-3" }],
    truncated: true,
  });
});

test("a date at the end of time is no date", async () => {
  const job = {
    id: SIMULATED.restoreJobId,
    deliveryType: "DOWNLOAD",
    restoreScheduledDate: "+275760-09-13T00:00:00.000Z",
  };
  const { ok } = await serverAgainstAnswer(JSON.stringify({ ...job, results: [job] }));
  expect(await ok("list_restore_jobs", CLUSTER)).toMatchObject({ restoreJobs: [{ id: job.id }] });
  const answer = await ok("get_restore_job", { ...CLUSTER, restoreJobId: job.id });
  expect(answer).toMatchObject({ restoreJob: { id: job.id } });
  expect(answer).not.toHaveProperty("linkExpiresAt");
});
