import { readFile, rename, utimes, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { createCheckedFiles } from "../../src/download/folder/saved-files.ts";
import { startArchiveCheck } from "../../src/download/integrity/archive-check.ts";
import { createVerifications } from "../../src/download/verify.ts";
import {
  clock,
  defaultName,
  hashOf,
  identity,
  KIB,
  listOf,
  namesIn,
  openStore,
  patiently,
  readJsonFile,
  remoteFile,
  savedStage,
  saveTo,
  sha256,
  slowWorker,
  sourceOf,
  temporaryFolder,
  worker,
} from "./fixtures.ts";

/** Changes bytes but not the length; `mtime` becomes the time of the last write. */
async function spoil(path: string, mtime: Date | undefined): Promise<void> {
  const bytes = await readFile(path);
  bytes.fill(0, 1_000, 30_000);
  await writeFile(path, bytes);
  if (mtime) await utimes(path, mtime, mtime);
}

/** The checks of a folder, and how many threads ran at the same time. */
function checksOf(folder: string, file = worker) {
  const started: string[] = [];
  let running = 0;
  let most = 0;
  const { verify, stop } = createVerifications({
    folder,
    startCheck: (path) => {
      started.push(basename(path));
      running += 1;
      most = Math.max(most, running);
      const check = startArchiveCheck({ path, worker: file });
      return {
        ...check,
        stop: async () => {
          await check.stop();
          running -= 1;
        },
      };
    },
    clock,
    checkedFiles: createCheckedFiles(),
    limits: { progressEveryMs: 10, quietMs: 20, concurrentChecks: 2 },
  });
  return { verify, stop, started: () => started, running: () => running, most: () => most };
}

/** A worker whose check never ends by itself. */
async function endlessWorker(): Promise<URL> {
  const path = join(await temporaryFolder(), "endless-worker.mjs");
  await writeFile(
    path,
    'import { parentPort } from "node:worker_threads"; parentPort.on("message", ({ type }) => type === "stop" && process.exit());',
  );
  return pathToFileURL(path);
}

const later = () => new Date(Date.now() + 60_000);

describe("a saved file that was changed without changing its size", () => {
  test("does not count as the snapshot, which can be saved again under another name", async () => {
    const { path, save, file, folder, server } = await savedStage();
    await spoil(path, later());
    const detail = expect.stringContaining("changed or damaged since it was saved");
    await expect(save()).rejects.toMatchObject({ code: "FILE_EXISTS", envelope: { detail } });
    const next = openStore(folder, { source: sourceOf(server.url) });
    await expect(saveTo(next)).rejects.toMatchObject({ code: "FILE_EXISTS", envelope: { detail } });
    expect(await saveTo(next, "again")).toMatchObject({ state: "complete", fileName: "again.tgz" });
    expect(await hashOf(folder, "again.tgz")).toBe(sha256(file.bytes));
    expect(await save()).toMatchObject({ state: "complete", fileName: "again.tgz" });
  });

  test("and given its old time back counts as damaged once it was verified", async () => {
    const { path, store, folder, server } = await savedStage();
    await spoil(path, undefined);
    const { mtimeMs } = await readJsonFile(folder, `${defaultName}.json`);
    await utimes(path, Number(mtimeMs) / 1_000, Number(mtimeMs) / 1_000);
    expect(await store.verify(defaultName, patiently())).toMatchObject({
      integrity: {
        gzip: "damaged",
        recordedSha256: "wrong",
        notes: expect.arrayContaining([expect.stringContaining("changed since")]),
      },
    });
    expect((await listOf(store)).files).toMatchObject([{ state: "changed", identity }]);
    const next = openStore(folder, { source: sourceOf(server.url) });
    await expect(saveTo(next)).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await saveTo(next, "again")).toMatchObject({ state: "complete", fileName: "again.tgz" });
  });

  test("counts as saved again when its bytes are restored and verified", async () => {
    const { path, save, store } = await savedStage();
    const bytes = await readFile(path);
    await spoil(path, later());
    await writeFile(path, bytes);
    expect(await store.verify(defaultName, patiently())).toMatchObject({ integrity: { recordedSha256: "ok" } });
    expect((await listOf(store)).files).toMatchObject([{ state: "complete" }]);
    expect(await save()).toMatchObject({ state: "complete", fileName: defaultName });
  });

  test("is checked anew although an earlier check found it sound", async () => {
    const { path, folder } = await savedStage();
    const { verify } = checksOf(folder);
    await expect.poll(async () => (await verify(defaultName, patiently({ waitMs: 0 }))).state).toBe("complete");
    await spoil(path, undefined);
    const report = await verify(defaultName, patiently());
    expect(report.integrity).toMatchObject({ recordedSha256: "wrong" });
  });

  test("during its check gets no result", async () => {
    const { path, folder, server } = await savedStage();
    const store = openStore(folder, { source: sourceOf(server.url), checkWorker: await slowWorker() });
    const checked = store.verify(defaultName, patiently());
    const refused = expect(checked).rejects.toMatchObject({ code: "DISK_FAILED" });
    await store.verify(defaultName, patiently({ waitMs: 20 }));
    await utimes(path, later(), later());
    await refused;
  });
});

