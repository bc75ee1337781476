import { copyFile, link, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createDownloadDirectory } from "../../src/download/folder/directory.ts";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { newOwner } from "../../src/download/folder/lock.ts";
import { openPart } from "../../src/download/folder/part.ts";
import { publish } from "../../src/download/folder/publish.ts";
import {
  type CheckedFile,
  createStateFile,
  newState,
  readRecord,
  readState,
} from "../../src/download/folder/records.ts";
import { serve } from "./fault-server.ts";
import { change } from "./file-calls.ts";
import { defaultName, hashOf, identity, KIB, namesIn, remoteFile, sha256, stage, temporaryFolder } from "./fixtures.ts";

const record = `${defaultName}.json`;
const part = `${defaultName}.part`;
const state = `${defaultName}.part.json`;

/** A folder in which every byte has arrived and nothing is published yet. */
async function received() {
  const file = await remoteFile(150 * KIB);
  const staged = await stage({}, async (request, socket) => {
    await writeFile(at(defaultName), "in the way");
    await serve(file)(request, socket);
  });
  const at = (name: string) => join(staged.folder, name);
  expect(await staged.save()).toMatchObject({ lastError: { errorCode: "FILE_EXISTS" } });
  await rm(at(defaultName));
  return { ...staged, at, file };
}

async function sameAgain({ folder, save, server, file }: Awaited<ReturnType<typeof received>>) {
  const requests = server.requests.length;
  expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
  expect(server.requests).toHaveLength(requests);
  expect(await namesIn(folder)).toEqual([defaultName, record]);
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
}

describe("after a crash the next call finishes the save without a request, if the crash came", () => {
  test("before the final name", async () => sameAgain(await received()));

  test("after the final name, before the record", async () => {
    const staged = await received();
    await link(staged.at(part), staged.at(defaultName));
    await sameAgain(staged);
  });

  test("while the record was being written", async () => {
    const staged = await received();
    await link(staged.at(part), staged.at(defaultName));
    await writeFile(staged.at(`${record}.tmp`), '{\n  "v": 1,\n  "gro');
    await sameAgain(staged);
  });

  test("after the record, before the part is removed", async () => {
    const staged = await received();
    await copyFile(staged.at(state), staged.at("saved-state"));
    await staged.save();
    await link(staged.at(defaultName), staged.at(part));
    await rename(staged.at("saved-state"), staged.at(state));
    await sameAgain(staged);
  });

  test("after the part, before its state is removed", async () => {
    const staged = await received();
    await copyFile(staged.at(state), staged.at("saved-state"));
    await staged.save();
    await rename(staged.at("saved-state"), staged.at(state));
    await sameAgain(staged);
  });

  test("and left the locks of a dead process", async () => {
    const staged = await received();
    const owner = { ...(await newOwner()), started: "1" };
    await writeFile(staged.at(`${defaultName}.lock`), JSON.stringify(owner));
    await writeFile(staged.at(snapshotLock(identity)), JSON.stringify(owner));
    await sameAgain(staged);
  });

  test("without hard links, after the empty file that reserves the name", async () => {
    const staged = await received();
    await setRenaming(staged.at(state));
    await writeFile(staged.at(defaultName), "");
    await sameAgain(staged);
  });

  test("without hard links, after renaming, before the state is removed", async () => sameAgain(await renamed()));
});

describe("after a crash that came after taking the final name, the file keeps that name although another is asked for,", () => {
  test("with hard links", async () => {
    const staged = await received();
    await link(staged.at(part), staged.at(defaultName));
    await sameAgain({ ...staged, save: () => staged.save("other") });
  });

  test("without hard links", async () => {
    const staged = await renamed();
    await sameAgain({ ...staged, save: () => staged.save("other") });
  });
});

test("a file of the user is never used as a part, whatever the state file says", async () => {
  const staged = await received();
  await setRenaming(staged.at(state));
  await rename(staged.at(part), staged.at(defaultName));
  await expect(staged.save()).rejects.toMatchObject({ code: "FILE_EXISTS" });
  expect(await hashOf(staged.folder)).toBe(sha256(staged.file.bytes));
  expect(await namesIn(staged.folder)).toEqual([defaultName, state]);
});

