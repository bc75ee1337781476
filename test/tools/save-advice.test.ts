import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { pausedAdvice } from "../../src/tools/file-view.ts";

const codes = Object.keys(OWN_ERRORS).filter((code): code is keyof typeof OWN_ERRORS => code in OWN_ERRORS);

describe.each([0, 1_000])("a transfer that paused at byte %d", (bytes) => {
  test.each(codes)("for %s is told to go on, once, and what was kept, if anything", (code) => {
    const advice = pausedAdvice({ bytes, lastError: ownFailure(code).envelope });
    expect(advice.match(/save_flex_snapshot/g)).toHaveLength(1);
    expect(advice.match(/\bis kept\b/g) ?? []).toHaveLength(bytes > 0 ? 1 : 0);
    expect(advice).not.toMatch(/call again|Try once more/i);
    expect(advice).toMatch(/[^.]\.$/);
  });

  test("without a failure is told to go on", () => {
    expect(pausedAdvice({ bytes })).toMatch(/\. Call save_flex_snapshot again with the same arguments\.$/);
  });
});

test("the advice reads as one sentence after the other", () => {
  const { envelope: lastError } = ownFailure("LINK_EXPIRED");
  expect(pausedAdvice({ bytes: 0, lastError })).toBe(
    "The transfer has stopped before anything was saved. Add this computer's public IP address to the project's IP access list (Atlas: Network Access), then call save_flex_snapshot again with the same arguments.",
  );
  expect(pausedAdvice({ bytes: 9, lastError: ownFailure("JOB_FAILED").envelope })).toBe(
    "The transfer has stopped; what was saved is kept, and the next call continues there. Call save_flex_snapshot again with the same arguments; if it fails again, save another snapshot of the cluster or ask MongoDB support.",
  );
});
