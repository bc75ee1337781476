import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { ADVICE } from "../../src/atlas/hints.ts";
import { SETTINGS, SIMULATOR_SETTINGS, VARIABLES } from "../../src/config/variables.ts";
import { OWN_ERRORS } from "../../src/core/own-errors.ts";
import { serverWith, temporaryFolder } from "../fixtures.ts";
import { readManifest } from "../packaging/manifest.ts";
import { OTHER_PAGES, PAGES, type Page, pageOf, ROOT } from "./pages.ts";

const manifest = readManifest();
const readme = pageOf("README.md");
const variableNames = VARIABLES.flatMap(({ name, alias, secret }) =>
  [name, alias].flatMap((one) => (one === undefined ? [] : secret ? [one, `${one}_FILE`] : [one])),
);

test("tools/list, README, the reference and the manifest list the same tools in the same order", async () => {
  const { client } = await serverWith({ args: ["--simulate"] });
  const listed = (await client.listTools()).tools.map(({ name }) => name);
  const inTable = [...readme.text.matchAll(/^\| \[`(\w+)`\]\(docs\/tools\.md#/gm)].map(([, name]) => name);
  const inReference = [...pageOf("docs/tools.md").text.matchAll(/^## (\w+_\w+)$/gm)].map(([, name]) => name);
  expect(inTable).toEqual(listed);
  expect(inReference).toEqual(listed);
  expect(manifest.tools.map(({ name }) => name)).toEqual(listed);

  const prompts = (await client.listPrompts()).prompts.map(({ name }) => name);
  expect(manifest.prompts.map(({ name }) => name)).toEqual(prompts);
  const known = [...listed, ...prompts];
  for (const { path, text } of PAGES) {
    const words = [...text.matchAll(/\b(?:list|get|save|verify|request)_[a-z]+_[a-z_]+\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => !known.includes(word)),
      path,
    ).toEqual([]);
  }
});

test("the README lists exactly the variables that the code reads", () => {
  const code = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && path !== join("config", "variables.ts") && !path.startsWith("simulator"))
    .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
    .join("\n");
  // A name that is a whole string is read by the code; a name within a sentence is advice.
  const byName = [...code.matchAll(/"((?:MONGODB_ATLAS|MDB_MCP|ATLAS_FLEX)_[A-Z_]+|HTTPS?_PROXY|NO_PROXY)"/g)];
  // The other variables are read by their row of the table.
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

test("every word in capitals on the pages is a variable, a code or a known word", () => {
  const known = [...variableNames, ...Object.keys(OWN_ERRORS), ...Object.keys(ADVICE)];
  /** A variable that is not supported, one of the restore commands, two of the schedules, and words of clients. */
  const foreign = [
    ...["ALL_PROXY", "TARGET_CONNECTION_STRING", "HEALTH_CHECK_URL", "AGE_RECIPIENT"],
    ...["GEMINI_CLI_TRUST_WORKSPACE", "RUST_LOG", "CONNECTION_CLOSED"],
  ];
  for (const { path, text } of PAGES) {
    const words = [...text.matchAll(/\b[A-Z]+_[A-Z_]+\b/g)].map(([word]) => word);
    expect(
      words.filter((word) => !known.includes(word) && !foreign.includes(word)),
      path,
    ).toEqual([]);
  }
});

test("the troubleshooting page lists every code of this server and every documented code of Atlas", () => {
  const { text } = pageOf("docs/troubleshooting.md");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
  expect(rows).toEqual([...Object.keys(OWN_ERRORS), ...Object.keys(ADVICE)]);
});

test("setup page and manifest name the versions of the package", () => {
  expect(manifest.version).toBe(packageJson.version);
  expect(pageOf("docs/setup.md").text).toContain(`${packageJson.name}-${packageJson.version}.tgz`);
  expect(readme.text).toContain(`Node.js ${/[\d.]+/.exec(packageJson.engines.node)}`);
});

test("the README can be read in one sitting", () => {
  expect(readme.text.split("\n").length).toBeLessThanOrEqual(240);
});

function runDocs(cwd: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts/docs.mjs"), ...args], {
    cwd,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("the generated blocks are up to date with the code; npm run docs updates them", () => {
  expect(runDocs(ROOT, "--check")).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("npm run docs reports a stale page and manifest with --check and rewrites them without", {
  tags: "wine",
}, async () => {
  const clone = await temporaryFolder();
  await cp(join(ROOT, "docs"), join(clone, "docs"), { recursive: true });
  for (const name of ["src", "node_modules"]) await symlink(join(ROOT, name), join(clone, name), "junction");
  for (const name of ["package.json", "server.json"]) await cp(join(ROOT, name), join(clone, name));
  const { text } = pageOf("README.md");
  const readme = join(clone, "README.md");
  const stale = text.replace("| reads Atlas |", "| writes Atlas |");
  await writeFile(readme, stale);
  const written = await readFile(join(ROOT, "manifest.json"), "utf8");
  await writeFile(join(clone, "manifest.json"), written.replace("Lists Flex clusters", "Lists all clusters"));

  expect(runDocs(clone, "--check")).toMatchObject({
    status: 1,
    stdout: "README.md is stale; run npm run docs.\nmanifest.json is stale; run npm run docs.\n",
  });
  expect(await readFile(readme, "utf8")).toBe(stale);
  expect(runDocs(clone)).toMatchObject({ status: 0, stdout: "README.md written.\nmanifest.json written.\n" });
  expect(await readFile(readme, "utf8")).toBe(text);
  expect(await readFile(join(clone, "manifest.json"), "utf8")).toBe(written);
});

test("every generated block has its end", () => {
  for (const { path, text } of PAGES) {
    const starts = [...text.matchAll(/<!-- generated: /g)].length;
    expect([...text.matchAll(/<!-- generated: [a-z-]+ -->\n[^<]+\n<!-- end -->/g)], path).toHaveLength(starts);
  }
});

function linksOf({ prose }: Page): string[] {
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !target.startsWith("https://"));
}

function slugsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => slugOf(heading));
}

/** The fragment that GitHub gives a heading. */
function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[`*]/g, "")
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function isBroken(page: Page, link: string): boolean {
  const [path = "", fragment] = link.split("#");
  const file = path === "" ? join(ROOT, page.path) : join(ROOT, dirname(page.path), path);
  if (!existsSync(file)) return true;
  return fragment !== undefined && !slugsOf(readFileSync(file, "utf8")).includes(fragment);
}

test.each([...PAGES, ...OTHER_PAGES])("every link of $path leads to a file and heading of the clone", (page) => {
  expect(linksOf(page).filter((link) => isBroken(page, link))).toEqual([]);
});

test.each(PAGES)("no two headings of $path are the same, since a link would lead only to the first", ({ prose }) => {
  const slugs = slugsOf(prose);
  expect(slugs).toEqual([...new Set(slugs)]);
});

test("the page on architecture has one row for each folder of src, and no other", () => {
  const rows = [...pageOf("docs/architecture.md").text.matchAll(/^\| `([a-z/]+)\/` \| \S/gm)].map(
    ([, folder]) => folder,
  );
  const files = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const folders = files.map(({ parentPath }) => parentPath.slice(join(ROOT, "src/").length).replaceAll("\\", "/"));
  expect(rows.toSorted()).toEqual([...new Set(folders.filter(Boolean))].toSorted());
});
