import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { TOOL_LIST } from "../../src/tools/tool-list.ts";
import { BUILT, serverWith } from "../fixtures.ts";
import { FOREIGN } from "./foreign.ts";
import { ROOT } from "./manifest.ts";

const DIST = join(ROOT, "dist");
const files = readdirSync(DIST);
const textOf = (file: string) => readFileSync(join(DIST, file), "utf8");

/** A built file and all files that it imports statically. */
function loadedWith(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, next = ""] of textOf(file).matchAll(/(?:from|import)\s?"\.\/([^"]+)"/g)) loadedWith(next, known);
  return known;
}

const start = [
  ...loadedWith(basename(BUILT)),
  ...files.filter((file) => /^main-\w+\.js$/.test(file)).flatMap((file) => [...loadedWith(file)]),
];

test("only code of this package is loaded at the start; the packages are loaded with the first call", () => {
  const found = (texts: readonly string[]) =>
    Object.entries(FOREIGN).flatMap(([name, word]) => (texts.join("\n").includes(word) ? [name] : []));
  expect(found(files.map(textOf))).toEqual(Object.keys(FOREIGN));
  expect(start).toContainEqual(expect.stringMatching(/^main-/));
  expect(found(start.map(textOf))).toEqual([]);
});

test("the start loads few files, since each takes time, and the check of an archive loads nothing of the start", () => {
  const own = start.filter((file) => textOf(file).includes("createFrontDesk"));
  expect(own).toHaveLength(1);
  expect(new Set(start).size).toBeLessThanOrEqual(5);
  expect([...loadedWith("archive-check-worker.js")]).not.toContain(own[0]);
});

test("the tool list that the build has evaluated is the one of the sources", async () => {
  const { client } = await serverWith();
  expect((await client.listTools()).tools).toEqual(JSON.parse(JSON.stringify(TOOL_LIST)));
});

describe("a Node.js that is not supported", () => {
  /** Only 20.16 and newer ones of 20, and 22.3 and newer, have this function. */
  const pretending = (version: string, without = "") => [
    "--import",
    `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"${version}"});${without}`,
  ];

  test.each([BUILT, join(ROOT, "scripts/docs.mjs")])("is refused in one line by %s", (program) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [...pretending("18.20.8"), program], {
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr: "atlas-flex-snapshots-mcp needs Node.js 20.18.1 or newer, but not 21 or 22.0 to 22.2; this is 18.20.8.\n",
    });
  });

  test.each([
    ["20.18.0", 1],
    ["20.18.1", 0],
    ["20.9.0", 1],
    ["26.0.0", 0],
  ])("%s ends with exit code %i", (version, status) => {
    expect(spawnSync(process.execPath, [...pretending(version), BUILT, "--version"]).status).toBe(status);
  });

  test.each([BUILT, join(ROOT, "scripts/docs.mjs")])("newer than the oldest one is refused too by %s", (program) => {
    const args = [...pretending("22.2.0", "process.getBuiltinModule=undefined"), program];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^atlas-flex-snapshots-mcp needs Node\.js .+ but not 21 or 22\.0 to 22\.2; this is 22\.2\.0\.\n$/,
    );
  });
});
