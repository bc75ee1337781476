// Whether the arguments of printed commands reach the program as they are, in the shells of each system.
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { shellQuote } from "../../src/core/text.ts";

/** Any text without NUL, which no argument can hold, with many characters that are special in shells. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..." '\"$`\\!*?~#&|;<>()[]{}%^=:,.@-\n\t\u2018\u2019\u201a\u201b\u201c\u201d"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }).filter((unit) => unit !== "\0"),
  ),
});

test("a POSIX shell gives back any argument", { tags: "shell" }, () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (words) => {
      const command = ["printf '%s\\0'", ...words.map((word) => shellQuote(word, "linux"))].join(" ");
      const printed = execFileSync("sh", ["-c", command], { encoding: "utf8" });
      expect(printed.split("\0").slice(0, -1)).toEqual(words);
    }),
    { numRuns: 60 },
  );
});

test("PowerShell gives back any argument", () => {
  fc.assert(
    fc.property(text, (word) => {
      expect(powerShellWord(shellQuote(word, "win32"))).toBe(word);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["darwin", "--port", "--port"],
  ["linux", "/home/jane/x.tgz", "/home/jane/x.tgz"],
  ["linux", "/home/jane's $HOME/x.tgz", "'/home/jane'\\''s $HOME/x.tgz'"],
  ["linux", "", "''"],
  ["win32", "--port", "--port"],
  ["win32", "C:\\Users\\Jörg M\\x.tgz", '"C:\\Users\\Jörg M\\x.tgz"'],
  ["win32", "C:\\O'Neil\\100%\\x.tgz", "'C:\\O''Neil\\100%\\x.tgz'"],
  ["win32", "--archive=C:\\x.gz", '"--archive=C:\\x.gz"'],
] as const)("on %s %s becomes %s", (platform, word, quoted) => {
  expect(shellQuote(word, platform)).toBe(quoted);
});

/** One word as PowerShell reads it (about_Quoting_Rules, about_Parsing); throws if it is not one literal word. */
function powerShellWord(source: string): string {
  const bare = /^[\w-]+$/.exec(source);
  if (bare !== null) return bare[0];
  // cmd.exe expands percent signs in double quotes; PowerShell dollar signs and backticks, and it has four double quotes.
  const double = /^"([^$`%"\u201c-\u201e]*)"$/.exec(source);
  if (double?.[1] !== undefined) return double[1];
  const single = /^'((?:[^'\u2018-\u201b]|(['\u2018-\u201b])\2)*)'$/.exec(source);
  if (single?.[1] !== undefined) return single[1].replace(/(['\u2018-\u201b])\1/g, "$1");
  throw new Error(`Not one word: ${source}`);
}