test("a file that was changed after a crash keeps its name and its bytes", async () => {
  const staged = await received();
  await copyFile(staged.at(state), staged.at("saved-state"));
  await staged.save();
  await link(staged.at(defaultName), staged.at(part));
  await rename(staged.at("saved-state"), staged.at(state));
  await writeFile(staged.at(defaultName), Buffer.alloc(staged.file.bytes.length, 7));
  await expect(staged.save()).rejects.toMatchObject({ code: "FILE_EXISTS" });
  await rm(staged.at(part));
  staged.server.script(serve(staged.file));
  expect(await staged.save("other")).toMatchObject({ state: "complete", fileName: "other.tgz" });
  expect(await readFile(staged.at(defaultName))).toEqual(Buffer.alloc(staged.file.bytes.length, 7));
});

/** The folder after a crash right after renaming the file to its final name: record and state are there too. */
async function renamed() {
  const staged = await received();
  await setRenaming(staged.at(state));
  await copyFile(staged.at(state), staged.at("saved-state"));
  await staged.save();
  await rename(staged.at("saved-state"), staged.at(state));
  return staged;
}

async function setRenaming(path: string): Promise<void> {
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), renaming: true }));
}

/** A part that is ready to be published on a file system without hard links. */
async function unlinkable(code: string, meanwhile: (part: string) => Promise<void> = async () => undefined) {
  const directory = await createDownloadDirectory(await temporaryFolder());
  await writeFile(directory.at("a.tgz.part"), "content", { mode: 0o600 });
  const part = await openPart(directory, "a.tgz.part");
  onTestFinished(() => part.handle.close());
  const initial = newState(identity, {}, "a.tgz", { now: Date.now(), byName: false });
  const state = createStateFile(directory, "a.tgz", initial);
  const record: CheckedFile = {
    identity,
    facts: {},
    bytes: 7,
    sha256: sha256(Buffer.from("content")),
    savedAt: "2026-11-22T03:01:10.000Z",
    integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
    sound: true,
    contents: { kind: "unknown", unpackedBytes: 7 },
  };
  await change("link", () => async () => {
    await meanwhile(part.path);
    throw Object.assign(new Error(code), { code });
  });
  return { directory, publish: () => publish({ directory, base: "a.tgz", part, state, record }), record };
}

test("the intent to rename and the record are on disk before the file gets its name", {
  tags: "folder-sync",
}, async () => {
  const { directory, publish } = await unlinkable("ENOTSUP", rm);
  await expect(publish()).rejects.toMatchObject({ code: "ENOENT" });
  expect((await stat(directory.at("a.tgz"))).size).toBe(0);
  expect(await readState(directory, "a.tgz")).toMatchObject({ renaming: true });
  expect(await readRecord(directory, "a.tgz")).toMatchObject({ bytes: 7 });
});

test("a part whose length differs from the checked length is not published", async () => {
  const { directory, publish } = await unlinkable("EPERM");
  await writeFile(directory.at("a.tgz.part"), "content and more");
  await expect(publish()).rejects.toMatchObject({ code: "PART_UNUSABLE" });
  expect(await namesIn(directory.path)).toEqual(["a.tgz.part"]);
});

describe.each(["EPERM", "ENOTSUP", "ENOSYS", "EACCES", "EMLINK", "EXDEV", "EIO"])(
  "where linking fails with %s",
  (code) => {
    test("the part is renamed to a name that was reserved first", async () => {
      const { directory, publish, record } = await unlinkable(code);
      await publish();
      expect(await namesIn(directory.path)).toEqual(["a.tgz", "a.tgz.json"]);
      expect(await readFile(directory.at("a.tgz"), "utf8")).toBe("content");
      expect(await readRecord(directory, "a.tgz")).toMatchObject(record);
    });

    test("an existing file of that name stays unchanged, even an empty one", async () => {
      const { directory, publish } = await unlinkable(code);
      await writeFile(directory.at("a.tgz"), "");
      await expect(publish()).rejects.toMatchObject({ code: "FILE_EXISTS" });
      expect((await stat(directory.at("a.tgz"))).size).toBe(0);
      expect((await stat(directory.at("a.tgz.part"))).size).toBe(7);
    });
  },
);
