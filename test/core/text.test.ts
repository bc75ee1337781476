import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clean, nearest } from "../../src/core/text.ts";

describe("cleaning foreign text", () => {
  test.each([
    ["a terminal colour", "\u001b[31mred\u001b[0m", "red"],
    ["a terminal title", "\u001b]0;title\u0007text", "text"],
    ["an 8-bit control sequence", "\u009b31mred", "red"],
    ["line breaks", "one\r\ntwo\u2028three", "one two three"],
    ["bidirectional overrides", "a\u202eb\u2066c\u200f", "abc"],
    ["zero-width characters", "pass\u200bword\ufeff", "password"],
    ["tag characters", "ok\u{e0041}\u{e007f}", "ok"],
    ["a lone surrogate", "a\ud800b", "ab"],
    ["ordinary letters of any script", "größe 数据 🙂", "größe 数据 🙂"],
  ])("%s", (_, text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  test("text that is too long is cut at a whole character and marked", () => {
    expect(clean("🙂".repeat(10), 5)).toBe("🙂🙂🙂🙂…");
  });

  test("any text becomes one visible line within the limit, and cleaning it again changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), fc.integer({ min: 1, max: 100 }), (text, limit) => {
        const cleaned = clean(text, limit);
        expect([...cleaned].length).toBeLessThanOrEqual(limit);
        expect(cleaned).not.toMatch(
          /[\p{Cc}\p{Cs}\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u,
        );
        expect(clean(cleaned, limit)).toBe(cleaned);
      }),
      { seed: 42, numRuns: 500 },
    );
  });
});

describe("the nearest word", () => {
  const words = ["get_restore_job", "list_restore_jobs"];
  test.each([
    ["get_restore_jobs", "get_restore_job"],
    ["GET_RESTORE_JOB", "get_restore_job"],
    ["list_jobs", undefined],
    ["", undefined],
    ["x".repeat(200), undefined],
  ])("to %s is offered only when it is near", (word, expected) => {
    expect(nearest(word, words)).toBe(expected);
  });
});
