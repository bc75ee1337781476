import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { downloadFolder, judgeFreeSpace } from "../../../src/commands/check/download-folder.ts";
import { caCertificates } from "../../../src/commands/check/network.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { temporaryFolder } from "../../fixtures.ts";

const MIB = 1024 ** 2;

function look(downloadDir: string) {
  const sources = { options: { "download-dir": downloadDir }, env: {} };
  const config = parseConfig({ ...sources, toolNames: [] });
  return downloadFolder(config, sources);
}

describe("the download folder", () => {
  test("may exist, or be created below one that exists", async () => {
    const folder = await temporaryFolder();
    expect(await look(folder)).toEqual({ state: "ok", found: `${folder} (--download-dir)` });
    expect(await look(join(folder, "a", "b"))).toMatchObject({
      state: "ok",
      found: expect.stringContaining("will be created"),
    });
    expect(await readdir(folder)).toEqual([]);
  });

  const unusable: [string, (folder: string) => Promise<string>, RegExp][] = [
    ["must be no file", (folder) => fileIn(folder), /it is no folder/],
    ["cannot lie below a file", async (folder) => join(await fileIn(folder), "a"), /a part of its path is a file/],
    ["must not be one that everyone can write to", (folder) => openFolderIn(folder), /everyone can write to it/],
  ];

  test.each(unusable)("%s", async (_, make, detail) => {
    const path = await make(await temporaryFolder());
    const { state, errorCode, found } = await look(path);
    expect({ state, errorCode }).toEqual({ state: "failed", errorCode: "DOWNLOAD_DIR_UNUSABLE" });
    expect(found).toMatch(detail);
    expect(found).toContain(`${path} (--download-dir).`);
  });

  test("that is relative is shown as what it came to, and that it was relative", async () => {
    expect((await look("no-such-backups")).found).toBe(
      `${resolve("no-such-backups")} (--download-dir, relative to where this was started), which does not exist yet and will be created`,
    );
  });

  test.runIf(process.platform === "linux")("cannot lie where no file can", async () => {
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
])("%s free bytes are judged %s", (bytes, state) => {
  expect(judgeFreeSpace(bytes).state).toBe(state);
});

describe("extra certificates", () => {
  test.each([
    ["a folder", "/", "cannot be read"],
    ["without a certificate", "package.json", "holds no certificate in PEM form"],
  ])("in a file that is %s fail", async (_, path, why) => {
    expect(await caCertificates({ NODE_EXTRA_CA_CERTS: path })).toMatchObject({
      state: "failed",
      found: `The file of NODE_EXTRA_CA_CERTS ${why}: ${path}`,
    });
  });

  test("are counted", async () => {
    expect(await caCertificates({ NODE_EXTRA_CA_CERTS: "test/fixtures/ca.pem" })).toEqual({
      state: "ok",
      found: "those of Node.js and 1 of NODE_EXTRA_CA_CERTS",
    });
  });

  test("do not matter when none is checked, which is a warning", async () => {
    expect(await caCertificates({ NODE_TLS_REJECT_UNAUTHORIZED: "0" })).toMatchObject({
      state: "warning",
      whatToDo: expect.stringMatching(/^Unset it/),
    });
  });
});
