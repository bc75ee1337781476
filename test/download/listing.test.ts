import { mkdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { SaveReport, SnapshotSource } from "../../src/download/contract.ts";
import { createDownloadDirectory } from "../../src/download/folder/directory.ts";
import { readRecord } from "../../src/download/folder/records.ts";
import { lacks } from "../platform.ts";
import { respond, serve } from "./fault-server.ts";
import {
  defaultName,
  facts,
  gate,
  identity,
  KIB,
  listOf,
  openStore,
  patiently,
  remoteFile,
  savedStage,
  saveTo,
  sha256,
  slowWorker,
  sourceOf,
  stage,
  statesOf,
  temporaryFolder,
} from "./fixtures.ts";

describe("the list", () => {
  test("describes finished files from their records", async () => {
    const file = await remoteFile(40 * KIB);
    const { folder, store, save } = await stage({}, serve(file));
    await save();
    const { files, transfers, directory, freeBytes } = await listOf(store);
    expect(directory).toBe(folder);
    expect(freeBytes).toBeGreaterThan(0);
    expect(transfers).toEqual([]);
    expect(files).toMatchObject([
      {
        state: "complete",
        fileName: defaultName,
        identity,
        facts,
        bytes: file.bytes.length,
        sha256: sha256(file.bytes),
      },
    ]);
    expect(files[0]?.contents).toMatchObject({ kind: "data-directory", collections: 1 });
  });

  test("describes a paused transfer with its progress and its error", async () => {
    const file = await remoteFile(200 * KIB);
    const { store, save, folder } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    await save();
    const paused = {
      state: "paused",
      fileName: defaultName,
      identity,
      facts,
      bytes: 100 * KIB,
      totalBytes: file.bytes.length,
      percent: 49,
    };
    const lastError = expect.objectContaining({ errorCode: "TRANSFER_INTERRUPTED" });
    expect((await listOf(store)).transfers).toEqual([{ ...paused, lastError }]);
    const later = openStore(folder, {});
    expect((await listOf(later)).transfers).toEqual([paused]);
  });

  test("says of what a final failure left why it stands still", async () => {
    const file = await remoteFile(40 * KIB);
    const damaged = Buffer.from(file.bytes);
    damaged.fill(0, damaged.length - 8);
    const { folder, server } = await stage({}, serve({ ...file, bytes: damaged }));
    // A trace of the job stays, so that the next save does not request another.
    const link = async () => ({ url: server.url, restoreJobId: "5fa1000000000000000000e7" });
    const store = openStore(folder, { source: { ...sourceOf(server.url), link } });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "FILE_DAMAGED" });
    expect((await listOf(store)).transfers).toEqual([
      expect.objectContaining({ state: "paused", lastError: expect.objectContaining({ errorCode: "FILE_DAMAGED" }) }),
    ]);
  });

  test("describes a running transfer with its present progress", async () => {
    const { store, save } = await stage(
      {},
      serve(await remoteFile(600 * KIB), { trickle: { bytes: 16 * KIB, ms: 20 } }),
    );
    const saving = save();
    const open = async () => (await listOf(store)).transfers[0];
    await expect.poll(async () => (await open())?.percent, { interval: 5 }).toBeGreaterThan(0);
    expect(await open()).toMatchObject({ state: "downloading", fileName: defaultName, identity });
    await saving;
  });

  describe("of a save that no call waits for", () => {
    const atOnce = () => patiently<SaveReport>({ waitMs: 0 });
    const described = (describe: SnapshotSource["describe"]) => ({ ...sourceOf(""), describe });

    test.each([
      ["an existing folder", ""],
      ["a folder that does not exist yet", "new"],
    ])("shows it while its snapshot is still looked up, in %s", async (_, name) => {
      const { opened, open } = gate();
      const folder = join(await temporaryFolder(), name);
      const { opened: linked, open: openLink } = gate();
      onTestFinished(openLink); // Before the folder is removed.
      const link = () => linked.then(() => ({ url: "" }));
      const store = openStore(folder, { source: { ...described(() => opened.then(() => facts)), link } });
      const saving = store.save(identity, atOnce());
      expect((await listOf(store)).transfers).toEqual([{ state: "requesting", bytes: 0, identity }]);
      expect(await saving).toMatchObject({ state: "requesting", bytes: 0 });
      expect((await listOf(store)).transfers).toEqual([{ state: "requesting", bytes: 0, identity }]);
      open();
      await expect.poll(async () => (await listOf(store)).transfers[0]?.fileName).toBe(defaultName);
    });

    test("shows the name that the user chose from the start", async () => {
      const source = described(() => gate().opened.then(() => facts));
      const store = openStore(await temporaryFolder(), { source, filePrefix: "simulated-" });
      await store.save({ ...identity, fileName: "mine.tgz" }, atOnce());
      const named = { state: "requesting", bytes: 0, identity, fileName: "simulated-mine.tgz" };
      await expect.poll(async () => (await listOf(store)).transfers).toEqual([named]);
    });

    test("shows one that waits behind two others as queued", async () => {
      const { opened, open } = gate();
      let atWork = 0;
      const link = () => {
        atWork += 1;
        return opened.then(() => ({ url: "" }));
      };
      const store = openStore(await temporaryFolder(), { source: { ...sourceOf(""), link } });
      onTestFinished(open); // Before the folder is removed, whose parts stay open until then.
      for (const count of [1, 2, 3]) {
        await store.save({ ...identity, snapshotId: identity.snapshotId.slice(0, -1) + count }, atOnce());
        await expect.poll(() => atWork).toBe(Math.min(count, 2));
      }
      await expect.poll(() => statesOf(store)).toEqual(["requesting", "requesting", "queued"]);
    });

    test("shows one that failed until a call has heard of it", async () => {
      const failure = ownFailure("SNAPSHOT_NOT_COMPLETE");
      const { opened, open } = gate();
      const source = described(() => opened.then(() => Promise.reject(failure)));
      const store = openStore(await temporaryFolder(), { source });
      await store.save(identity, atOnce());
      open();
      const failed = { state: "paused", bytes: 0, identity, lastError: failure.envelope };
      await expect.poll(async () => (await listOf(store)).transfers).toEqual([failed]);
      await expect(saveTo(store)).rejects.toBe(failure);
      expect((await listOf(store)).transfers).toEqual([]);
    });

    test("shows the part on disk that it is about to continue, once", async () => {
      const file = await remoteFile(200 * KIB);
      const { folder, save } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
      await save();
      const { opened } = gate();
      const store = openStore(folder, { source: { ...sourceOf(""), link: () => opened.then(() => ({ url: "" })) } });
      const saving = store.save(identity, atOnce());
      const part = {
        fileName: defaultName,
        identity,
        facts,
        bytes: 100 * KIB,
        totalBytes: file.bytes.length,
        percent: 49,
      };
      expect((await listOf(store)).transfers).toEqual([{ state: "requesting", ...part }]);
      await saving;
    });

    test("does not show it beside the finished file that it is about to find", async () => {
      const { folder } = await savedStage();
      const store = openStore(folder, {});
      const saving = store.save(identity, patiently());
      expect((await listOf(store)).transfers).toEqual([]);
      expect(await saving).toMatchObject({ state: "complete" });
    });
  });

  test("skips foreign files and never fails on them", async () => {
    const folder = await temporaryFolder();
    const put = (name: string, content = "x") => writeFile(join(folder, name), content);
    await put("foreign.tgz");
    await put("damaged.tgz");
    await put("damaged.tgz.json", "{not json");
    await put("lonely.tgz.json", JSON.stringify({ v: 1, identity }));
    await put("garbage.tgz.part.json", "\0\0");
    await put("evil\u202e.tgz");
    await put("notes.txt");
    await mkdir(join(folder, "folder.tgz"));
    if (!lacks("links")) await symlink("/etc/hosts", join(folder, "link.tgz"));
    const { files, transfers } = await listOf(openStore(folder, {}));
    expect(files.map(({ fileName, state }) => `${fileName} ${state}`).sort()).toEqual([
      "damaged.tgz unrecorded",
      "foreign.tgz unrecorded",
    ]);
    expect(transfers).toEqual([]);
  });

  test("counts a file as changed when it no longer has the size it was saved with", async () => {
    const { folder, store, save } = await stage({}, serve(await remoteFile(40 * KIB)));
    await save();
    await writeFile(join(folder, defaultName), "something else");
    expect((await listOf(store)).files).toMatchObject([{ fileName: defaultName, state: "changed", identity }]);
    await expect(save()).rejects.toMatchObject({ code: "FILE_EXISTS" });
  });

  test("holds only the newest files if there are too many, and says so", async () => {
    const folder = await temporaryFolder();
    for (const day of [1, 2, 3, 4]) {
      await writeFile(join(folder, `day-${day}.tgz`), "x");
      await utimes(join(folder, `day-${day}.tgz`), day * 86_400, day * 86_400);
    }
    const { files, truncated } = await listOf(openStore(folder, { limits: { maxListed: 2 } }));
    expect(files.map(({ fileName }) => fileName)).toEqual(["day-4.tgz", "day-3.tgz"]);
    expect(truncated).toBe(true);
  });
});

