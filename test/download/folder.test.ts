import { execFile } from "node:child_process";
import { chmod, chown, lchown, lstat, mkdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { freeBytesFor, inspectFolder, type StoreEvent } from "../../src/download/contract.ts";
import { type Need, needs } from "../platform.ts";
import { serve } from "./fault-server.ts";
import { change, pretendWindows, refuse, withoutModes, withWindowsPaths } from "./file-calls.ts";
import {
  defaultName,
  KIB,
  listOf,
  namesIn,
  openStore,
  patiently,
  remoteFile,
  saveTo,
  sourceOf,
  stage,
  temporaryFolder,
} from "./fixtures.ts";

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;

async function folderOf(path: string, mode: number, group = process.getgid?.() ?? 0): Promise<void> {
  await mkdir(path);
  if (isRoot) await chown(path, 0, group);
  await chmod(path, mode);
}

describe("the download folder", () => {
  test("is created with mode 0700, and only when something is saved", { tags: "modes" }, async () => {
    const parent = await temporaryFolder();
    const file = await remoteFile(20 * KIB);
    const { server } = await stage({}, serve(file));
    const folder = join(parent, "a", "b");
    const store = openStore(folder, { source: sourceOf(server.url) });
    expect(await listOf(store)).toMatchObject({ files: [], transfers: [] });
    await expect(store.verify("x.tgz", patiently())).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
    expect(await namesIn(parent)).toEqual([]);
    await saveTo(store);
    for (const path of [folder, join(parent, "a")]) expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  const refusals: [what: string, make: (path: string) => Promise<unknown>, says: RegExp, ...need: Need[]][] = [
    ["a plain file", (path) => writeFile(path, ""), /is not a folder/],
    ["a link that leads nowhere", (path) => symlink("/nowhere/at/all", path), /leads nowhere/, "links"],
    ["a link to a file", (path) => symlink("/etc/hosts", path), /is not a folder/, "links"],
    [
      "a link to the folder of everyone",
      (path) => symlink("/tmp", path),
      /belongs to another user|by every user/,
      "links",
    ],
    ["writable by everyone", (path) => folderOf(path, 0o777), /by every user/, "modes"],
    ["writable by everyone, with the sticky bit", (path) => folderOf(path, 0o1777), /by every user/, "modes"],
    ["writable by a group that is not the user's own", (path) => folderOf(path, 0o770, 4321), /by its group/, "root"],
    ["another user's", (path) => folderOf(path, 0o700).then(() => chown(path, 4321, 4321)), /another user/, "root"],
    [
      "another user's link",
      (path) => symlink(".", path).then(() => lchown(path, 4321, 4321)),
      /link of another user/,
      "root",
    ],
  ];

  test.each(refusals)(
    "is refused when it is %s, and nothing is asked for or written",
    async (_what, make, says, ...need) => {
      needs(...need);
      const path = join(await temporaryFolder(), "folder");
      await make(path);
      const source = sourceOf("http://127.0.0.1:1/x?");
      await expect(saveTo(openStore(path, { source }))).rejects.toMatchObject({
        code: "DOWNLOAD_DIR_UNUSABLE",
        envelope: { detail: expect.stringMatching(says) },
      });
      expect(source.asked).toBe(0);
      if ((await stat(path).catch(() => undefined))?.isDirectory() && !(await lstat(path)).isSymbolicLink())
        expect(await namesIn(path)).toEqual([]);
    },
  );

  const mended: [mode: number, group: number | undefined, command: string, ...need: Need[]][] = [
    [0o777, undefined, "chmod go-w"],
    [0o1757, undefined, "chmod o-w"],
    [0o770, 4321, "chmod g-w", "root"],
  ];

  test.each(mended)(
    "of mode %o, open to others, is refused with the command that mends it",
    { tags: ["modes", "shell"] },
    async (mode, group, command, ...need) => {
      needs(...need);
      const path = join(await temporaryFolder(), "it's open");
      await folderOf(path, mode, group);
      const { source } = await stage({}, serve(await remoteFile(20 * KIB)));
      const store = openStore(path, { source });
      const { envelope } = await saveTo(store).then(
        () => ({ envelope: undefined }),
        (failure) => failure,
      );
      const [, found = ""] = /run: (chmod .* open')/.exec(envelope.hint) ?? [];
      expect(found).toContain(command);
      await run("/bin/sh", ["-c", found]);
      expect(await saveTo(store)).toMatchObject({ state: "complete" });
    },
  );

  test("may be writable by the user's private group", { tags: "modes" }, async () => {
    const { source } = await stage({}, serve(await remoteFile(20 * KIB)));
    const path = join(await temporaryFolder(), "folder");
    await folderOf(path, 0o770);
    const isPrivate = process.getgid?.() === process.getuid?.();
    const report = await saveTo(openStore(path, { source })).catch(({ code }) => ({ state: code }));
    expect(report.state).toBe(isPrivate ? "complete" : "DOWNLOAD_DIR_UNUSABLE");
  });

  test("may be a link of this user to a folder elsewhere, whose real path is used and shown", {
    tags: "links",
  }, async () => {
    const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
    const link = join(await temporaryFolder(), "link");
    await symlink(folder, link);
    const store = openStore(link, { source });
    expect(await saveTo(store)).toMatchObject({ state: "complete", path: join(folder, defaultName) });
    expect(await listOf(store)).toMatchObject({ directory: folder, files: [{ path: join(folder, defaultName) }] });
  });

  test("that is a link keeps its target for the whole transfer, wherever the link leads meanwhile", {
    tags: "links",
  }, async () => {
    const file = await remoteFile(200 * KIB);
    const [target, elsewhere, parent] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
    const link = join(parent, "link");
    await symlink(target, link);
    const { server } = await stage({}, async (request, socket) => {
      await rm(link);
      await symlink(elsewhere, link);
      await serve(file)(request, socket);
    });
    const store = openStore(link, { source: sourceOf(server.url) });
    expect(await saveTo(store)).toMatchObject({ state: "complete", path: join(target, defaultName) });
    expect(await namesIn(elsewhere)).toEqual([]);
  });

  test.each([
    ["the user", undefined],
    ["the one who mounted it", 4321],
  ])(
    "may be on a file system without permissions whose files all belong to %s, with a warning",
    { tags: "modes" },
    async (_who, uid) => {
      const events: StoreEvent[] = [];
      const { folder, source } = await stage({}, serve(await remoteFile(20 * KIB)));
      await withoutModes({ uid });
      const store = openStore(folder, { source, log: (event) => void events.push(event) });
      const first = await saveTo(store);
      expect(first).toMatchObject({ state: "complete" });
      expect(first.warnings?.join()).toContain("keeps no owners and permissions");
      expect((await saveTo(store)).warnings).toEqual(first.warnings);
      expect(events).toContainEqual(expect.objectContaining({ event: "folder-unprotected" }));
      expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
      expect(await listOf(store)).toMatchObject({ files: [{ state: "complete" }] });
    },
  );

  test("on Windows may be outside the user's profile, with a warning of save, log and check, and inside without", async () => {
    const { folder, source } = await stage({}, serve(await remoteFile(20 * KIB)));
    const inHome = async (home: string) => {
      for (const variable of ["HOME", "USERPROFILE"]) vi.stubEnv(variable, home);
      const events: StoreEvent[] = [];
      const { warnings } = await saveTo(openStore(folder, { source, log: (event) => void events.push(event) }));
      const { warning } = await inspectFolder(folder);
      return { warnings, warning, isLogged: events.some(({ event }) => event === "folder-unprotected") };
    };
    pretendWindows();
    onTestFinished(() => void vi.unstubAllEnvs());
    const says = expect.stringContaining("outside this user's profile folder");
    expect(await inHome(await temporaryFolder())).toEqual({ warnings: [says], warning: says, isLogged: true });
    expect(await inHome(folder)).toEqual({ warnings: undefined, warning: undefined, isLogged: false });
  });

  test.each([
    ["open", "this user may not write to it", ""],
    ["mkdir", "this user may not create it", "new"],
  ])("on Windows is tried by check, since only %s tells of access lists", async (call, why, below) => {
    const folder = await temporaryFolder();
    pretendWindows();
    expect(await inspectFolder(join(folder, below))).toMatchObject({ exists: below === "" });
    expect(await namesIn(folder)).toEqual([]);
    await refuse(call, "EPERM", { path: /\.probe-/ });
    await expect(inspectFolder(join(folder, below))).rejects.toMatchObject({
      code: "DOWNLOAD_DIR_UNUSABLE",
      envelope: { detail: expect.stringContaining(why) },
    });
    expect(await namesIn(folder)).toEqual([]);
  });

  test("may be below a link of this user, as macOS has /var, and its real path is used and shown", {
    tags: "links",
  }, async () => {
    const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
    const link = join(await temporaryFolder(), "var");
    await symlink(folder, link);
    const store = openStore(join(link, "backups"), { source });
    const path = join(folder, "backups", defaultName);
    const { warnings, ...report } = await saveTo(store);
    expect({ warnings, path: report.path, state: report.state }).toEqual({
      warnings: undefined,
      path,
      state: "complete",
    });
    expect(await listOf(store)).toMatchObject({ directory: join(folder, "backups"), files: [{ path }] });
  });

  test("below a folder in which others may replace it is used with a warning that names that folder", {
    tags: "modes",
  }, async () => {
    const { source } = await stage({}, serve(await remoteFile(20 * KIB)));
    const above = join(await temporaryFolder(), "above");
    await mkdir(above);
    await chmod(above, 0o777);
    const report = await saveTo(openStore(join(above, "deep", "folder"), { source }));
    expect(report.state).toBe("complete");
    expect(report.warnings?.join()).toContain(`since they may write to ${above}.`);
    await chmod(above, 0o1777);
    expect((await saveTo(openStore(join(above, "deep", "folder"), { source }))).warnings).toBeUndefined();
  });

  test("is refused when a part of its path is another user's link (needs root)", { tags: "root" }, async () => {
    const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
    const link = join(await temporaryFolder(), "link");
    await symlink(folder, link);
    await lchown(link, 4321, 4321);
    await expect(saveTo(openStore(join(link, "below"), { source }))).rejects.toMatchObject({
      code: "DOWNLOAD_DIR_UNUSABLE",
      envelope: { detail: expect.stringContaining("a part of its path is a symbolic link of another user") },
    });
  });

  test("whose question to the file system is answered in another folder is refused", { tags: "modes" }, async () => {
    const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
    await chmod(folder, 0o777);
    const elsewhere = await temporaryFolder();
    // Somebody swaps the folders right before the scratch file is made, and back right after it.
    await change("open", (original) => async (...args) => {
      const [path, ...rest] = args;
      if (!String(path).includes(".probe-")) return original(...args);
      await rename(folder, `${folder}-away`);
      await rename(elsewhere, folder);
      return original(path, ...rest);
    });
    await change("handle.chmod", () => async () => undefined);
    await expect(saveTo(openStore(folder, { source }))).rejects.toMatchObject({ code: "DOWNLOAD_DIR_UNUSABLE" });
    expect((await namesIn(folder)).filter((name) => name.endsWith(".tgz"))).toEqual([]);
  });

  test("that is opened to everyone during the transfer gets no file", { tags: "modes" }, async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, save } = await stage({}, async (request, socket) => {
      await chmod(folder, 0o777);
      await serve(file)(request, socket);
    });
    await expect(save()).rejects.toMatchObject({ code: "DOWNLOAD_DIR_UNUSABLE" });
    expect(await namesIn(folder)).not.toContain(defaultName);
  });

  test.each(["Q:\\x", "Q:\\", "\\\\host\\share\\x"])(
    "%s, on a drive or share of Windows that is not there, is refused at once",
    async (path) => {
      const store = openStore(path, { source: sourceOf("http://127.0.0.1:1/x?") });
      await withWindowsPaths(async () => {
        await expect(saveTo(store)).rejects.toMatchObject({
          code: "DOWNLOAD_DIR_UNUSABLE",
          envelope: { detail: "The download folder cannot be used: its drive or share is not there." },
        });
        await expect(inspectFolder(path)).rejects.toMatchObject({ code: "DOWNLOAD_DIR_UNUSABLE" });
        await expect(freeBytesFor(path)).rejects.toMatchObject({ code: "DOWNLOAD_DIR_UNUSABLE" });
      });
    },
  );

  test("is refused without hanging where no folder can be created", { tags: "linux" }, async () => {
    const source = sourceOf("http://127.0.0.1:1/x?");
    await expect(saveTo(openStore("/proc/none/deep/folder", { source }))).rejects.toMatchObject({
      code: "DOWNLOAD_DIR_UNUSABLE",
    });
  });

  test.each([
    ["a link to another place", (elsewhere: string, folder: string) => symlink(elsewhere, folder)],
    ["another folder", (_elsewhere: string, folder: string) => mkdir(folder, { mode: 0o700 })],
  ])("is not written to when %s takes its place during the transfer", { tags: "moves" }, async (_what, swap) => {
    const file = await remoteFile(200 * KIB);
    const elsewhere = await temporaryFolder();
    const parent = await temporaryFolder();
    const folder = join(parent, "folder");
    const { server } = await stage({}, async (request, socket) => {
      await rename(folder, join(parent, "moved"));
      await swap(elsewhere, folder);
      await serve(file)(request, socket);
    });
    const store = openStore(folder, { source: sourceOf(server.url) });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "DOWNLOAD_DIR_UNUSABLE" });
    expect(await namesIn(elsewhere)).toEqual([]);
    expect((await namesIn(folder)).filter((name) => !name.endsWith(".lock"))).toEqual([]);
  });
});
