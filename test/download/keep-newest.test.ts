import {
  copyFile,
  cp,
  link,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { KeepOrder } from "../../src/download/contract.ts";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import type { SnapshotStoreOptions } from "../../src/download/store.ts";
import { change, giveAway, refuse, withoutModes } from "./file-calls.ts";
import { archive, flipBit, identity, KIB, listOf, namesIn, openStore, sha256, temporaryFolder } from "./fixtures.ts";
import { identityOf, lockOfLivingProcess } from "./lock-owners.ts";

const CLUSTER = "5fa1000000000000000000d1";
const NEWEST = 6;
const nameOf = (day: number) => `orders-${day}.tgz`;
const recordOf = (day: number) => `${nameOf(day)}.json`;
const idOf = (day: number) => `5fa1000000000000000000c${day}`;

/** A folder with a whole backup of each day, 1 to 6, and a store over it. Day 6 counts as the one just saved. */
async function shelf(options: Partial<SnapshotStoreOptions> = {}) {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const put = async (day: number, changes: Record<string, unknown> = {}, name = nameOf(day)) => {
    const bytes = await archive(20 * KIB, day);
    await writeFile(at(name), bytes, { mode: 0o600 });
    const record = {
      v: 1,
      ...identity,
      snapshotId: idOf(day),
      finishTime: `2026-11-1${day}T03:01:10Z`,
      clusterId: CLUSTER,
      bytes: bytes.length,
      mtimeMs: (await stat(at(name))).mtimeMs,
      sha256: sha256(bytes),
      integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
      contents: { kind: "data-directory", unpackedBytes: 20 * KIB },
      sound: true,
      savedAt: "2026-11-22T04:00:00.000Z",
      ...changes,
    };
    await writeFile(at(`${name}.json`), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
  };
  for (let day = 1; day <= NEWEST; day += 1) await put(day);
  const events: unknown[] = [];
  const store = openStore(folder, { log: (event) => events.push(event), ...options });
  const keep = (count: number, { signal, onRead, ...changes }: Partial<KeepOrder & KeepHooks> = {}, keeper = store) =>
    keeper.keepNewest(
      {
        groupId: identity.groupId,
        clusterId: CLUSTER,
        count,
        saved: { fileName: nameOf(NEWEST) },
        evenUnprotected: false,
        ...changes,
      },
      { signal: signal ?? new AbortController().signal, onRead: onRead ?? (() => undefined) },
    );
  return { folder, at, put, store, keep, events };
}

type Shelf = Awaited<ReturnType<typeof shelf>>;

interface KeepHooks {
  signal: AbortSignal;
  onRead: (fileName: string, percent: number) => void;
}

/** The names of whole backups with their records, as `namesIn` returns them. */
const pairs = (...days: number[]) => days.flatMap((day) => [nameOf(day), recordOf(day)]).sort();
const names = (...days: number[]) => days.map(nameOf);

test("the older files go, the oldest first and each before its record, and nothing else changes", async () => {
  const { folder, keep, events } = await shelf();
  const calls: string[] = [];
  await change("unlink", (original) => async (path) => {
    const name = String(path).slice(folder.length + 1);
    if (!name.endsWith(".lock")) calls.push(name);
    return original(path);
  });
  const before = await Promise.all(pairs(5, 6).map((name) => readFile(join(folder, name))));
  expect(await keep(2)).toEqual({ removed: names(1, 2, 3, 4), inUse: [] });
  expect(calls).toEqual([1, 2, 3, 4].flatMap((day) => [nameOf(day), recordOf(day)]));
  expect(await namesIn(folder)).toEqual(pairs(5, 6));
  expect(await Promise.all(pairs(5, 6).map((name) => readFile(join(folder, name))))).toEqual(before);
  expect(events).toHaveLength(4);
  expect(events[0]).toEqual({
    event: "file-deleted",
    snapshotId: idOf(1),
    fileName: nameOf(1),
    bytes: (await archive(20 * KIB, 1)).length,
  });
});

test("what stays is read first, except the file that the save has just read", async () => {
  const { keep } = await shelf();
  const read = new Set<string>();
  const onRead = (fileName: string) => void read.add(fileName);
  expect(await keep(3, { onRead })).toMatchObject({ removed: names(1, 2, 3) });
  expect([...read]).toEqual(names(5, 4));
  read.clear();
  expect(await keep(2, { onRead, saved: { fileName: nameOf(6), isOlder: true } })).toMatchObject({
    removed: names(4),
  });
  expect([...read]).toEqual(names(6, 5));
});

test.each([1, 6, 1_000])("with %i to stay, as many stay as there are", async (count) => {
  const { folder, keep } = await shelf();
  const gone = [1, 2, 3, 4, 5].slice(0, Math.max(0, NEWEST - count));
  expect(await keep(count)).toEqual({ removed: names(...gone), inUse: [] });
  expect(await namesIn(folder)).toHaveLength(2 * Math.min(count, NEWEST));
});

describe("nothing is deleted", () => {
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
      expect(await keep(2)).toEqual({ removed: [], inUse: [], problem: expect.stringContaining(NOT_AS_SAVED) });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
    // As the text says.
    await rm(at(nameOf(5)));
    expect(await keep(2)).toEqual({ removed: names(1, 2, 3), inUse: [] });
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
      problem: `Nothing was deleted. ${nameOf(day)} was to stay, but it was removed or changed meanwhile.`,
    });
    expect(await namesIn(folder)).toHaveLength(11);
  });

  test("when a file that stays cannot be read", async () => {
    const { keep, folder } = await shelf();
    await refuse("lstat", "EIO", { path: /orders-5\.tgz$/, after: 2 });
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

  test("when it is stopped while it reads what stays", async () => {
    const { folder, keep } = await shelf();
    const stop = new AbortController();
    expect(await keep(2, { signal: stop.signal, onRead: () => stop.abort() })).toEqual({
      removed: [],
      inUse: [],
      problem: "Nothing was deleted. The command was stopped.",
    });
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test.each([0, 1])(
    "where the folder keeps no owners (%i backups stay beside the saved one), unless that is ordered",
    async (more) => {
      const { folder, keep } = await shelf();
      await withoutModes();
      expect(await keep(1 + more)).toEqual({
        removed: [],
        inUse: [],
        problem: expect.stringContaining("--keep-unprotected"),
      });
      expect(await namesIn(folder)).toHaveLength(12);
      expect(await keep(1 + more, { evenUnprotected: true })).toMatchObject({
        removed: names(1, 2, 3, 4, 5).slice(0, 5 - more),
      });
    },
  );

  test("in a folder without owners where nothing has to go, which is no problem", async () => {
    const { keep } = await shelf();
    await withoutModes();
    expect(await keep(6)).toEqual({ removed: [], inUse: [] });
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
    problem: "No more was deleted. The command was stopped.",
  });
  expect(await namesIn(folder)).toEqual(pairs(3, 4, 5, 6));
});

describe("a file stays although it is old enough,", () => {
  test("while another process holds the lock of its backup, and goes the next time", async () => {
    const { folder, at, keep } = await shelf();
    const lock = at(snapshotLock({ ...identity, snapshotId: idOf(2) }));
    await lockOfLivingProcess(lock);
    expect(await keep(2)).toEqual({ removed: names(1, 3, 4), inUse: names(2) });
    expect(await namesIn(folder)).toEqual([snapshotLock({ ...identity, snapshotId: idOf(2) }), ...pairs(2, 5, 6)]);
    await rm(lock);
    expect(await keep(2)).toEqual({ removed: names(2), inUse: [] });
  });

  test("while another program has it open, as Windows says", async () => {
    const { folder, keep } = await shelf();
    const busy = await refuse("unlink", "EBUSY", { path: /orders-2\.tgz$/ });
    expect(await keep(2)).toEqual({ removed: names(1, 3, 4), inUse: names(2) });
    expect(await namesIn(folder)).toEqual(pairs(2, 5, 6));
    busy.end();
    expect(await keep(2)).toEqual({ removed: names(2), inUse: [] });
  });

  test.each<[string, (path: string) => Promise<unknown>]>([
    ["replaced by a longer one", (path) => writeFile(path, Buffer.alloc(40 * KIB))],
    ["overwritten without a new size", async (path) => writeFile(path, flipBit(await readFile(path), 9 * KIB))],
    ["replaced by a link", async (path) => rm(path).then(() => symlink("/etc/hostname", path))],
    ["replaced by a folder", async (path) => rm(path).then(() => mkdir(path))],
    ["given to another user", giveAway],
    ["given another record", (path) => copyFile(path.replace(nameOf(1), recordOf(5)), `${path}.json`)],
    ["left without its record", (path) => rm(`${path}.json`)],
  ])("when it is %s between choice and deletion", async (_what, alter) => {
    const { folder, at, keep } = await shelf();
    let altered: Promise<unknown> | undefined;
    const onRead = () => {
      altered ??= alter(at(nameOf(1)));
    };
    // The choice is made; the reading waits until the file is another one.
    await change("handle.read", (original) => async (...args) => {
      await altered;
      return original(...args);
    });
    expect(await keep(2, { onRead })).toEqual({ removed: names(2, 3, 4), inUse: names(1) });
    await altered;
    expect(await namesIn(folder)).toContain(nameOf(1));
  });

  test("where it was written to and is not what was saved any more", async () => {
    const { at, keep, folder } = await shelf();
    await writeFile(at(nameOf(1)), flipBit(await readFile(at(nameOf(1))), 9 * KIB));
    await utimes(at(nameOf(1)), 1, 1);
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [] });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });

  test.each<[string, Record<string, unknown>]>([
    ["of another cluster", { clusterId: "5fa1000000000000000000d9" }],
    ["of another project", { groupId: "5fa1000000000000000000b9" }],
    ["not sound", { sound: false }],
    ["without a finish time", { finishTime: undefined }],
    ["without the id of its cluster", { clusterId: undefined }],
    ["of no readable record", { sha256: "forged" }],
    ["of a backup whose id would be a path", { snapshotId: "../../../../../../etc/pw" }],
  ])("when its record says that it is %s", async (_what, changes) => {
    const { put, keep, folder } = await shelf();
    await put(1, changes);
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [] });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });

  test.each([
    ["the file", [nameOf(1)]],
    ["the record", [recordOf(1)]],
    ["both", [nameOf(1), recordOf(1)]],
  ])("when %s belongs to another user", async (_what, foreign) => {
    const { at, keep, folder } = await shelf();
    for (const name of foreign) await giveAway(at(name));
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [] });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });
});

