import { expect, test } from "vitest";
import { type Ending, judgeFile, type Verdict } from "../../../src/download/integrity/soundness.ts";

const GOOD = { gzip: "ok", length: "ok", md5: "not-verifiable" } as const;

test.each<[ending: Ending, named: Verdict, unnamed: Verdict]>([
  ["marked", "sound", "sound"],
  ["border", "sound", "damaged"],
  ["early", "incomplete", "damaged"],
  ["unknown", "sound", "damaged"],
  ["foreign", "foreign", "foreign"],
])("contents that end %s are %s with a named length and %s without", (ending, named, unnamed) => {
  expect(judgeFile(GOOD, ending)).toBe(named);
  expect(judgeFile({ ...GOOD, length: "unknown" }, ending)).toBe(unnamed);
});

test("contents of no known kind are damaged under a gzip coding, which a gateway may have added", () => {
  expect(judgeFile(GOOD, "unknown", "aws-chunked, gzip")).toBe("damaged");
  expect(judgeFile(GOOD, "unknown", "aws-chunked")).toBe("sound");
  for (const ending of ["marked", "border"] as const) expect(judgeFile(GOOD, ending, "gzip")).toBe("sound");
});

test.each([{ gzip: "damaged" }, { length: "wrong" }, { md5: "wrong" }, { recordedSha256: "wrong" }] as const)(
  "whatever the contents, a file with %j is damaged",
  (fault) => {
    for (const ending of ["marked", "border", "early", "unknown", "foreign"] as const)
      expect(judgeFile({ ...GOOD, ...fault }, ending)).toBe("damaged");
  },
);
