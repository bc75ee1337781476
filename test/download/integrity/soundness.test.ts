import { expect, test } from "vitest";
import type { Contents } from "../../../src/download/contract.ts";
import { type Ending, endingInWords, judgeFile, type Verdict } from "../../../src/download/integrity/soundness.ts";

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

test.each<[ending: Ending, kind: Contents["kind"], files: number | undefined, note: string | undefined]>([
  ["marked", "data-directory", 3, undefined],
  [
    "marked",
    "unknown",
    3,
    "The contents are not recognised as those of a snapshot, so the file may be something else.",
  ],
  ["marked", "data-directory", 3, "Names in the tar that lead out of the folder it is unpacked into: 1."],
  ["border", "data-directory", 3, "The tar inside lacks its end marker, which tar tolerates."],
  ["border", "mongodump-archive", undefined, undefined],
  ["early", "data-directory", 3, "The tar inside ends in the middle of an entry."],
  ["early", "data-directory", 3, "The tar inside is damaged; what follows the damage was not counted."],
  ["early", "data-directory", 3, "The tar inside has more than 1000000 entries; the rest was not counted."],
  [
    "early",
    "data-directory",
    3,
    "The tar inside has more long names and attributes than a snapshot; the rest was not counted.",
  ],
  [
    "early",
    "mongodump-archive",
    undefined,
    "The list of collections at the start of the mongodump archive is incomplete.",
  ],
  ["unknown", "unknown", undefined, undefined],
])(
  "in the words of an earlier version, contents end %s: a %s with %s files and the note %s",
  (ending, kind, files, note) => {
    expect(endingInWords({ kind, ...(files !== undefined && { files }) }, note === undefined ? [] : [note])).toBe(
      ending,
    );
  },
);
