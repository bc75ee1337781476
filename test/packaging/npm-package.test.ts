/** @module-tag npm */
import { exec, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { connect } from "../fixtures.ts";
import { ROOT } from "./manifest.ts";

const folder = mkdtempSync(join(tmpdir(), "atlas-flex-npm-"));
const { name, version, bin } = packageJson;
const installed = join(folder, "node_modules");
const command = join(installed, ".bin", name);
const tarball = join(folder, `${name}-${version}.tgz`);
const cache = join(folder, "cache");

/** Runs a line in the shell, since npm and installed commands are scripts on Windows, and without npm's own variables. */
async function run(line: string, cwd = folder): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !/^npm_/i.test(variable)));
  const { stdout } = await promisify(exec)(line, { cwd, env });
  return stdout;
}

beforeAll(async () => {
  // Without scripts: a build would replace the files that other tests are running.
  await run(`npm pack --ignore-scripts --pack-destination "${folder}"`, ROOT);
  writeFileSync(join(folder, "package.json"), '{ "private": true }');
  await run(`npm install --offline --cache "${cache}" "${tarball}"`);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the package holds the built files and their documentation for users, and nothing else", () => {
  const built = readdirSync(join(ROOT, "dist")).map((file) => `dist/${file}`);
  const texts = ["README.md", "CHANGELOG.md", "LICENSE", "THIRD_PARTY_NOTICES.md"];
  const forDevelopers = ["architecture.md", "bench.md"];
  const pages = readdirSync(join(ROOT, "docs"))
    .filter((file) => file.endsWith(".md") && !forDevelopers.includes(file))
    .map((file) => `docs/${file}`);
  const files = readdirSync(join(installed, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(installed, name), join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  expect(files.toSorted()).toEqual(["package.json", ...built, ...texts, ...pages].toSorted());
});

test("the package is at most 450 kB", () => {
  expect(statSync(tarball).size).toBeLessThanOrEqual(450_000);
});

test("it installs without a network as exactly one package that runs no script", () => {
  expect(readdirSync(installed).filter((entry) => !entry.startsWith("."))).toEqual([name]);
  expect(readdirSync(join(installed, name))).not.toContain("node_modules");
  expect(packageJson).not.toHaveProperty("dependencies");
  expect(Object.keys(packageJson.scripts).filter((script) => /install|prepare/.test(script))).toEqual([]);
});

test("no file of it imports a module that starts programs", () => {
  const built = readdirSync(join(ROOT, "dist")).map((file) => ({
    file,
    text: readFileSync(join(ROOT, "dist", file), "utf8"),
  }));
  const importing = (module: RegExp) => built.filter(({ text }) => module.test(text)).map(({ file }) => file);
  expect(importing(/from\s*"node:worker_threads"/)).not.toEqual([]);
  expect(importing(/child_process|(?:from|\()\s*["'](?:node:)?cluster["']/)).toEqual([]);
});

test("the installed command prints the version of the package", async () => {
  expect((await run(`"${command}" --version`)).trim()).toBe(version);
});

test("the installed command connects clients to the installed file", async () => {
  const built = join(realpathSync.native(installed), name, bin["atlas-flex-snapshots-mcp"]);
  const printed = await run(`"${command}" connect cursor --simulate`);
  expect(JSON.parse(printed)).toMatchObject({
    mcpServers: { "atlas-flex-snapshots": { args: [built, "--simulate"] } },
  });
});

test("npx runs the packed file from an empty folder", async () => {
  const empty = mkdtempSync(join(folder, "empty-"));
  const npx = `npx --offline --yes --cache "${cache}" --package "${tarball}"`;
  expect((await run(`${npx} -- ${name} --version`, empty)).trim()).toBe(version);
});

test("the installed package serves a client with the simulator", async () => {
  const { call } = await connect({
    command: process.execPath,
    args: [join(installed, name, bin["atlas-flex-snapshots-mcp"]), "--simulate"],
    env: { HOME: folder, USERPROFILE: folder },
    cwd: folder,
  });
  const { structuredContent } = await call("list_flex_clusters");
  expect(structuredContent).toMatchObject({ simulated: true, projects: expect.any(Array) });
});

test("the third-party notices are up to date with the bundle", () => {
  expect(() => execFileSync(process.execPath, [join(ROOT, "scripts/notices.mjs"), "--check"])).not.toThrow();
});

const notices = readFileSync(join(ROOT, "THIRD_PARTY_NOTICES.md"), "utf8");
const listed = [...notices.matchAll(/^- (\S+) \(.*\): (.*?)\r?$/gm)].map(([, name = "", licence = ""]) => ({
  name,
  licence,
}));

test("the third-party notices list the known packages and have a licence text for each package", () => {
  const names = listed.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["@modelcontextprotocol/sdk", "zod", "undici", "llhttp", "pino"]));
  const headings = [...notices.matchAll(/^## (.*?)\r?$/gm)].flatMap(([, heading = ""]) => heading.split(", "));
  expect(headings.toSorted()).toEqual(names.toSorted());
});

test("every bundled package has a licence that permits distribution under ours", () => {
  const permissive = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
  for (const { name, licence } of listed) expect(permissive, name).toContain(licence);
});
