import {
  copyFile,
  link,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { type Need, needs } from "../platform.ts";
import { change, giveAway, refuse } from "./file-calls.ts";
import { archive, flipBit, identity, KIB, listOf, namesIn, openStore } from "./fixtures.ts";
import { idOf, NEWEST, nameOf, names, pairs, recordOf, shelf, whileItReads } from "./keep-shelf.ts";
import { lockOfLivingProcess } from "./lock-owners.ts";

test("the older files go, the oldest first and each before its record, and nothing else changes", async () => {
  const { folder, keep, events } = await shelf();
  const calls: string[] = [];
  await change("unlink", (original) => async (path) => {
    const name = String(path).slice(folder.length + 1);
    if (!name.endsWith(".lock") && !name.startsWith(".probe-")) calls.push(name);
    return original(path);
  });
  const before = await Promise.all(pairs(5, 6).map((name) => readFile(join(folder, name))));
  expect(await keep(2)).toEqual({ removed: names(1, 2, 3, 4), inUse: [], changed: [] });
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
  expect(await keep(count)).toEqual({ removed: names(...gone), inUse: [], changed: [] });
  expect(await namesIn(folder)).toHaveLength(2 * Math.min(count, NEWEST));
});

describe("a file stays although it is old enough,", () => {
  test("while another process holds the lock of its backup, and goes the next time", { tags: "linux" }, async () => {
    const { folder, at, keep } = await shelf();
    const lock = at(snapshotLock({ ...identity, snapshotId: idOf(2) }));
    await lockOfLivingProcess(lock);
    expect(await keep(2)).toEqual({ removed: names(1, 3, 4), inUse: names(2), changed: [] });
    expect(await namesIn(folder)).toEqual([snapshotLock({ ...identity, snapshotId: idOf(2) }), ...pairs(2, 5, 6)]);
    await rm(lock);
    expect(await keep(2)).toEqual({ removed: names(2), inUse: [], changed: [] });
  });

  test("while another program has it open, as Windows says", async () => {
    const { folder, keep } = await shelf();
    const busy = await refuse("unlink", "EBUSY", { path: /c2\.tgz$/ });
    expect(await keep(2)).toEqual({ removed: names(1, 3, 4), inUse: names(2), changed: [] });
    expect(await namesIn(folder)).toEqual(pairs(2, 5, 6));
    busy.end();
    expect(await keep(2)).toEqual({ removed: names(2), inUse: [], changed: [] });
  });

  const NOT_AS_SAVED = { inUse: [], changed: names(1) };
  const IN_USE = { inUse: names(1), changed: [] };
  test.each<[string, (path: string) => Promise<unknown>, { inUse: string[]; changed: string[] }?, ...Need[]]>([
    ["replaced by a longer one", (path) => writeFile(path, Buffer.alloc(40 * KIB)), NOT_AS_SAVED],
    [
      "overwritten without a new size",
      async (path) => writeFile(path, flipBit(await readFile(path), 9 * KIB)),
      NOT_AS_SAVED,
    ],
    ["replaced by a link", async (path) => rm(path).then(() => symlink("/etc/hosts", path)), IN_USE, "links"],
    ["replaced by a folder", async (path) => rm(path).then(() => mkdir(path))],
    ["given to another user", giveAway, IN_USE, "modes"],
    ["given another record", (path) => copyFile(path.replace(nameOf(1), recordOf(5)), `${path}.json`)],
    ["left without its record", (path) => rm(`${path}.json`)],
  ])("when it is %s between choice and deletion", async (_what, alter, named = IN_USE, ...need) => {
    needs(...need);
    const { folder, at, keep } = await shelf();
    // The choice is made.
    const alterFirst = () => alter(at(nameOf(1)));
    expect(await whileItReads(nameOf(5), keep, alterFirst)).toEqual({ removed: names(2, 3, 4), ...named });
    expect(await namesIn(folder)).toContain(nameOf(1));
  });

  test("where it was written to and is not what was saved any more", async () => {
    const { at, keep, folder } = await shelf();
    await writeFile(at(nameOf(1)), flipBit(await readFile(at(nameOf(1))), 9 * KIB));
    await utimes(at(nameOf(1)), 1, 1);
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [], changed: names(1) });
    // From then on the record tells.
    expect(await keep(2)).toEqual({ removed: [], inUse: [], changed: names(1) });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });

  test("where it has another size", async () => {
    const { at, keep, folder } = await shelf();
    await writeFile(at(nameOf(1)), "short");
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [], changed: names(1) });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });

  test("when another process takes its lock over while it is read", async () => {
    const { at, keep, folder } = await shelf();
    const lock = snapshotLock({ ...identity, snapshotId: idOf(1) });
    const takeOver = async () => rm(at(lock)).then(() => lockOfLivingProcess(at(lock)));
    await utimes(at(nameOf(1)), 1, 1);
    expect(await whileItReads(nameOf(1), keep, takeOver)).toEqual({
      removed: names(2, 3, 4),
      inUse: names(1),
      changed: [],
    });
    expect(await namesIn(folder)).toEqual([lock, ...pairs(1, 5, 6)]);
  });

  test.each<[string, Record<string, unknown>]>([
    ["of another name", { name: "customers" }],
    ["of no kind that is recognised", { contents: { kind: "unknown", unpackedBytes: 1 } }],
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
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [], changed: [] });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });

  test.each([
    ["the file", [nameOf(1)]],
    ["the record", [recordOf(1)]],
    ["both", [nameOf(1), recordOf(1)]],
  ])("when %s belongs to another user", { tags: "modes" }, async (_what, foreign) => {
    const { at, keep, folder } = await shelf();
    for (const name of foreign) await giveAway(at(name));
    expect(await keep(2)).toEqual({ removed: names(2, 3, 4), inUse: [], changed: [] });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });
});