test("a file that was written to, but is what was saved, is read and goes", async () => {
  const { at, keep, folder } = await shelf();
  for (const day of [1, 5]) await utimes(at(nameOf(day)), 1, 1);
  expect(await keep(2)).toEqual({ removed: names(1, 2, 3, 4), inUse: [] });
  expect(await namesIn(folder)).toEqual(pairs(5, 6));
});

test("links and folders under the names of older files stay, with what the links lead to", async () => {
  const { folder, at, keep } = await shelf();
  await rename(at(nameOf(1)), at("elsewhere"));
  await symlink(at("elsewhere"), at(nameOf(1)));
  await rm(at(nameOf(2)));
  await mkdir(at(nameOf(2)));
  await rename(at(recordOf(3)), at("record"));
  await symlink(at("record"), at(recordOf(3)));
  expect(await keep(1)).toEqual({ removed: names(4, 5), inUse: [] });
  expect(await namesIn(folder)).toEqual([...pairs(1, 2, 3, 6), "elsewhere", "record"].sort());
  expect(await readlink(at(nameOf(1)))).toBe(at("elsewhere"));
  expect((await lstat(at(nameOf(2)))).isDirectory()).toBe(true);
});

test("a backup under two names stays or goes with both, and counts once", async () => {
  const { folder, at, put, keep } = await shelf();
  await put(5, {}, "five.tgz");
  await put(4, {}, "four.tgz");
  await link(at("four.tgz"), at("not-a-backup"));
  const { removed } = await keep(2);
  expect(removed.toSorted()).toEqual(["four.tgz", ...names(1, 2, 3, 4)]);
  expect(await namesIn(folder)).toEqual(["five.tgz", "five.tgz.json", "not-a-backup", ...pairs(5, 6)].sort());
});

