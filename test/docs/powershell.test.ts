import { expect, test } from "vitest";
import { PAGES, type Page } from "./pages.ts";

/** What a shell block may hold that PowerShell, or Windows PowerShell 5.1, does not run as it stands. */
const BASH_ONLY: readonly [RegExp, string][] = [
  [/^export /m, "it has $env:NAME = in place of export"],
  [/^\w+=/m, "it sets no variable for one command"],
  [/&&|\|\|/, "version 5.1 has neither && nor ||"],
  [/\\$/m, "its line goes on after a backtick"],
  [/(?:^|[\s"'=])~\//m, "it passes ~ on to programs as it is"],
  [/'[^'\n]*"[^'\n]*'/, "version 5.1 drops double quotes within an argument"],
  [/^npm .* -- /m, "npm.ps1 loses the first --"],
  [/^(?:sudo|systemctl|launchctl|gzip|sha256sum|mkdir -)|\b(?:umask|mktemp|id -u)\b/m, "Windows has no such program"],
];

/** Blocks for people who are not on Windows, by their first line, and how these know. */
const NOT_ON_WINDOWS: readonly [RegExp, string][] = [
  [/^(sudo|systemctl) /, "the section is for Linux, or says that it needs Linux or macOS"],
  [/^(mkdir -p|launchctl) /, "the section is for macOS"],
  [/^docker run /, "the sentence above says: on Linux"],
];

interface Part {
  /** Undefined for a heading. */
  language?: string | undefined;
  code: string;
}

/** Each shell block of a page, with the heading or block of code that follows it. */
function shellBlocksOf({ text }: Page): { code: string; next: Part | undefined }[] {
  const parts: Part[] = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$|^#+ .*$/gm)].map(([, language, code = ""]) => ({
    language,
    code,
  }));
  return parts
    .map(({ language, code }, index) => ({ language, code, next: parts[index + 1] }))
    .filter(({ language }) => language === "sh" || language === "bash");
}

const whyBashOnly = (code: string) => BASH_ONLY.filter(([pattern]) => pattern.test(code)).map(([, why]) => why);
const isForWindows = ({ code }: { code: string }) => !NOT_ON_WINDOWS.some(([pattern]) => pattern.test(code));

/** The variables that are set, and the files that Node.js is started with. */
const namesIn = (code: string) => ({
  variables: new Set([...code.matchAll(/([A-Z]+(?:_[A-Z]+)+)(?==| = )/g)].map(([, name]) => name)),
  programs: [...code.matchAll(/\bnode (?:'?--'? )?["']?(?:C:)?([^\s"']+)/g)].map(([, path = ""]) =>
    path.replaceAll("\\", "/"),
  ),
});

test.each(PAGES)("in $path, what PowerShell cannot run has its form for PowerShell next to it", (page) => {
  const alone = shellBlocksOf(page)
    .filter(isForWindows)
    // What is pasted on Windows instead of run is JSON.
    .filter(({ next }) => next?.language !== "powershell" && next?.language !== "json")
    .map(({ code }) => ({ code, why: whyBashOnly(code) }));
  expect(alone.filter(({ why }) => why.length > 0)).toEqual([]);
});

test.each(PAGES)("the blocks for PowerShell in $path hold nothing that only other shells run", ({ fences }) => {
  const blocks = fences.filter(({ language }) => language === "powershell");
  expect(blocks.flatMap(({ code }) => whyBashOnly(code))).toEqual([]);
});

test("both forms of a block set the same variables and start the same programs of this clone", () => {
  const pairs = PAGES.flatMap(shellBlocksOf).flatMap(({ code, next }) =>
    next?.language === "powershell" ? [{ code, inPowerShell: next.code }] : [],
  );
  expect(pairs.length).toBeGreaterThan(0);
  for (const { code, inPowerShell } of pairs) expect(namesIn(inPowerShell), inPowerShell).toEqual(namesIn(code));
});

test("every exception matches a shell block of the pages", () => {
  const codes = PAGES.flatMap(shellBlocksOf).map(({ code }) => code);
  expect(NOT_ON_WINDOWS.filter(([pattern]) => !codes.some((code) => pattern.test(code)))).toEqual([]);
});

test.each([
  "export A=b",
  "A=b node x.js",
  "npm install && npm test",
  "node x.js \\",
  "node x.js ~/y",
  `node x.js '{"a":1}'`,
  "npm run x -- --y",
  "sha256sum x",
])("a block with %j needs a form for PowerShell", (line) => {
  expect(whyBashOnly(`node --version\n${line}\n`)).toHaveLength(1);
});

test.each(["npm install\nnpm test", "node dist/x.js check --simulate", "npm install --global ./x.tgz"])(
  "a block with %j needs none",
  (code) => {
    expect(whyBashOnly(`${code}\n`)).toEqual([]);
  },
);
