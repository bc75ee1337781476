import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { downloadFolder, freeSpace } from "../../../src/commands/check/download-folder.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { withoutModes } from "../../download/file-calls.ts";
import { SERVICE_ACCOUNT, simulatorFor, temporaryFolder } from "../../fixtures.ts";
import { type Need, needs } from "../../platform.ts";
import { checkedAgainst } from "./checked.ts";

const MIB = 1024 ** 2;

function look(downloadDir: string) {
  const sources = { options: { "download-dir": downloadDir }, env: {} };
  const config = parseConfig({ ...sources, toolNames: [] });
  return downloadFolder({ config, ...sources });
}

describe("the download folder", () => {
  test("may exist, or can be created in an existing folder; the check creates nothing", async () => {
    const folder = await temporaryFolder();
    expect(await look(folder)).toEqual({ state: "ok", found: `${folder} (--download-dir)` });
    expect(await look(join(folder, "a", "b"))).toMatchObject({
      state: "ok",
      found: expect.stringContaining("will be created"),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  const unusable: [string, (folder: string) => Promise<string>, RegExp, ...need: Need[]][] = [
    ["must not be a file", (folder) => fileIn(folder), /it is not a folder/],
    ["cannot be inside a file", async (folder) => join(await fileIn(folder), "a"), /a part of its path is a file/],
    ["must not be writable by everyone", (folder) => openFolderIn(folder), /can be written by every user/, "modes"],
  ];

  test.each(unusable)("%s", async (_, make, detail, ...need) => {
    needs(...need);
    const path = await make(await temporaryFolder());
    const { state, errorCode, found } = await look(path);
    expect({ state, errorCode }).toEqual({ state: "failed", errorCode: "DOWNLOAD_DIR_UNUSABLE" });
    expect(found).toMatch(detail);
    expect(found).toContain(`${path} (--download-dir).`);
  });

  test("is not looked at when its setting cannot be used", async () => {
    expect(await look("no-such-backups")).toMatchObject({ state: "failed", found: "--download-dir cannot be used" });
  });

  test("is said to be the default when its option and its variable are left blank", async () => {
    const sources = { options: { "download-dir": "${user_config.dir}" }, env: { ATLAS_FLEX_DOWNLOAD_DIR: "''" } };
    const { found } = await downloadFolder({ config: parseConfig({ ...sources, toolNames: [] }), ...sources });
    expect(found).toContain(`${join(homedir(), "atlas-flex-snapshots")} (the default)`);
  });

  test("is a warning on a file system that keeps no permissions, and the check leaves nothing there", {
    tags: "modes",
  }, async () => {
    const folder = await temporaryFolder();
    await withoutModes();
    expect(await look(folder)).toMatchObject({
      state: "warning",
      found: expect.stringContaining("keeps no owners and permissions"),
      whatToDo: expect.stringContaining("choose an ATLAS_FLEX_DOWNLOAD_DIR on a disk with permissions"),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  test("cannot be in a file system that takes no files", { tags: "linux" }, async () => {
    expect(await look("/proc/backups")).toMatchObject({ state: "failed", errorCode: "DOWNLOAD_DIR_UNUSABLE" });
  });
});

async function fileIn(folder: string): Promise<string> {
  await writeFile(join(folder, "file"), "");
  return join(folder, "file");
}

async function openFolderIn(folder: string): Promise<string> {
  await mkdir(join(folder, "open"));
  await chmod(join(folder, "open"), 0o777);
  return join(folder, "open");
}

test.each([
  [undefined, "ok"],
  [6 * 1024 * MIB, "ok"],
  [4 * 1024 * MIB, "warning"],
  [63 * MIB, "failed"],
  [0, "failed"],
])("%s free bytes: the step is %s", (bytes, state) => {
  expect(freeSpace(bytes).state).toBe(state);
});

test("the check fails with advice when the download folder cannot be used", { tags: "links" }, async () => {
  const folder = await temporaryFolder();
  await symlink("/nowhere/at/all", join(folder, "link"));
  const env = { ...SERVICE_ACCOUNT, ATLAS_FLEX_DOWNLOAD_DIR: join(folder, "link") };
  const { failed, step } = await checkedAgainst(await simulatorFor(), env);
  expect(failed).toEqual(["download-folder"]);
  expect(step("download-folder")).toMatchObject({
    errorCode: "DOWNLOAD_DIR_UNUSABLE",
    found: expect.stringMatching(/\/link \(ATLAS_FLEX_DOWNLOAD_DIR\)\. .*it is a symbolic link that leads nowhere/),
    whatToDo: expect.stringContaining("Set ATLAS_FLEX_DOWNLOAD_DIR to a folder of your own"),
  });
});
