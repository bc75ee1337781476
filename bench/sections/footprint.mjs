// The size of the packed package, and the time from an empty folder to a server that answers.
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { summarize } from "../report/figures.mjs";
import { inFolder, ROOT, run, startServer } from "../run/processes.mjs";

export function footprint({ rounds }, { interleave }) {
  return inFolder(async (folder) => {
    const env = withoutNpm(process.env);
    // Without scripts: measures the files that are already built.
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: ROOT, env });
    const [tarball] = (await readdir(folder)).map((name) => join(folder, name));
    const variants = [
      { run: () => inFolder((empty) => install(tarball, empty, env)) },
      { run: () => inFolder((empty) => runWithNpx(tarball, empty, env)) },
    ];
    const [installs, npx] = await interleave(rounds, variants);
    const [{ installedBytes, packages }] = installs;
    const rows = [
      { key: "packed", name: "packed, kB", cells: { value: (await stat(tarball)).size / 1e3 } },
      { key: "installed", name: "installed, kB", cells: { value: installedBytes / 1e3 } },
      { key: "packages", name: "packages installed", cells: { value: packages } },
      {
        key: "install",
        name: "empty folder to `initialize`, installed, seconds",
        cells: { value: summarize(installs.map(({ seconds }) => seconds)) },
      },
      { key: "npx", name: "empty folder to `initialize`, through `npx`, seconds", cells: { value: summarize(npx) } },
    ];
    return [{ key: "footprint", head: "The package", columns: [{ key: "value", head: "", digits: 2 }], rows }];
  });
}

/** The variables that npm sets for its scripts would change what npm does here. */
function withoutNpm(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name)));
}

async function install(tarball, folder, env) {
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  const startedAt = performance.now();
  await run("npm", ["install", "--cache", join(folder, "cache"), tarball], { cwd: folder, env });
  const modules = join(folder, "node_modules");
  const server = startServer(join(modules, ".bin", packageJson.name), [], { env: { HOME: folder } });
  await server.initialize();
  const seconds = (performance.now() - startedAt) / 1_000;
  await server.end();
  const { packages } = JSON.parse(await readFile(join(modules, ".package-lock.json"), "utf8"));
  return { seconds, installedBytes: await bytesIn(modules), packages: Object.keys(packages).length };
}

async function runWithNpx(tarball, folder, env) {
  const args = ["--yes", "--cache", join(folder, "cache"), "--package", tarball, "--", packageJson.name];
  const server = startServer("npx", args, { env: { ...env, HOME: folder }, cwd: folder });
  await server.initialize();
  const seconds = server.elapsedMs() / 1_000;
  await server.end();
  return seconds;
}

async function bytesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
