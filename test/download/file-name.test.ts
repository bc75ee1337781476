import { dirname, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chosenFileName, defaultFileName, isArchiveName } from "../../src/download/folder/file-name.ts";

const identity = { groupId: "5fa1000000000000000000b1", name: "orders", snapshotId: "5fa1000000000000000000c8" };

test.each([
  ["mine.tgz", "mine.tgz"],
  ["mine.tar.gz", "mine.tar.gz"],
  ["mine", "mine.tgz"],
  ["Mine_2026-11.TGZ", "Mine_2026-11.TGZ"],
])("%s becomes %s", (given, name) => {
  expect(chosenFileName("", given)).toBe(name);
});

test.each([
  "",
  ".",
  "..",
  "../x.tgz",
  "a/b.tgz",
  "a\\b.tgz",
  "/etc/x.tgz",
  ".hidden.tgz",
  "-rf.tgz",
  "x.tgz.",
  "x.tgz ",
  "x.zip",
  "x.tgz.part",
  "x.tgz.json",
  "x\0.tgz",
  "x\n.tgz",
  "x\u202e.tgz",
  "CON",
  "con.tgz",
  "nul.tar.gz",
  "COM1.x.tgz",
  "C:x.tgz",
  "x.tgz:stream",
  `${"x".repeat(118)}.tgz`,
])("%j is refused", (given) => {
  expect(() => chosenFileName("", given)).toThrow(
    expect.objectContaining({ envelope: expect.objectContaining({ errorCode: "INVALID_INPUT" }) }),
  );
});

test("the longest name has 121 characters, including ending and prefix", () => {
  const longest = `${"x".repeat(107)}.tgz`;
  expect(chosenFileName("simulated-", longest)).toBe(`simulated-${longest}`);
  expect(chosenFileName("", `${"x".repeat(117)}.tgz`)).toHaveLength(121);
  for (const given of [`x${longest}`, "x".repeat(108)])
    expect(() => chosenFileName("simulated-", given)).toThrow(
      "at most 121 characters together with simulated- before it",
    );
});

test("any text is refused or names a direct child of the folder", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[\w./\\-]*\.tgz$/)), (given) => {
      let name: string;
      try {
        name = chosenFileName("simulated-", given);
      } catch {
        return;
      }
      expect(dirname(resolve("/folder", name))).toBe(resolve("/folder"));
      expect(name).toMatch(/^simulated-[A-Za-z0-9][A-Za-z0-9._-]*\.(tgz|tar\.gz)$/i);
      expect(isArchiveName(name)).toBe(true);
    }),
    { seed: 7 },
  );
});

describe("the default name", () => {
  test("of the longest cluster name can be verified", () => {
    const name = defaultFileName(
      "simulated-",
      { ...identity, name: "c".repeat(64) },
      { finishTime: "2026-11-22T03:01:10Z" },
    );
    expect(isArchiveName(name)).toBe(true);
  });

  test("consists of cluster, time and snapshot", () => {
    expect(defaultFileName("simulated-", identity, { finishTime: "2026-11-22T03:01:10Z" })).toBe(
      `simulated-orders-20261122T0301Z-${identity.snapshotId}.tgz`,
    );
  });

  test("has no time when none is known", () => {
    expect(defaultFileName("", identity, { finishTime: "soon" })).toBe(`orders-${identity.snapshotId}.tgz`);
  });
});
