import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, stat, symlink } from "node:fs/promises";
import module from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileCacheFolder } from "../src/compile-cache.ts";
import { BUILT, temporaryFolder } from "./fixtures.ts";

const own = (home: string) =>
  ({ platform: "linux", env: { XDG_CACHE_HOME: home }, getuid: () => process.getuid?.() ?? 0 }) as const;

describe("the folder of the compile cache", () => {
  test("is made for this user alone", async () => {
    const folder = compileCacheFolder(own(await temporaryFolder()));
    expect((await stat(folder ?? "")).mode & 0o777).toBe(0o700);
  });

  test("is not used when others can write to it", async () => {
    const home = await temporaryFolder();
    const folder = join(home, "atlas-flex-snapshots-mcp/compile-cache");
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o777);
    expect(compileCacheFolder(own(home))).toBeUndefined();
  });

  test("is not used when it is a link, belongs to another user or cannot be made", async () => {
    const home = await temporaryFolder();
    await mkdir(join(home, "elsewhere"));
    await mkdir(join(home, "atlas-flex-snapshots-mcp"));
    await symlink(join(home, "elsewhere"), join(home, "atlas-flex-snapshots-mcp/compile-cache"));
    expect(compileCacheFolder(own(home))).toBeUndefined();
    expect(compileCacheFolder({ ...own(await temporaryFolder()), getuid: () => 4711 })).toBeUndefined();
    expect(compileCacheFolder(own("/proc/none"))).toBeUndefined();
    expect(compileCacheFolder(own("relative"))).toBeUndefined();
  });
});

describe.runIf("enableCompileCache" in module)("the built command", () => {
  test.each([
    ["is cached", ["--help"], true],
    ["is not cached for the command check", ["check", "--help"], false],
    ["is not cached for the command check behind an option", ["--json", "check", "--help"], false],
    ["is cached when check is only the value of an option", ["--download-dir", "check", "--help"], true],
  ])("%s", async (_, args, isCached) => {
    const home = await temporaryFolder();
    const env = { HOME: home, XDG_CACHE_HOME: home, LOCALAPPDATA: home };
    execFileSync(process.execPath, [BUILT, ...args], { env });
    const made = ["", "Library/Caches"].map((folder) => join(home, folder, "atlas-flex-snapshots-mcp"));
    expect(made.some((folder) => existsSync(folder))).toBe(isCached);
  });
});
