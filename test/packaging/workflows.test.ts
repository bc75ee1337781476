import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { ROOT } from "./manifest.ts";

const folder = join(ROOT, ".github/workflows");
const workflows = readdirSync(folder).map((file) => ({ file, text: readFileSync(join(folder, file), "utf8") }));

function workflow(name: string): string {
  return workflows.find(({ file }) => file === name)?.text ?? "";
}

test("there are workflows to check", () => {
  expect(workflows.map(({ file }) => file)).toEqual(expect.arrayContaining(["ci.yml", "release.yml"]));
});

describe.each(workflows)("$file", ({ text }) => {
  test("pins every external action to a commit and names its version", () => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses:\s*(.*?)\r?$/gm)].map(([, action = ""]) => action);
    expect(uses.length).toBeGreaterThan(0);
    for (const action of uses)
      expect(action).toMatch(/^(\.\/\.github\/workflows\/[a-z]+\.yml|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/);
  });

  test("has only read permission by default", () => {
    expect(text).toMatch(/^permissions:\r?\n {2}contents: read\r?\n\r?$/m);
    expect(text).not.toMatch(/write-all|secrets\./);
  });

  test("runs only scripts that the package has", () => {
    for (const [, script = ""] of text.matchAll(/npm run ([\w:-]+)/g))
      expect(packageJson.scripts).toHaveProperty([script]);
  });

  test("never inserts an expression into a shell command", () => {
    for (const [, command = ""] of text.matchAll(/\brun: (.*)$/gm)) expect(command).not.toContain("${{");
  });
});

test("CI tests every system and Node version that the package claims", () => {
  const matrix = (key: string) => new RegExp(`^ +${key}: \\[(.*)\\]`, "m").exec(workflow("ci.yml"))?.[1]?.split(", ");
  expect(matrix("os")).toEqual(["ubuntu-latest", "macos-latest", "windows-latest"]);
  expect(matrix("node")).toEqual(["20", "22", "24", "26"]);
  expect(packageJson.engines.node).toMatch(/^>=20\./);
});

test("only the release job has write permission, and it runs after the tests", () => {
  expect(workflow("ci.yml")).not.toContain("write");
  const [before, release] = workflow("release.yml").split(/^ {2}release:$/m);
  expect(before).not.toMatch(/: write/);
  expect(release).toMatch(/^ {4}needs: test$/m);
  expect(release).toContain("--provenance");
});
