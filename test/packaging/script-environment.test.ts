import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "../fixtures.ts";
import { ROOT } from "./manifest.ts";

const NODES = JSON.stringify(join(ROOT, "scripts/nodes.mjs"));

/** What an expression that uses the scripts' shared module prints. */
async function printed(expression: string, env: Record<string, string>) {
  const script = `import { cacheFolder, npm } from ${NODES}; process.stdout.write(${expression});`;
  const words = ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: { PATH: process.env.PATH, ...env } });
  return stdout;
}

test.each(["", "relative"])(
  "the folder between runs is in the home folder if XDG_CACHE_HOME is %j",
  {
    tags: "posix-paths",
  },
  async (value) => {
    const home = homedir();
    const folder = await printed('cacheFolder("hosts")', { HOME: home, XDG_CACHE_HOME: value });
    expect(folder).toBe(join(home, ".cache", "atlas-flex-snapshots-mcp-hosts"));
  },
);

test("npm and the scripts of packages get no credentials of the environment", { tags: "shell" }, async () => {
  const bin = await temporaryFolder();
  await writeFile(join(bin, "npm"), "#!/bin/sh\nenv\n", { mode: 0o755 });
  const env = {
    PATH: [bin, process.env.PATH].join(delimiter),
    HTTPS_PROXY: "http://p",
    MONGODB_ATLAS_CLIENT_SECRET: "s",
  };
  const seen = await printed('(await npm(["install"], ".")).stdout', { ...env, GITHUB_TOKEN: "t" });
  expect(seen).toContain("HTTPS_PROXY=http://p");
  expect(seen).not.toMatch(/MONGODB|TOKEN/);
});
