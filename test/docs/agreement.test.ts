import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { ADVICE } from "../../src/atlas/hints.ts";
import { OPTIONS } from "../../src/config/command-line.ts";
import { OPTION_SETTINGS, SETTINGS, SIMULATOR_SETTINGS, VARIABLES } from "../../src/config/variables.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { serverWith } from "../fixtures.ts";
import { PAGES, pageOf, ROOT } from "./pages.ts";

const named = z.array(z.looseObject({ name: z.string() })).transform((list) => list.map(({ name }) => name));
const manifest = z
  .looseObject({
    version: z.string(),
    tools: named,
    prompts: named,
    server: z.looseObject({ mcp_config: z.looseObject({ env: z.record(z.string(), z.string()) }) }),
  })
  .parse(JSON.parse(readFileSync(join(ROOT, "manifest.json"), "utf8")));
const packageJson = z
  .looseObject({ name: z.string(), version: z.string(), engines: z.strictObject({ node: z.string() }) })
  .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));

const readme = pageOf("README.md");
const variableNames = VARIABLES.flatMap(({ name, alias, secret }) =>
  [name, alias].flatMap((one) => (one === undefined ? [] : secret ? [one, `${one}_FILE`] : [one])),
);

test("tools/list, README, the reference and the manifest have the same tools in the same order", async () => {
  const { client } = await serverWith({ args: ["--simulate"] });
  const listed = (await client.listTools()).tools.map(({ name }) => name);
  const inTable = [...readme.text.matchAll(/^\| \[`(\w+)`\]\(docs\/tools\.md#/gm)].map(([, name]) => name);
  const inReference = [...pageOf("docs/tools.md").text.matchAll(/^## (\w+_\w+)$/gm)].map(([, name]) => name);
  expect(inTable).toEqual(listed);
  expect(inReference).toEqual(listed);
  expect(manifest.tools).toEqual(listed);

  const prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
  expect(manifest.prompts).toEqual(prompts);
  const known = [...listed, ...prompts];
  for (const { path, text } of PAGES) {
    const words = [...text.matchAll(/\b(?:list|get|save|verify|request)_[a-z]+_[a-z_]+\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => !known.includes(word)),
      path,
    ).toEqual([]);
  }
});

test("the variables of the README are those that the code reads, no fewer and no more", () => {
  const code = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && path !== "variables.ts" && !path.startsWith("simulator"))
    .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
    .join("\n");
  // Names that stand alone between quotes are read; those within sentences are advice.
  const byName = [...code.matchAll(/"((?:MONGODB_ATLAS|MDB_MCP|ATLAS_FLEX)_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)"/g)];
  // The rest is read by its row of the table.
  const byRow = [...Object.values(SETTINGS), ...Object.values(SIMULATOR_SETTINGS)];
  const read = new Set([...byName.map(([, name]) => name), ...byRow.map(({ name }) => name)]);
  const ours = VARIABLES.flatMap(({ name, alias }) => (alias ? [name, alias] : [name]));
  expect([...read].toSorted()).toEqual(ours.filter((name) => name !== "NODE_EXTRA_CA_CERTS").toSorted());
  const inTables = [readme, pageOf("docs/simulator.md")].flatMap(({ text }) =>
    [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name),
  );
  expect(inTables.toSorted()).toEqual(VARIABLES.map(({ name }) => name).toSorted());
});

test("the manifest sets only variables of the README", () => {
  const names = VARIABLES.map(({ name }) => name);
  expect(Object.keys(manifest.server.mcp_config.env).filter((name) => !names.includes(name))).toEqual([]);
});

test("every variable that stands for an option names one of the server", () => {
  const optional = OPTION_SETTINGS.map(({ option }) => option);
  const ofServer = Object.entries(OPTIONS).filter(([name, { only }]) => !only && name !== "help" && name !== "version");
  expect(optional.toSorted()).toEqual(ofServer.map(([name]) => name).toSorted());
});

test("whatever the pages write in capitals is a variable, a code or a known word", () => {
  const known = [...variableNames, ...Object.keys(OWN_ERRORS), ...Object.keys(ADVICE)];
  /** Of Node.js, of curl, and of the restore commands. */
  const foreign = ["ALL_PROXY", "TARGET_CONNECTION_STRING", "ACCESS_LIST"];
  for (const { path, text } of PAGES) {
    const words = [...text.matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => !known.includes(word) && !foreign.includes(word)),
      path,
    ).toEqual([]);
  }
});

test("every code of ours and every documented code of Atlas is in the troubleshooting page", () => {
  const { text } = pageOf("docs/troubleshooting.md");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(rows).toEqual([...Object.keys(OWN_ERRORS), ...Object.keys(ADVICE)]);
});

test("README and manifest name the versions of the package", () => {
  expect(manifest.version).toBe(packageJson.version);
  expect(readme.text).toContain(`${packageJson.name}-${packageJson.version}.tgz`);
  expect(readme.text).toContain(`Node.js ${packageJson.engines.node.replace(">=", "")}`);
});

test("the README can be read in one sitting", () => {
  expect(readme.text.split("\n").length).toBeLessThanOrEqual(240);
});
