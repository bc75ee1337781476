import { execFile } from "node:child_process";
import { lstat, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { newOwner } from "../../src/download/folder/lock.ts";
import { pageOf } from "../docs/pages.ts";
import { type Need, needs } from "../platform.ts";
import { type Behaviour, type RemoteFile, serve } from "./fault-server.ts";
import { change, withoutModes } from "./file-calls.ts";
import {
  defaultName,
  gate,
  hashOf,
  identity,
  KIB,
  namesIn,
  openStore,
  patiently,
  readJsonFile,
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  stage,
  statesOf,
} from "./fixtures.ts";

const run = promisify(execFile);
const precious = "precious, and not ours";
const old = new Date(1_000);

const foreign: [what: string, make: (path: string) => Promise<unknown>, ...need: Need[]][] = [
  ["a file", (path) => writeFile(path, precious).then(() => utimes(path, old, old))],
  ["a folder", (path) => mkdir(path).then(() => utimes(path, old, old))],
  ["a link", (path) => symlink("/etc/hosts", path), "links"],
  ["a link that leads nowhere", (path) => symlink("/nowhere/at/all", path), "links"],
  ["a pipe", (path) => run("mkfifo", [path]), "pipes"],
];

const names = [
  "mine.tgz",
  "mine.tgz.json",
  "mine.tgz.json.tmp",
  "mine.tgz.part",
  "mine.tgz.part.json",
  "mine.tgz.part.json.tmp",
  "mine.tgz.lock",
  snapshotLock(identity),
];

/** Answers only after `release`. */
function held(file: RemoteFile): { behaviour: Behaviour; release: () => void } {
  const { opened, open: release } = gate();
  const behaviour: Behaviour = async (request, socket) => {
    await opened;
    await serve(file)(request, socket);
  };
  return { behaviour, release };
}

describe.each(foreign)("%s of the user", (_what, make, ...need) => {
  beforeEach(() => needs(...need));

  test.each(names)("under the name %s stays unchanged, and nothing is requested", async (name) => {
    const { server, source, folder, save } = await stage({}, serve(await remoteFile(20 * KIB)));
    const path = join(folder, name);
    await make(path);
    const before = await lstat(path);
    await expect(save("mine")).rejects.toMatchObject({
      code: "FILE_EXISTS",
      envelope: { detail: expect.stringContaining(name) },
    });
    expect([source.asked, server.requests.length]).toEqual([0, 0]);
    expect(await namesIn(folder)).toEqual([name]);
    const after = await lstat(path);
    expect([after.ino, after.mtimeMs, after.mode]).toEqual([before.ino, before.mtimeMs, before.mode]);
  });
});

test("the record of another snapshot stays although its file is gone", async () => {
  const { folder, save, store } = await stage({}, serve(await remoteFile(20 * KIB)));
  await save("mine");
  await rm(join(folder, "mine.tgz"));
  const record = await readFile(join(folder, "mine.tgz.json"), "utf8");
  const other = { ...identity, snapshotId: "5fa1000000000000000000c9", fileName: "mine" };
  await expect(store.save(other, patiently())).rejects.toMatchObject({ code: "FILE_EXISTS" });
  expect(await readFile(join(folder, "mine.tgz.json"), "utf8")).toBe(record);
  expect(await save("mine")).toMatchObject({ state: "complete" });
});

test("a record that the user creates during the transfer stays; saving under another name needs no new transfer", async () => {
  const file = await remoteFile(60 * KIB);
  const staged = await stage({}, async (request, socket) => {
    await writeFile(join(staged.folder, "mine.tgz.json"), precious);
    await serve(file)(request, socket);
  });
  const { folder, save, server } = staged;
  expect(await save("mine")).toMatchObject({ state: "paused", lastError: { errorCode: "FILE_EXISTS" } });
  expect(await readFile(join(folder, "mine.tgz.json"), "utf8")).toBe(precious);
  expect(await save("other")).toMatchObject({ state: "complete", fileName: "other.tgz" });
  expect(server.requests).toHaveLength(1);
  expect(await hashOf(folder, "other.tgz")).toBe(sha256(file.bytes));
});

test("files that a crash left before the first byte do not block the save", async () => {
  const { folder, save } = await stage({}, serve(await remoteFile(20 * KIB)));
  await writeFile(join(folder, "mine.tgz.part"), "");
  await writeFile(join(folder, "mine.tgz.part.json.tmp"), '{\n  "v": 1,\n  "identity": {');
  expect(await save("mine")).toMatchObject({ state: "complete" });
  expect(await namesIn(folder)).toEqual(["mine.tgz", "mine.tgz.json"]);
});

describe("when two snapshots are saved under the same name", () => {
  const other = { ...identity, snapshotId: "5fa1000000000000000000c9" };

  test("the first gets the name and the second is refused", async () => {
    const { store, server } = await stage({}, serve(await remoteFile(100 * KIB)));
    const both = [identity, other].map((snapshot) => store.save({ ...snapshot, fileName: "same" }, patiently()));
    const [first, second] = await Promise.allSettled(both);
    const failed = [first, second].filter((end) => end?.status === "rejected");
    expect(failed).toMatchObject([{ reason: { code: "FILE_EXISTS" } }]);
    expect(server.requests).toHaveLength(1);
  });

  test("a save that waited for its turn checks its names again", async () => {
    const { behaviour, release } = held(await remoteFile(20 * KIB));
    const { store, folder, server } = await stage({ limits: { concurrentTransfers: 1 } }, behaviour);
    const first = store.save({ ...identity, fileName: "first" }, patiently());
    await expect.poll(() => server.requests.length).toBe(1);
    const second = store.save({ ...other, fileName: "second" }, patiently());
    await expect.poll(() => statesOf(store)).toContain("queued");
    await writeFile(join(folder, "second.tgz.part"), precious);
    release();
    expect(await first).toMatchObject({ state: "complete" });
    await expect(second).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await readFile(join(folder, "second.tgz.part"), "utf8")).toBe(precious);
  });
});

