/** @module-tag modes */
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { isTrustedLink } from "../../src/download/folder/folder-safety.ts";
import { serve } from "./fault-server.ts";
import { giveAway } from "./file-calls.ts";
import {
  defaultName,
  hashOf,
  identity,
  KIB,
  listOf,
  namesIn,
  openStore,
  patiently,
  remoteFile,
  savedStage,
  saveTo,
  sha256,
  sourceOf,
  stage,
} from "./fixtures.ts";

const planted = "planted.tgz";

/** A folder in which a whole backup of the snapshot lies under another name, with its record. */
async function withPlanted() {
  const staged = await savedStage();
  const at = (name: string) => join(staged.folder, name);
  await rename(at(defaultName), at(planted));
  await rename(at(`${defaultName}.json`), at(`${planted}.json`));
  return { ...staged, at };
}

describe("a backup with a record that another user planted", () => {
  test.each([
    ["both", [planted, `${planted}.json`]],
    ["the archive", [planted]],
    ["the record", [`${planted}.json`]],
  ])("is not taken for the snapshot, and stays, when %s belong to that user", async (_what, foreign) => {
    const { folder, at, server, file } = await withPlanted();
    for (const name of foreign) await giveAway(at(name));
    const before = await Promise.all(foreign.map((name) => readFile(at(name))));
    server.script(serve(file));
    const store = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(store)).toMatchObject({ state: "complete", fileName: defaultName });
    expect(server.requests).toHaveLength(2);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await Promise.all(foreign.map((name) => readFile(at(name))))).toEqual(before);
  });

  test("is listed as another user's, without anything that its record says", async () => {
    const { store, at, folder } = await withPlanted();
    await giveAway(at(planted));
    const bytes = (await readFile(at(planted))).length;
    expect((await listOf(store)).files).toEqual([
      { fileName: planted, path: join(folder, planted), bytes, state: "foreign" },
    ]);
  });

  test("cannot be verified, which says why", async () => {
    const { store, at } = await withPlanted();
    await giveAway(at(planted));
    await expect(store.verify(planted, patiently())).rejects.toMatchObject({ code: "FILE_FOREIGN" });
  });

  test("is a file without record when only the record is another user's", async () => {
    const { store, at } = await withPlanted();
    await giveAway(at(`${planted}.json`));
    expect((await listOf(store)).files).toMatchObject([{ fileName: planted, state: "unrecorded" }]);
    const { integrity, sound } = await store.verify(planted, patiently());
    expect({ recorded: integrity?.recordedSha256, sound }).toEqual({ recorded: "unrecorded", sound: true });
  });
});

/** A folder with a part of the snapshot that can be continued. */
async function withPart() {
  const file = await remoteFile(200 * KIB);
  const staged = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  expect(await staged.save()).toMatchObject({ state: "paused" });
  staged.server.script(serve(file));
  return { ...staged, at: (name: string) => join(staged.folder, name) };
}

const part = `${defaultName}.part`;

test.each([
  ["part", part, "PART_UNUSABLE"],
  ["state", `${part}.json`, "FILE_EXISTS"],
])("a %s of another user is not continued, and stays", async (_what, name, code) => {
  const { folder, at, save, server } = await withPart();
  await giveAway(at(name));
  const before = await readFile(at(name));
  const requests = server.requests.length;
  await expect(save()).rejects.toMatchObject({ code });
  expect(server.requests).toHaveLength(requests);
  expect(await readFile(at(name))).toEqual(before);
  expect(await namesIn(folder)).toEqual([part, `${part}.json`]);
});

test("a state of another user is not listed", async () => {
  const { folder, at } = await withPart();
  expect((await listOf(openStore(folder, {}))).transfers).toHaveLength(1);
  await giveAway(at(`${part}.json`));
  expect((await listOf(openStore(folder, {}))).transfers).toEqual([]);
});

test.each([snapshotLock(identity), `${defaultName}.lock`, `${part}.json.tmp`, `${defaultName}.json.tmp`])(
  "a file of another user under the name %s is named and stays, and nothing is requested from the file host",
  async (name) => {
    const { folder, save, server } = await stage({}, serve(await remoteFile(20 * KIB)));
    const path = join(folder, name);
    await writeFile(path, name.endsWith(".lock") ? '{"pid":1073741824,"space":"x","token":"0123abcd"}' : "");
    await giveAway(path);
    await expect(save()).rejects.toMatchObject({
      code: "FILE_EXISTS",
      envelope: { detail: expect.stringContaining(`${name} in the download folder belongs to another user`) },
    });
    expect(server.requests).toEqual([]);
    expect(await namesIn(folder)).toEqual([name]);
  },
);

test.each([
  [1000, "this user", true],
  [0, "root", true],
  [1001, "another user", false],
])("the folder may be a link of user %i, %s: %j", (uid, _who, isTrusted) => {
  expect(isTrustedLink({ uid }, { uid: 1000, gid: 1000 })).toBe(isTrusted);
});

test("the folder has only files of mode 0600, also while a file is saved", async () => {
  const file = await remoteFile(200 * KIB);
  const modes = new Map<string, number>();
  const look = async () => {
    for (const name of await namesIn(folder)) modes.set(name, (await stat(join(folder, name))).mode & 0o777);
  };
  const { folder, save } = await stage({}, serve(file, { after: 100 * KIB }), async (request, socket) => {
    await look();
    await serve(file)(request, socket);
  });
  expect(await save()).toMatchObject({ state: "complete" });
  await look();
  const endings = ["", ".json", ".lock", ".part", ".part.json"];
  expect([...modes.keys()].sort()).toEqual(
    [...endings.map((ending) => `${defaultName}${ending}`), snapshotLock(identity)].sort(),
  );
  expect([...new Set(modes.values())]).toEqual([0o600]);
});