describe("a saved file whose time alone changed", () => {
  const copied: [how: string, at: (ms: number) => number][] = [
    ["copied", (ms) => ms + 3_600_000],
    ["written to a moment later", (ms) => ms + 1.5],
  ];
  test.each(copied)("because it was %s is read once, found sound and then trusted", async (_how, at) => {
    const { path, folder, server } = await savedStage();
    const { mtimeMs } = await readJsonFile(folder, `${defaultName}.json`);
    const time = at(Number(mtimeMs)) / 1_000;
    await utimes(path, time, time);
    const next = openStore(folder, { source: sourceOf(server.url) });
    expect((await listOf(next)).files).toMatchObject([{ state: "changed" }]);
    expect(await saveTo(next)).toMatchObject({ state: "complete", fileName: defaultName });
    expect(server.requests).toHaveLength(1);
    const last = openStore(folder, { checkWorker: new URL("file:///none.js") });
    expect(await saveTo(last)).toMatchObject({ state: "complete", fileName: defaultName });
  });

  test("by less than a file system's coarse steps is not even read", async () => {
    const { path, folder } = await savedStage();
    const { mtimeMs } = await readJsonFile(folder, `${defaultName}.json`);
    const time = Math.round(Number(mtimeMs) / 1_000);
    await utimes(path, time, time);
    const next = openStore(folder, { checkWorker: new URL("file:///none.js") });
    expect(await saveTo(next)).toMatchObject({ state: "complete", fileName: defaultName });
  });

  test("is reported as verifying during the check", async () => {
    const { path, folder } = await savedStage();
    await utimes(path, later(), later());
    const next = openStore(folder, { checkWorker: await slowWorker() });
    const early = () => next.save(identity, patiently({ waitMs: 0 }));
    await expect.poll(early, { interval: 5 }).toMatchObject({ state: "verifying", fileName: defaultName });
    expect(await saveTo(next)).toMatchObject({ state: "complete" });
  });
});

test("a file that was only renamed is still the snapshot", async () => {
  const { path, folder, save, store } = await savedStage();
  await rename(path, join(folder, "moved.tgz"));
  await rename(`${path}.json`, join(folder, "moved.tgz.json"));
  expect(await save()).toMatchObject({ state: "complete", fileName: "moved.tgz" });
  expect((await listOf(store)).files).toMatchObject([{ state: "complete" }]);
});

test("two files are checked at the same time, the others wait for their turn", async () => {
  const folder = await temporaryFolder();
  const { bytes } = await remoteFile(20 * KIB);
  const names = ["a.tgz", "b.tgz", "c.tgz", "d.tgz", "e.tgz"];
  for (const name of names) await writeFile(join(folder, name), bytes);
  const { verify, most } = checksOf(folder);
  const reports = await Promise.all(names.map((name) => verify(name, patiently())));
  expect(reports.map(({ sha256: hash }) => hash)).toEqual(names.map(() => sha256(bytes)));
  expect(most()).toBe(2);
  expect(await namesIn(folder)).toEqual(names);
});

describe("with as many checks running as may run at the same time,", () => {
  async function twoRunning() {
    const { folder, path } = await savedStage();
    const names = ["a.tgz", "b.tgz", "c.tgz"];
    for (const name of names) await writeFile(join(folder, name), await readFile(path));
    const checks = checksOf(folder, await endlessWorker());
    const calls = names.slice(0, 2).map((name) => {
      const call = new AbortController();
      return { call, checked: checks.verify(name, patiently({ signal: call.signal })) };
    });
    await expect.poll(checks.running).toBe(2);
    return { ...checks, calls };
  }

  test("one whose last call was cancelled gives way to another", async () => {
    const { verify, started, calls, stop } = await twoRunning();
    const [first, second] = calls;
    first?.call.abort();
    await expect(first?.checked).rejects.toMatchObject({ name: "AbortError" });
    void verify("c.tgz", patiently()).catch(() => undefined);
    await expect.poll(started).toContain("c.tgz");
    const ended = expect(second?.checked).rejects.toMatchObject({ name: "AbortError" });
    await Promise.all(stop());
    await ended;
  });

  test("a check that a call waits for, or will ask about again, keeps its place", async () => {
    const { verify, started, running, calls, stop } = await twoRunning();
    const again = verify("a.tgz", patiently({ waitMs: 0 }));
    calls[0]?.call.abort();
    await expect(calls[0]?.checked).rejects.toMatchObject({ name: "AbortError" });
    expect(await again).toMatchObject({ state: "verifying" });
    await verify("a.tgz", patiently({ waitMs: 0 }));
    expect(await verify("c.tgz", patiently({ waitMs: 50 }))).toMatchObject({ state: "verifying" });
    expect(started()).not.toContain("c.tgz");
    expect(running()).toBe(2);
    const ended = expect(calls[1]?.checked).rejects.toMatchObject({ name: "AbortError" });
    await Promise.all(stop());
    await ended;
  });
});

test("closing the store ends checks that still wait for their turn", async () => {
  const { store, folder, path } = await savedStage();
  await store.close();
  const slow = openStore(folder, { checkWorker: await slowWorker() });
  for (const name of ["a.tgz", "b.tgz", "c.tgz"]) await writeFile(join(folder, name), await readFile(path));
  const checks = ["a.tgz", "b.tgz", "c.tgz"].map((name) => slow.verify(name, patiently()));
  const ended = Promise.all(checks.map((check) => expect(check).rejects.toMatchObject({ name: "AbortError" })));
  await slow.verify("c.tgz", patiently({ waitMs: 0 }));
  await slow.close();
  await ended;
});