describe("two stores that save the same snapshot under two names", () => {
  test("transfer it once", async () => {
    const { behaviour, release } = held(await remoteFile(20 * KIB));
    const { store, folder, server } = await stage({}, behaviour);
    const second = openStore(folder, { source: sourceOf(server.url) });
    const saves = [saveTo(store), saveTo(second, "mine")];
    await expect(Promise.race(saves)).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    release();
    const ends = await Promise.allSettled(saves);
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(server.requests).toHaveLength(1);
    expect((await namesIn(folder)).filter((name) => name.endsWith(".tgz"))).toHaveLength(1);
  });

  test("continue each other's part, even if it was begun while one of them waited for its turn", async () => {
    const file = await remoteFile(200 * KIB);
    const { behaviour, release } = held(file);
    const { store, folder, server } = await stage({ limits: { concurrentTransfers: 1 } }, behaviour);
    const ahead = store.save({ ...identity, snapshotId: "5fa1000000000000000000c9" }, patiently());
    await expect.poll(() => server.requests.length).toBe(1);
    const waiting = saveTo(store, "mine");
    await expect.poll(() => statesOf(store)).toContain("queued");
    server.script(serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    const second = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(second)).toMatchObject({ state: "paused", fileName: defaultName });
    server.script(serve(file));
    release();
    expect(await ahead).toMatchObject({ state: "complete" });
    expect(await waiting).toMatchObject({ state: "complete", fileName: "mine.tgz", resumedFromBytes: 100 * KIB });
  });
});

/** The names in the table of docs/security.md; `TOKEN` stands for the hexadecimal digits that a name ends in. */
function documentedNames(): Set<string> {
  const cells = [...pageOf("docs/security.md").text.matchAll(/^\| (.*?) \| .* \|$/gm)].map(([, cell = ""]) => cell);
  const names = cells
    .filter((cell) => !cell.startsWith("download folder"))
    .join()
    .matchAll(/`(.+?)`/g);
  return new Set([...[...names].map(([, name = ""]) => name.replace(/-$/, "-TOKEN")), "TOKEN"]);
}

test("docs/security.md lists every name that a save gives to a file, and no other", { tags: "modes" }, async () => {
  const file = await remoteFile(200 * KIB);
  const { folder, save, server } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  const made: string[] = [];
  for (const [call, position] of Object.entries({ open: 0, rename: 1, link: 1 }))
    await change(call, (original) => async (...args) => {
      made.push(String(args[position]));
      return original(...args);
    });
  expect(await save()).toMatchObject({ state: "paused" });

  const at = (name: string) => join(folder, name);
  const dead = { ...(await newOwner()), space: "elsewhere", token: "0123abcd" };
  await writeFile(at(snapshotLock(identity)), JSON.stringify(dead));
  await writeFile(at(`${defaultName}.lock`), "");
  for (const lock of [snapshotLock(identity), `${defaultName}.lock`]) await utimes(at(lock), old, old);
  const state = await readJsonFile(folder, `${defaultName}.part.json`);
  await writeFile(at(`${defaultName}.part.json`), `${JSON.stringify({ ...state, writer: dead }, undefined, 2)}\n`);
  await withoutModes();
  server.script(serve(file));
  expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: 100 * KIB });

  const names = made
    .filter((path) => dirname(path) === folder)
    .map((path) =>
      basename(path)
        .replace(defaultName, "NAME.tgz")
        .replace(/^[0-9a-f]{24}-[0-9a-f]{24}/, "PROJECT-SNAPSHOT"),
    )
    .map((name) => name.replace(/^(.probe-)[0-9a-f]{16}(-2)?$/, "$1TOKEN"))
    .flatMap((name) => name.split(/(?<=\.(?:lock|part|json))\.(?:(?=tmp$|unreadable$)|[0-9a-f]{8}$)/))
    .map((name) => name.replace(/^(tmp|unreadable)$/, ".$1").replace(/^$/, "TOKEN"));
  expect(new Set(names)).toEqual(documentedNames());
});