/** A forged record with these changes, and what is read from it. */
async function forged(changes: Record<string, unknown>) {
  const folder = await temporaryFolder();
  const path = join(folder, defaultName);
  await writeFile(path, "xx");
  const { mtimeMs } = await stat(path);
  const json = {
    v: 1,
    ...identity,
    bytes: 2,
    mtimeMs,
    sha256: "0".repeat(64),
    integrity: { gzip: "ok", length: "ok", md5: "ok" },
    contents: { kind: "data-directory", unpackedBytes: 1, folderDepth: 1 },
    savedAt: "2026-11-22T04:00:00.000Z",
    ...changes,
  };
  await writeFile(`${path}.json`, JSON.stringify(json));
  return { folder, record: await readRecord(await createDownloadDirectory(folder), defaultName) };
}

const ESCAPES = "\u001b[31mred\u202e and \u{e0041}back\nwards";

describe("of a forged record", () => {
  test("notes are cleaned, cut and quoted", async () => {
    const notes = [ESCAPES, "x".repeat(1_000)];
    const { record } = await forged({ integrity: { gzip: "ok", length: "ok", md5: "ok", notes } });
    expect(record?.integrity.notes?.[0]).toBe('The record says: "red and back wards"');
    expect(record?.integrity.notes?.[1]).toMatch(/^The record says: "x{511}…"$/);
  });

  test.each([
    ["no time of its file", { mtimeMs: undefined }],
    ["an invalid time of saving", { savedAt: ESCAPES }],
    ["an impossible folder depth", { contents: { kind: "data-directory", unpackedBytes: 1, folderDepth: 1e15 } }],
    [
      "a word as a storage option",
      { contents: { kind: "data-directory", unpackedBytes: 1, directoryPerDB: "--fork" } },
    ],
    ["too many notes", { integrity: { gzip: "ok", length: "ok", md5: "ok", notes: Array(33).fill("x") } }],
    ["an impossible count", { contents: { kind: "data-directory", unpackedBytes: 1e300 } }],
  ])("with %s nothing is used", async (_what, changes) => {
    const { folder, record } = await forged(changes);
    expect(record).toBeUndefined();
    const { files } = await listOf(openStore(folder, {}));
    expect(files).toMatchObject([{ state: "unrecorded" }]);
  });
});