test("the saved file is read too where it was written to since", async () => {
  const { at, keep } = await shelf();
  await utimes(at(nameOf(NEWEST)), 1, 1);
  const read = new Set<string>();
  expect(await keep(1, { onRead: (fileName) => void read.add(fileName) })).toEqual({
    removed: names(1, 2, 3, 4, 5),
    inUse: [],
    changed: [],
  });
  expect([...read]).toEqual(names(NEWEST));
});

test("a file that was written to, but is what was saved, is read and goes", async () => {
  const { at, keep, folder } = await shelf();
  for (const day of [1, 5]) await utimes(at(nameOf(day)), 1, 1);
  expect(await keep(2)).toEqual({ removed: names(1, 2, 3, 4), inUse: [], changed: [] });
  expect(await namesIn(folder)).toEqual(pairs(5, 6));
});

test("links and folders under the names of older files stay, with what the links lead to", {
  tags: "links",
}, async () => {
  const { folder, at, keep } = await shelf();
  await rename(at(nameOf(1)), at("elsewhere"));
  await symlink(at("elsewhere"), at(nameOf(1)));
  await rm(at(nameOf(2)));
  await mkdir(at(nameOf(2)));
  await rename(at(recordOf(3)), at("record"));
  await symlink(at("record"), at(recordOf(3)));
  expect(await keep(1)).toEqual({ removed: names(4, 5), inUse: [], changed: [] });
  expect(await namesIn(folder)).toEqual([...pairs(1, 2, 3, 6), "elsewhere", "record"].sort());
  expect(await readlink(at(nameOf(1)))).toBe(at("elsewhere"));
  expect((await lstat(at(nameOf(2)))).isDirectory()).toBe(true);
});

