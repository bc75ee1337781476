import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { buildChild } from "./child.ts";
import { KIB, remoteFile, temporaryFolder } from "./fixtures.ts";
import { killAndContinue } from "./kill.ts";

test("a process that is killed at any of 20 points loses nothing that was committed", async () => {
  const file = await remoteFile(8192 * KIB);
  const { program, remove } = await buildChild();
  onTestFinished(remove);
  const shares = fc.sample(fc.double({ min: 0, max: 0.999, noNaN: true }), { numRuns: 20, seed: 5 });
  for (const share of shares) await killAndContinue(file, share, await temporaryFolder(), program);
  expect(shares).toHaveLength(20);
});
