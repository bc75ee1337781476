import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { KIB, remoteFile, temporaryFolder } from "./fixtures.ts";
import { buildChild, killAndContinue, play, stepsOf, versionsOf } from "./process-fixtures.ts";

test("a process that is killed at any of 20 points loses no committed byte", async () => {
  const file = await remoteFile(8192 * KIB);
  const { program, remove } = await buildChild();
  onTestFinished(remove);
  const shares = fc.sample(fc.double({ min: 0, max: 0.999, noNaN: true }), { numRuns: 20, seed: 5 });
  for (const share of shares) await killAndContinue(file, share, await temporaryFolder(), program);
  expect(shares).toHaveLength(20);
});

test("the file is right or absent, whatever file host, user and process do (500 scripts)", async () => {
  const versions = await versionsOf();
  await fc.assert(
    fc.asyncProperty(stepsOf(4), (steps) => play(versions, steps)),
    { seed: 1, numRuns: 500 },
  );
});
