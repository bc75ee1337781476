import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { pausedAdvice } from "../../src/tools/file-view.ts";

const codes = Object.keys(OWN_ERRORS).filter((code): code is keyof typeof OWN_ERRORS => code in OWN_ERRORS);

describe.each([0, 1_000])("a transfer that paused at byte %d", (bytes) => {
  test.each(codes)("with %s gets its hint as the only advice, and says what was kept, if anything", (code) => {
    const advice = pausedAdvice({ bytes, lastError: ownFailure(code).envelope });
    expect(advice.slice(advice.indexOf(". ") + 2)).toBe(OWN_ERRORS[code].hint);
    expect(advice.match(/\bis kept\b/g) ?? []).toHaveLength(bytes > 0 ? 1 : 0);
    expect(advice).toMatch(/[^.]\.$/);
  });

  test("without a failure gets the advice to call again", () => {
    expect(pausedAdvice({ bytes })).toMatch(/\. Call save_flex_snapshot again with the same arguments\.$/);
  });
});

test.each(codes.filter((code) => OWN_ERRORS[code].retryable))("the hint of %s says itself to call again", (code) => {
  expect(OWN_ERRORS[code].hint).toMatch(/\bcall again\b/i);
});

test("the advice is made of whole sentences", () => {
  const { envelope: lastError } = ownFailure("LINK_REFUSED");
  expect(pausedAdvice({ bytes: 0, lastError })).toBe(
    "The transfer has stopped before anything was saved. Add this computer's public IP address to the project's IP access list (Atlas: Network Access), then call again.",
  );
  expect(pausedAdvice({ bytes: 9, lastError: ownFailure("JOB_WITHOUT_LINK").envelope })).toBe(
    "The transfer has stopped; what was saved is kept, and the next call continues there. Save another snapshot of the cluster. If its job has no link either, ask MongoDB support.",
  );
});