describe("when the system refuses", () => {
  test.each<[string, string, RegExp, number[], string]>([
    [
      "to delete the oldest",
      "EACCES",
      /orders-1\.tgz$/,
      [],
      `Nothing was deleted. ${nameOf(1)} could not be deleted. This user may not write there (EACCES).`,
    ],
    [
      "to delete another",
      "EACCES",
      /orders-2\.tgz$/,
      [1],
      `No more was deleted. ${nameOf(2)} could not be deleted. This user may not write there (EACCES).`,
    ],
    [
      "to delete on a read-only disk",
      "EROFS",
      /orders-2\.tgz$/,
      [1],
      `No more was deleted. ${nameOf(2)} could not be deleted. The file system is read-only.`,
    ],
    [
      "to delete the record of a file that is gone",
      "EACCES",
      /orders-2\.tgz\.json$/,
      [1, 2],
      `No more was deleted. The file ${nameOf(2)} is gone, but its record ${recordOf(2)} is not. This user may not write there (EACCES).`,
    ],
    [
      "to delete a record that another program has open",
      "EBUSY",
      /orders-2\.tgz\.json$/,
      [1, 2],
      `No more was deleted. The file ${nameOf(2)} is gone, but its record ${recordOf(2)} is not. Another program probably has a file of the download folder open: the system answered EBUSY.`,
    ],
  ])("%s (%s), the report says what is gone and why no more is", async (_what, code, path, gone, problem) => {
    const { folder, keep } = await shelf();
    const refused = await refuse("unlink", code, { path });
    expect(await keep(2)).toEqual({ removed: names(...gone), inUse: [], problem });
    refused.end();
    expect(await keep(2)).toMatchObject({ removed: names(...[1, 2, 3, 4].filter((day) => !gone.includes(day))) });
    expect((await namesIn(folder)).filter((name) => name.endsWith(".tgz"))).toEqual(names(5, 6));
  });

  test("to write a lock, because the disk is full, nothing is deleted and no lock is left", async () => {
    const { folder, keep } = await shelf();
    await refuse("handle.writeFile", "ENOSPC");
    const { removed, problem } = await keep(1);
    expect(removed).toEqual([]);
    expect(problem).toMatch(
      /^Nothing was deleted\. orders-1\.tgz could not be deleted\. The disk .* has too little free space\.$/,
    );
    expect(await namesIn(folder)).toEqual(pairs(1, 2, 3, 4, 5, 6));
  });

  test("a lock of the backup that another user has put there, nothing is deleted", async () => {
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

test("two runs at once delete the older files once, and each keeps the newest", async () => {
  const { folder, keep } = await shelf();
  const reports = await Promise.all([keep(2), keep(2, {}, openStore(folder, {}))]);
  expect(reports.map(({ problem }) => problem)).toEqual([undefined, undefined]);
  const removed = reports.flatMap((report) => report.removed);
  expect(removed.toSorted()).toEqual(names(1, 2, 3, 4));
  expect(await namesIn(folder)).toEqual(pairs(5, 6));
});

test("a record that a crash left without its file is no backup, and does not keep the backup from being saved again", async () => {
  const { folder, at, store, keep } = await shelf();
  await rm(at(nameOf(1)));
  expect((await listOf(store)).files.map(({ fileName }) => fileName).sort()).toEqual(names(2, 3, 4, 5, 6));
  expect(await keep(5)).toEqual({ removed: [], inUse: [] });
  expect(await keep(4)).toEqual({ removed: names(2), inUse: [] });
  expect(await namesIn(folder)).toEqual([recordOf(1), ...pairs(3, 4, 5, 6)].sort());
});