describe("verifying a file", () => {
  test("finds it unchanged and says how to restore it", async () => {
    const { store, file } = await savedStage();
    const report = await store.verify(defaultName, patiently());
    expect(report).toMatchObject({
      state: "complete",
      bytes: file.bytes.length,
      checkedBytes: file.bytes.length,
      sha256: sha256(file.bytes),
      integrity: { gzip: "ok", length: "ok", recordedSha256: "ok" },
      contents: { kind: "data-directory" },
      restore: { kind: "data-directory", commands: expect.arrayContaining([expect.stringContaining("mongod")]) },
    });
  });

  test("finds changed bytes and does not say how to restore them", async () => {
    const { store, path } = await savedStage();
    const other = await remoteFile(60 * KIB, 2);
    await writeFile(path, other.bytes);
    const report = await store.verify(defaultName, patiently());
    expect(report).toMatchObject({ state: "complete", integrity: { gzip: "ok", recordedSha256: "wrong" } });
    expect(report.contents).toMatchObject({ kind: "data-directory" });
    expect(report).not.toHaveProperty("restore");
  });

  test("finds that a file has no record", async () => {
    const { store, folder } = await savedStage();
    await writeFile(join(folder, "foreign.tgz"), "no archive");
    expect(await store.verify("foreign.tgz", patiently())).toMatchObject({
      integrity: { gzip: "damaged", length: "unknown", recordedSha256: "unrecorded" },
    });
  });

  test("continues when its call is cancelled, and the next call gets the result", async () => {
    const { store } = await savedStage({ checkWorker: await slowWorker() });
    const call = new AbortController();
    const cancelled = store.verify(defaultName, patiently({ signal: call.signal }));
    const early = await store.verify(defaultName, patiently({ waitMs: 0 }));
    expect(early).toMatchObject({ state: "verifying" });
    call.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    expect(await store.verify(defaultName, patiently())).toMatchObject({ state: "complete" });
  });

  test.each(["absent.tgz", "../x.tgz", "x.tgz.part", "/etc/passwd", ""])("does not reach %j", async (name) => {
    const { store, folder } = await savedStage();
    await writeFile(join(folder, "x.tgz.part"), "x");
    await expect(store.verify(name, patiently())).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });

  test("says that the transfer of a part has not ended", async () => {
    const cut = serve(await remoteFile(300 * KIB), { after: 100 * KIB });
    const { save, store } = await stage({}, cut, respond("503 Slow Down"));
    expect(await save()).toMatchObject({ state: "paused" });
    await expect(store.verify(defaultName, patiently())).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
      envelope: { detail: "Only a part of this file is here: its transfer has not ended." },
    });
  });

  test("is stopped when the store closes", async () => {
    const { store } = await savedStage({ checkWorker: await slowWorker() });
    const running = store.verify(defaultName, patiently());
    const ended = expect(running).rejects.toMatchObject({ name: "AbortError" });
    await store.verify(defaultName, patiently({ waitMs: 0 }));
    await store.close();
    await ended;
  });
});

test("a file that was removed by hand is saved again", async () => {
  const { folder, store, save, server } = await stage({}, serve(await remoteFile(40 * KIB)));
  await save();
  await rm(join(folder, defaultName));
  expect((await listOf(store)).files).toEqual([]);
  expect(await saveTo(store)).toMatchObject({ state: "complete" });
  expect(server.requests).toHaveLength(2);
});
