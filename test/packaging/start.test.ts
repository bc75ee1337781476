import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TOOL_LIST } from "../../src/tools/tool-list.ts";
import { serverWith } from "../fixtures.ts";
import { ROOT } from "./manifest.ts";

const DIST = join(ROOT, "dist");
const files = readdirSync(DIST);
const textOf = (file: string) => readFileSync(join(DIST, file), "utf8");

/** A built file and whatever it cannot start without. */
function loadedWith(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, next = ""] of textOf(file).matchAll(/(?:from|import)\s?"\.\/([^"]+)"/g)) loadedWith(next, known);
  return known;
}

/** Names in what is bundled of other packages. */
const FOREIGN = { sdk: "InitializeRequestSchema", zod: "$ZodType", undici: "EnvHttpProxyAgent", pino: "asChindings" };

test("what answers initialize is code of this package alone; all other packages are loaded behind that answer", () => {
  const start = files.filter((file) => /^(atlas-flex-snapshots-mcp|main-\w+|serve-\w+)\.js$/.test(file));
  expect(start).toHaveLength(3);
  const early = [...new Set(start.flatMap((file) => [...loadedWith(file)]))].map(textOf).join("\n");
  const whole = files.map(textOf).join("\n");
  const found = (text: string) =>
    Object.entries(FOREIGN).flatMap(([name, word]) => (text.includes(word) ? [name] : []));
  expect(found(whole)).toEqual(Object.keys(FOREIGN));
  expect(found(early)).toEqual([]);
});

test("the list of tools that the build made ready is the one that the sources make", async () => {
  const { client } = await serverWith();
  expect((await client.listTools()).tools).toEqual(JSON.parse(JSON.stringify(TOOL_LIST)));
});
