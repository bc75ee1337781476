import { exec } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { ROOT } from "./manifest.ts";

const MEBIBYTE = 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), "atlas-flex-npm-"));
const { name, version, bin } = packageJson;
const installed = join(folder, "node_modules");
const command = join(installed, ".bin", name);
const tarball = join(folder, `${name}-${version}.tgz`);
const cache = join(folder, "cache");

/** Runs through the shell, since npm and installed commands are scripts on Windows; nothing of npm's own settings is passed on. */
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

test("the package holds the built files and what describes them, and nothing else", () => {
  const built = readdirSync(join(ROOT, "dist")).map((file) => `dist/${file}`);
  const texts = ["README.md", "CHANGELOG.md", "LICENSE", "THIRD_PARTY_NOTICES.md"];
  const pages = readdirSync(join(ROOT, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`);
  const others = ["package.json", "manifest.json", "assets/icon.png"];
  const files = readdirSync(join(installed, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(installed, name), join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  expect(files.toSorted()).toEqual([...built, ...texts, ...pages, ...others].toSorted());
});

test("the package is at most 1 MiB", () => {
  expect(statSync(tarball).size).toBeLessThanOrEqual(MEBIBYTE);
});

test("it installs without a network as exactly one package that runs no script", () => {
  expect(readdirSync(installed).filter((entry) => !entry.startsWith("."))).toEqual([name]);
  expect(readdirSync(join(installed, name))).not.toContain("node_modules");
  expect(packageJson).not.toHaveProperty("dependencies");
  expect(Object.keys(packageJson.scripts).filter((script) => /install|prepare/.test(script))).toEqual([]);
});

test("the installed command prints the version of the package", async () => {
  expect((await run(`"${command}" --version`)).trim()).toBe(version);
});

test("npx runs the packed file from an empty folder", async () => {
  const empty = mkdtempSync(join(folder, "empty-"));
  const npx = `npx --offline --yes --cache "${cache}" --package "${tarball}"`;
  expect((await run(`${npx} -- ${name} --version`, empty)).trim()).toBe(version);
});

test("the installed package serves a client with the simulator", async () => {
  const client = new Client({ name: "test", version: "1.0.0" });
  const args = [join(installed, name, bin["atlas-flex-snapshots-mcp"]), "--simulate"];
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args,
      stderr: "ignore",
      env: { HOME: folder, USERPROFILE: folder },
      cwd: folder,
    }),
  );
  onTestFinished(() => client.close());
  const { structuredContent } = await client.callTool({ name: "list_flex_clusters", arguments: {} });
  expect(structuredContent).toMatchObject({ simulated: true, projects: expect.any(Array) });
});