test("copies and hard links under names that a person chose stay, with their records, and count for nothing", async () => {
  const { folder, at, put, keep } = await shelf();
  await put(5, {}, "five.tgz");
  await put(4, {}, "four.tgz");
  await link(at(nameOf(1)), at("one.tgz"));
  await link(at(recordOf(1)), at("one.tgz.json"));
  const chosen = ["five.tgz", "four.tgz", "one.tgz"].flatMap((name) => [name, `${name}.json`]);
  expect(await keep(2)).toEqual({ removed: names(1, 2, 3, 4), inUse: [], changed: [] });
  expect(await namesIn(folder)).toEqual([...chosen, ...pairs(5, 6)].sort());
});

test("a save under a name that a person chose stays beside the newest, and is read if this save did not", async () => {
  const { folder, at, keep } = await shelf();
  for (const ending of ["", ".json"]) await rename(at(`${nameOf(2)}${ending}`), at(`mine.tgz${ending}`));
  const read = new Set<string>();
  const onRead = (fileName: string) => void read.add(fileName);
  const saved = { fileName: "mine.tgz", isOlder: true } as const;
  expect(await keep(1, { saved, onRead })).toEqual({ removed: names(1, 3, 4, 5), inUse: [], changed: [] });
  expect([...read]).toEqual([nameOf(6), "mine.tgz"]);
  expect(await namesIn(folder)).toEqual(["mine.tgz", "mine.tgz.json", ...pairs(6)].sort());
});

test("two runs at once delete the older files once, and each keeps the newest", async () => {
  const { folder, keep } = await shelf();
  const reports = await Promise.all([keep(2), keep(2, {}, openStore(folder, {}))]);
  expect(reports.map(({ problem }) => problem)).toEqual([undefined, undefined]);
  const removed = reports.flatMap((report) => report.removed);
  expect(removed.toSorted()).toEqual(names(1, 2, 3, 4));
  expect(await namesIn(folder)).toEqual(pairs(5, 6));
});

describe("a record that a crash left without its file", () => {
  test("is no backup, and goes where its file would have gone", async () => {
    const { folder, at, store, keep } = await shelf();
    for (const day of [1, 4]) await rm(at(nameOf(day)));
    expect((await listOf(store)).files.map(({ fileName }) => fileName).sort()).toEqual(names(2, 3, 5, 6));
    expect(await keep(4)).toEqual({ removed: [recordOf(1)], inUse: [], changed: [] });
    // Of four that count, the oldest is older than the record of day 4.
    expect(await keep(3)).toEqual({ removed: names(2), inUse: [], changed: [] });
    expect(await namesIn(folder)).toEqual([recordOf(4), ...pairs(3, 5, 6)].sort());
  });

  test("stays while another process holds the lock of its backup", async () => {
    const { folder, at, keep } = await shelf();
    await rm(at(nameOf(1)));
    const lock = snapshotLock({ ...identity, snapshotId: idOf(1) });
    await lockOfLivingProcess(at(lock));
    expect(await keep(5)).toEqual({ removed: [], inUse: [recordOf(1)], changed: [] });
    expect(await namesIn(folder)).toEqual([lock, recordOf(1), ...pairs(2, 3, 4, 5, 6)].sort());
  });

  test.each<[string, Record<string, unknown>]>([
    ["of another cluster", { clusterId: "5fa1000000000000000000d9" }],
    ["of another name", { name: "customers" }],
    ["without a finish time", { finishTime: undefined }],
  ])("stays if it is %s", async (_what, changes) => {
    const { folder, at, put, keep } = await shelf();
    await put(1, changes);
    await rm(at(nameOf(1)));
    expect(await keep(5)).toEqual({ removed: [], inUse: [], changed: [] });
    expect(await namesIn(folder)).toContain(recordOf(1));
  });

  test("stays if its file is back by the time of the deletion", async () => {
    const { folder, at, put, keep } = await shelf();
    await rm(at(nameOf(1)));
    expect(await whileItReads(nameOf(5), keep, () => put(1))).toEqual({
      removed: names(2, 3, 4),
      inUse: [recordOf(1)],
      changed: [],
    });
    expect(await namesIn(folder)).toEqual(pairs(1, 5, 6));
  });
});
