import fc from "fast-check";
import { test } from "vitest";
import { play, stepsOf, versionsOf } from "./model.ts";

test("whatever file host, user and process do, the file is right or absent (60 scripts)", async () => {
  const versions = await versionsOf();
  await fc.assert(
    fc.asyncProperty(stepsOf(2), (steps) => play(versions, steps)),
    { seed: 20261122, numRuns: 60 },
  );
}, 240_000);
