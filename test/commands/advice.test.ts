import { describe, expect, test } from "vitest";
import { ADVICE } from "../../src/atlas/hints.ts";
import { adviceOn, IN_OTHER_WORDS } from "../../src/commands/advice.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";

const HINTS = Object.entries({ ...OWN_ERRORS, ...ADVICE }).map(([errorCode, { hint }]) => ({ errorCode, hint }));

const asEnvelope = (words: { errorCode: string; hint: string }) => ({
  envelope: { ...words, source: "atlas", retryable: false } as const,
});

describe("the advice of a command", () => {
  test.each(IN_OTHER_WORDS.map(([pattern, words]) => [String(pattern), pattern, words] as const))(
    "puts %s into other words, which some hint still has",
    (_title, pattern, words) => {
      const [found] = HINTS.filter(({ hint }) => hint.search(pattern) >= 0);
      expect(found?.hint).toMatch(pattern);
      expect(words).not.toMatch(/call again/i);
    },
  );

  test.each(HINTS)("on $errorCode names no argument of a tool and no call", (words) => {
    expect(adviceOn(asEnvelope(words))).not.toMatch(/\b(call again|groupId|fileName|waitSeconds|snapshotId)\b/i);
  });
});
