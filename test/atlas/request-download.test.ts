import { expect, test } from "vitest";
import { createDownloadRequests } from "../../src/atlas/request-download.ts";
import { ownFailure } from "../../src/core/errors.ts";
import { SNAPSHOT } from "../atlas-of-jobs.ts";
import { manualClock } from "../http/clocks.ts";

test("a look-up without an answer is abandoned after 15 seconds of the injected clock", async () => {
  const clock = manualClock();
  const { request } = createDownloadRequests({
    clock,
    post: () => Promise.reject(ownFailure("CONNECTION_LOST")),
    latestJobs: () => new Promise(() => {}),
    refusal: () => ownFailure("UNREADABLE_RESPONSE"),
  });
  let settled = false;
  const limits = { deadline: clock.now() + 45_000, signal: new AbortController().signal };
  const outcome = request(SNAPSHOT, {}, limits).finally(() => {
    settled = true;
  });
  outcome.catch(() => {
    // Asserted below; without this handler Node would report it as unhandled before then.
  });
  await clock.advance(0);
  await clock.advance(14_999);
  expect(settled).toBe(false);
  await clock.advance(1);
  await expect(outcome).rejects.toMatchObject({ code: "OUTCOME_UNKNOWN" });
});

test("a 401 that the signer cannot interpret still counts as a refusal, so nothing is looked up", async () => {
  let lookUps = 0;
  const { request } = createDownloadRequests({
    clock: manualClock(),
    post: () => Promise.reject(ownFailure("UNREADABLE_RESPONSE", { error: 401 })),
    latestJobs: async () => {
      lookUps += 1;
      return { jobs: [], serverTime: undefined };
    },
    refusal: () => ownFailure("INTERNAL_ERROR"),
  });
  const limits = { deadline: manualClock().now() + 45_000, signal: new AbortController().signal };
  await expect(request(SNAPSHOT, {}, limits)).rejects.toMatchObject({ code: "UNREADABLE_RESPONSE" });
  expect(lookUps).toBe(0);
});
