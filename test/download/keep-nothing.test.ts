import { chmod, cp, link, mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { needs } from "../platform.ts";
import { change, giveAway, pretendWindows, refuse, withoutModes } from "./file-calls.ts";
import { flipBit, identity, KIB, namesIn, temporaryFolder } from "./fixtures.ts";
import { idOf, NEWEST, nameOf, names, pairs, recordOf, type Shelf, shelf, whileItReads } from "./keep-shelf.ts";
import { identityOf } from "./lock-owners.ts";

describe("nothing is deleted", () => {
  const HOW = "To delete all the same, add --keep-unprotected.";
  const damage = async (path: string) => writeFile(path, flipBit(await readFile(path), 10 * KIB));
  const NOT_AS_SAVED = `Nothing was deleted. Of the files that stay, these are changed, damaged or incomplete: ${nameOf(5)}. Move`;

  test.each<[string, (at: Shelf["at"], put: Shelf["put"]) => Promise<void>]>([
    ["is damaged inside", (at) => damage(at(nameOf(5)))],
    [
      "is damaged inside and has its old time again",
      async (at, put) => {
        await put(5, { mtimeMs: 1_000_000 });
        await damage(at(nameOf(5)));
        await utimes(at(nameOf(5)), 1_000, 1_000);
      },
    ],
    ["has another size", (at) => writeFile(at(nameOf(5)), "short")],
    ["is empty", (at) => writeFile(at(nameOf(5)), "")],
  ])("when a file that stays %s, however often one tries", async (_what, harm) => {
    const { folder, at, put, keep } = await shelf();
    await harm(at, put);
    for (let round = 0; round < 2; round += 1)
      expect(await keep(2)).toEqual({
        removed: [],
        inUse: [],
        changed: [],
        problem: expect.stringContaining(NOT_AS_SAVED),
      });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
    // As the text says.
    await rm(at(nameOf(5)));
    expect(await keep(2)).toEqual({ removed: names(1, 2, 3), inUse: [], changed: [] });
  });

  test("when the file that was there before this save is damaged", async () => {
    const { folder, at, keep } = await shelf();
    await damage(at(nameOf(6)));
    const { removed, problem } = await keep(1, { saved: { fileName: nameOf(6), isOlder: true } });
    expect({ removed, problem }).toMatchObject({ removed: [], problem: expect.stringContaining(nameOf(6)) });
    expect(await namesIn(folder)).toHaveLength(12);
  });

  test.each([
    ["a file that stays is removed", 5],
    ["the saved file is removed", 6],
  ])("when %s while another is read", async (_what, day) => {
    const { folder, at, keep } = await shelf();
    let isDone = false;
    const onRead = (fileName: string) => {
      // Of the files that stay, day 4 is the last to be read.
      if (isDone || fileName !== nameOf(4)) return;
      isDone = true;
      void rm(at(nameOf(day)));
    };
    expect(await keep(3, { onRead })).toEqual({
      removed: [],
      inUse: [],
      changed: [],
      problem: `Nothing was deleted. ${nameOf(day)} was to stay, but it was removed or changed meanwhile.`,
    });
    expect(await namesIn(folder)).toHaveLength(11);
  });

  test("when a file that stays cannot be read", async () => {
    const { keep, folder } = await shelf();
    await refuse("lstat", "EIO", { path: /c5\.tgz$/, after: 3 });
    const { removed, problem } = await keep(2);
    expect(removed).toEqual([]);
    expect(problem).toBe(`Nothing was deleted. ${nameOf(5)} could not be read. The system answered EIO.`);
    expect(await namesIn(folder)).toHaveLength(12);
  });

  test("when the folder is gone", async () => {
    const { folder, keep } = await shelf();
    await rm(folder, { recursive: true });
    expect(await keep(2)).toMatchObject({ removed: [], problem: expect.stringContaining("Nothing was deleted.") });
  });

  test("when the folder is another one by the time of the deletion", async () => {
    const { folder, keep } = await shelf();
    const aside = `${folder}-aside`;
    await change("open", (original) => async (...args) => {
      if (!String(args[0]).endsWith(".lock")) return original(...args);
      await rename(folder, aside);
      await cp(aside, folder, { recursive: true, preserveTimestamps: true });
      return original(...args);
    });
    const { removed, problem } = await keep(1);
    expect(removed).toEqual([]);
    expect(problem).toContain("The download folder cannot be used: it was replaced while in use.");
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
    await rm(aside, { recursive: true });
  });

  test("when the folder is another one once an older file is read", async () => {
    const { folder, at, keep } = await shelf();
    const aside = `${folder}-aside`;
    await utimes(at(nameOf(1)), 1, 1);
    // Hard links, so that the file is the same.
    const { removed, problem } = await whileItReads(nameOf(1), keep, async () => {
      await rename(folder, aside);
      await mkdir(folder, { mode: 0o700 });
      for (const name of await namesIn(aside)) await link(join(aside, name), at(name));
    });
    expect(removed).toEqual([]);
    expect(problem).toContain("The download folder cannot be used: it was replaced while in use.");
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
    await rm(aside, { recursive: true });
  });

  test("when what was just saved is not recognised as a backup, although older files are", async () => {
    const { folder, put, keep } = await shelf();
    await put(6, { contents: { kind: "unknown", unpackedBytes: 0 } });
    expect(await keep(1)).toEqual({
      removed: [],
      inUse: [],
      changed: [],
      problem: expect.stringContaining(`Nothing was deleted. What is in ${nameOf(6)} was not recognised as a backup`),
    });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test("when the saved file is gone before the choice", async () => {
    const { folder, at, keep } = await shelf();
    await rm(at(nameOf(6)));
    expect(await keep(1)).toMatchObject({ removed: [], problem: expect.stringContaining(`${nameOf(6)} was to stay`) });
    expect(await namesIn(folder)).toHaveLength(11);
  });

  test("when it is stopped while it reads what stays", async () => {
    const { folder, keep } = await shelf();
    const stop = new AbortController();
    expect(await keep(2, { signal: stop.signal, onRead: () => stop.abort() })).toEqual({
      removed: [],
      inUse: [],
      changed: [],
      problem: "Nothing was deleted. The command was stopped.",
    });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test.each([
    ["777", 1],
    ["777", 2],
    ["755", 1],
  ])(
    "where the file system keeps no owners, and every entry shows mode %s (%i to stay), unless that is ordered",
    { tags: "modes" },
    async (mode, count) => {
      const { folder, keep } = await shelf();
      await withoutModes({ mode: Number.parseInt(mode, 8) });
      expect(await keep(count)).toEqual({
        removed: [],
        inUse: [],
        changed: [],
        problem: `Nothing was deleted. The file system of the download folder keeps no owners and permissions, so it does not keep other users of this computer from reading, replacing or planting files there. ${HOW}`,
      });
      expect(await namesIn(folder)).toHaveLength(12);
      expect(await keep(count, { evenUnprotected: true })).toMatchObject({
        removed: names(1, 2, 3, 4, 5).slice(0, NEWEST - count),
      });
    },
  );

  test("where others may replace the folder, unless that is ordered", { tags: "modes" }, async () => {
    const above = join(await temporaryFolder(), "above");
    await mkdir(join(above, "folder"), { recursive: true, mode: 0o700 });
    const { folder, keep } = await shelf({ directory: join(above, "folder") });
    await chmod(above, 0o777);
    expect(await keep(2)).toEqual({
      removed: [],
      inUse: [],
      changed: [],
      problem: `Nothing was deleted. Other users of this computer can move or replace the download folder, since they may write to ${above}. ${HOW}`,
    });
    expect(await namesIn(folder)).toHaveLength(12);
    await chmod(above, 0o1777);
    expect(await keep(4)).toMatchObject({ removed: names(1, 2) });
    await chmod(above, 0o777);
    expect(await keep(2, { evenUnprotected: true })).toMatchObject({ removed: names(3, 4) });
  });

  test("on Windows outside the profile folder, unless that is ordered", async () => {
    const { folder, keep } = await shelf();
    pretendWindows();
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const name of ["HOME", "USERPROFILE"]) vi.stubEnv(name, join(folder, "elsewhere"));
    expect(await keep(2)).toMatchObject({
      removed: [],
      problem: expect.stringMatching(
        /^Nothing was deleted\. The download folder is outside .* add --keep-unprotected\.$/,
      ),
    });
    expect(await namesIn(folder)).toHaveLength(12);
    expect(await keep(2, { evenUnprotected: true })).toMatchObject({ removed: names(1, 2, 3, 4) });
  });

  test("where no file can be made to ask the file system", { tags: "modes" }, async () => {
    const { folder, keep } = await shelf();
    await refuse("open", "EROFS", { path: /\.probe-/ });
    expect(await keep(2)).toMatchObject({ problem: "Nothing was deleted. The file system is read-only." });
    expect(await namesIn(folder)).toHaveLength(12);
  });

  test("when it is stopped while it reads an older file that was written to", async () => {
    const { folder, at, keep } = await shelf();
    await utimes(at(nameOf(1)), 1, 1);
    const stop = new AbortController();
    expect(await keep(1, { signal: stop.signal, onRead: () => stop.abort() })).toEqual({
      removed: [],
      inUse: [],
      changed: [],
      problem: "Nothing was deleted. The command was stopped.",
    });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test("in a folder without owners where nothing has to go, which is no problem", async () => {
    const { keep } = await shelf();
    await withoutModes();
    expect(await keep(6)).toEqual({ removed: [], inUse: [], changed: [] });
  });
});

test("a deletion that is stopped in between says what is gone", async () => {
  const { folder, keep } = await shelf();
  const stop = new AbortController();
  await change("unlink", (original) => async (path) => {
    if (String(path).endsWith(recordOf(2))) stop.abort();
    return original(path);
  });
  expect(await keep(1, { signal: stop.signal })).toEqual({
    removed: names(1, 2),
    inUse: [],
    changed: [],
    problem: "No more was deleted. The command was stopped.",
  });
  expect(await namesIn(folder)).toEqual(pairs(3, 4, 5, 6));
});

describe("when the system refuses", () => {
  test("on Windows, which has one answer for a lack of permission and a file in use, the report names both", async () => {
    pretendWindows();
    const { folder, keep } = await shelf();
    const refused = await refuse("unlink", "EPERM", { path: /c1\.tgz$/ });
    const { removed, inUse, problem } = await keep(1, { evenUnprotected: true });
    expect({ removed, inUse }).toEqual({ removed: [], inUse: [] });
    expect(problem).toBe(
      `Nothing was deleted. ${nameOf(1)} could not be deleted. Another program has a file of the download folder open, or this user may not change it: Windows answers EPERM to both.`,
    );
    expect(refused.refused()).toBeGreaterThan(1);
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test.each<[string, string, RegExp, number[], string]>([
    [
      "to delete the oldest",
      "EACCES",
      /c1\.tgz$/,
      [],
      `Nothing was deleted. ${nameOf(1)} could not be deleted. This user may not write there (EACCES).`,
    ],
    [
      "to delete another",
      "EACCES",
      /c2\.tgz$/,
      [1],
      `No more was deleted. ${nameOf(2)} could not be deleted. This user may not write there (EACCES).`,
    ],
    [
      "to delete on a read-only disk",
      "EROFS",
      /c2\.tgz$/,
      [1],
      `No more was deleted. ${nameOf(2)} could not be deleted. The file system is read-only.`,
    ],
    [
      "to delete the record of a file that is gone",
      "EACCES",
      /c2\.tgz\.json$/,
      [1, 2],
      `No more was deleted. The file ${nameOf(2)} is gone, but its record ${recordOf(2)} is not. This user may not write there (EACCES).`,
    ],
    [
      "to delete a record that another program has open",
      "EBUSY",
      /c2\.tgz\.json$/,
      [1, 2],
      `No more was deleted. The file ${nameOf(2)} is gone, but its record ${recordOf(2)} is not. Another program probably has a file of the download folder open: the system answered EBUSY.`,
    ],
  ])("%s (%s), the report says what is gone and why no more is", async (_what, code, path, gone, problem) => {
    if (code === "EACCES") needs("access-codes");
    const { folder, keep } = await shelf();
    const refused = await refuse("unlink", code, { path });
    expect(await keep(2)).toEqual({ removed: names(...gone), inUse: [], changed: [], problem });
    refused.end();
    expect(await keep(2)).toMatchObject({
      removed: [
        ...(gone.includes(2) ? [recordOf(2)] : []),
        ...names(...[1, 2, 3, 4].filter((day) => !gone.includes(day))),
      ],
    });
    expect((await namesIn(folder)).filter((name) => name.endsWith(".tgz"))).toEqual(names(5, 6));
  });

  test("to write a lock, because the disk is full, nothing is deleted and no lock is left", async () => {
    const { folder, keep } = await shelf();
    await refuse("handle.writeFile", "ENOSPC");
    const { removed, problem } = await keep(1);
    expect(removed).toEqual([]);
    expect(problem).toMatch(
      /^Nothing was deleted\. orders-\w+-\w+c1\.tgz could not be deleted\. The disk .* has too little free space\.$/,
    );
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test("a lock of the backup that another user has put there, nothing is deleted", {
    tags: ["modes", "linux"],
  }, async () => {
    const { at, keep } = await shelf();
    const lock = snapshotLock({ ...identity, snapshotId: idOf(1) });
    await writeFile(at(lock), JSON.stringify(await identityOf(process.ppid)));
    await giveAway(at(lock));
    expect(await keep(1)).toMatchObject({
      removed: [],
      problem: expect.stringContaining(`${lock} in the download folder belongs to another user`),
    });
  });
});
