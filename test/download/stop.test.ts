import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { SaveReport, StopOptions, StoreEvent } from "../../src/download/contract.ts";
import { serve } from "./fault-server.ts";
import {
  defaultName,
  gate,
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
  sha256,
  sourceOf,
  stage,
} from "./fixtures.ts";

const slow = { trickle: { bytes: 32 * KIB, ms: 20 } };
const part = `${defaultName}.part`;
const { snapshotId } = identity;

const how = (changes: Partial<StopOptions> = {}): StopOptions => ({
  discard: false,
  check: () => undefined,
  signal: new AbortController().signal,
  ...changes,
});

/** A save that runs, with some bytes on the disk. */
async function running(options: Parameters<typeof stage>[0] = {}) {
  const file = await remoteFile(1500 * KIB);
  const staged = await stage(options, serve(file, slow), serve(file));
  const saving = staged.save();
  saving.catch(() => undefined);
  await expect
    .poll(async () => (await stat(join(staged.folder, part)).catch(() => undefined))?.size ?? 0, { timeout: 5_000 })
    .toBeGreaterThan(128 * KIB);
  return { ...staged, file, saving };
}

/** A store whose file host answers only after `open`. */
async function held() {
  const { opened, open } = gate();
  const file = await remoteFile(100 * KIB);
  const { store } = await stage({}, async (request, socket) => {
    await opened;
    await serve(file)(request, socket);
  });
  return { store, open };
}

describe("a save that is stopped", () => {
  test("ends for every call that waits, keeps its part and says why it stands still", async () => {
    const { store, saving, server, folder } = await running();
    const stopped = await store.stop(snapshotId, how());
    expect(stopped).toMatchObject({ state: "stopped", identity, bytes: expect.any(Number) });
    expect(stopped.bytes).toBeGreaterThan(0);
    expect(await saving).toMatchObject({ state: "paused", lastError: { errorCode: "TRANSFER_STOPPED" } });
    await expect.poll(server.connections).toBe(0);
    expect((await readJsonFile(folder, `${part}.json`)).committedBytes).toBe(stopped.bytes);
    expect((await listOf(store)).transfers).toMatchObject([
      { state: "paused", bytes: stopped.bytes, lastError: { errorCode: "TRANSFER_STOPPED" } },
    ]);
  });

  test("is continued by the next save", async () => {
    const { store, save, server, folder, file } = await running();
    await store.stop(snapshotId, how());
    expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: expect.any(Number) });
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("and discarded leaves nothing, and the next save begins with the first byte", async () => {
    const { store, save, server, folder } = await running();
    expect(await store.stop(snapshotId, how({ discard: true }))).toEqual({ state: "discarded", bytes: 0, identity });
    expect(await namesIn(folder)).toEqual([]);
    expect((await listOf(store)).transfers).toEqual([]);
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests[1]?.headers).not.toHaveProperty("range");
  });
});

describe("stopping what does not run", () => {
  test("is an answer, with the bytes of the part", async () => {
    const { store, folder } = await running();
    await store.stop(snapshotId, how());
    const other = openStore(folder, {});
    expect(await other.stop(snapshotId, how())).toMatchObject({ state: "not-running", bytes: expect.any(Number) });
    expect(await other.stop(snapshotId, how({ discard: true }))).toMatchObject({ state: "discarded" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("is an answer when nothing is known of the snapshot, not even a folder", async () => {
    const { store, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
    expect(await store.stop(snapshotId, how({ discard: true }))).toEqual({ state: "not-running", bytes: 0 });
    expect(await openStore(join(folder, "none"), {}).stop(snapshotId, how())).toMatchObject({ state: "not-running" });
  });

  test("never touches a finished file", async () => {
    const { store, folder } = await savedStage();
    const before = await namesIn(folder);
    expect(await store.stop(snapshotId, how({ discard: true }))).toEqual({
      state: "not-running",
      bytes: 0,
      identity,
      savedAs: defaultName,
    });
    expect(await namesIn(folder)).toEqual(before);
  });

  test("does not touch a part that another process saves", async () => {
    const { folder, saving } = await running();
    const other = openStore(folder, {});
    for (const discard of [false, true])
      await expect(other.stop(snapshotId, how({ discard }))).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    expect(await saving).toMatchObject({ state: "complete" });
  });

  test("asks about the project first, for a save that runs and for a part on disk", async () => {
    const { store, folder, saving } = await running();
    const check = () => {
      throw ownFailure("PROJECT_NOT_ALLOWED");
    };
    const refused = { code: "PROJECT_NOT_ALLOWED" };
    await expect(store.stop(snapshotId, how({ check }))).rejects.toMatchObject(refused);
    await expect(openStore(folder, {}).stop(snapshotId, how({ check, discard: true }))).rejects.toMatchObject(refused);
    expect(await saving).toMatchObject({ state: "complete" });
  });
});

describe("a save whose last call is cancelled", () => {
  async function cancelled(outlivesCalls: boolean) {
    const events: StoreEvent[] = [];
    const file = await remoteFile(600 * KIB);
    const staged = await stage({ outlivesCalls, log: (event) => void events.push(event) }, serve(file, slow));
    const call = new AbortController();
    const first = staged.store.save(identity, patiently({ signal: call.signal }));
    await expect.poll(() => staged.server.requests.length, { timeout: 5_000 }).toBe(1);
    call.abort();
    await expect(first).rejects.toMatchObject({ name: "AbortError" });
    return { ...staged, events };
  }

  test("goes on where it can be stopped, and the log says so", async () => {
    const { folder, events, server } = await cancelled(true);
    await expect.poll(() => namesIn(folder), { timeout: 10_000 }).toEqual([defaultName, `${defaultName}.json`]);
    expect(server.requests).toHaveLength(1);
    expect(events).toContainEqual(expect.objectContaining({ event: "call-ended", snapshotId }));
  });

  test("stops where it cannot be stopped in another way, and says why", async () => {
    const { store } = await cancelled(false);
    await expect
      .poll(async () => (await listOf(store)).transfers[0], { timeout: 5_000 })
      .toMatchObject({ state: "paused", lastError: { errorCode: "CALL_CANCELLED", retryable: true } });
  });
});

test("while bytes arrive, the log tells how far a transfer is, and at the end how fast it was", async () => {
  const events: StoreEvent[] = [];
  const file = await remoteFile(1500 * KIB);
  const { save } = await stage({ log: (event) => void events.push(event) }, serve(file, slow));
  await save();
  // The first lines may come before the answer of the file host, which says how much is to come.
  const lines = events.filter(({ event, percent }) => event === "transferring" && percent !== undefined);
  expect(lines.length).toBeGreaterThan(1);
  const totalBytes = file.bytes.length;
  for (const { bytes = 0, percent } of lines) expect(percent).toBe(Math.floor((bytes * 100) / totalBytes));
  const last = events.at(-1);
  expect(last).toMatchObject({ event: "file-saved", bytes: totalBytes, seconds: expect.any(Number) });
  expect(last?.bytesPerSecond).toBe(Math.round(totalBytes / (last?.seconds ?? 0)));
});

test("a call hears of its save although nothing changes, as while the file host says nothing", async () => {
  const { store } = await stage({}, serve(await remoteFile(200 * KIB), { after: 100 * KIB, end: "stall" }));
  const seen: SaveReport[] = [];
  await store.save(identity, patiently({ waitMs: 600, onProgress: (report) => void seen.push(report) }));
  const bytes = seen.map((report) => report.bytes);
  expect(bytes.length).toBeGreaterThan(new Set(bytes).size + 3);
});

test("a save that waits for its turn names the clusters that go first", async () => {
  const { store } = await held();
  const of = (id: string, name: string) => ({ ...identity, snapshotId: id, name });
  const reaches = (each: ReturnType<typeof of>, report: object) =>
    expect.poll(() => store.save(each, patiently({ waitMs: 0 })), { timeout: 5_000 }).toMatchObject(report);
  await reaches(of("5fa1000000000000000000c1", "one"), { state: "downloading" });
  await reaches(of("5fa1000000000000000000c2", "two"), { state: "downloading" });
  await reaches(of("5fa1000000000000000000c3", "three"), { state: "queued", waitsFor: ["one", "two"] });
});

test("a save is stopped although an earlier call named a wrong project", async () => {
  const { store, saving } = await running();
  // The source of this store knows every project, so the wrong one is refused by the name that is taken.
  const wrong = { ...identity, groupId: "5fa1000000000000000000b9" };
  await store.save(wrong, patiently()).catch(() => undefined);
  expect(await store.stop(snapshotId, how())).toMatchObject({ state: "stopped" });
  expect(await saving).toMatchObject({ state: "paused" });
});

test("two discards at the same time both find nothing left", async () => {
  const { store, folder } = await running();
  const both = await Promise.all([1, 2].map(() => store.stop(snapshotId, how({ discard: true }))));
  expect(both.map(({ state }) => state)).toEqual(["discarded", "not-running"]);
  expect(await namesIn(folder)).toEqual([]);
});

test("two saves that wait for their turn are listed, and go on", async () => {
  const { store, open } = await held();
  const saves = ["c1", "c2", "c3", "c4"].map((end) => ({
    ...identity,
    snapshotId: `5fa1000000000000000000${end}`,
    name: `cluster-${end}`,
  }));
  const reports = saves.map((each) => store.save(each, patiently()));
  await expect
    .poll(async () => (await listOf(store)).transfers.map(({ state }) => state).sort())
    .toEqual(["downloading", "downloading", "queued", "queued"]);
  open();
  expect((await Promise.all(reports)).map(({ state }) => state)).toEqual(Array(4).fill("complete"));
});

test("a queued save that is discarded is gone from the list, and a stop that kept nothing leaves nothing either", async () => {
  const { store } = await held();
  const of = (end: string) => ({ ...identity, snapshotId: `5fa1000000000000000000${end}` });
  for (const end of ["c1", "c2", "c3", "c4"]) await store.save(of(end), patiently({ waitMs: 0 }));
  await expect
    .poll(async () => (await listOf(store)).transfers.filter(({ state }) => state === "queued").length)
    .toBe(2);
  expect(await store.stop(of("c3").snapshotId, how({ discard: true }))).toMatchObject({ state: "discarded", bytes: 0 });
  expect(await store.stop(of("c4").snapshotId, how())).toMatchObject({ state: "stopped", bytes: 0 });
  expect((await listOf(store)).transfers.map(({ state }) => state)).not.toContain("paused");
});

test("what a save by name began can be found by the cluster, with its bytes and its project", async () => {
  const file = await remoteFile(200 * KIB);
  const { folder, store } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  await store.save({ ...identity, byName: true, projectName: "Shop\u202e" }, patiently());
  const other = openStore(folder, { source: sourceOf("") });
  const { signal } = new AbortController();
  const [found, ...others] = await other.parts(identity, signal);
  expect(others).toEqual([]);
  expect(found).toMatchObject({ identity, bytes: 100 * KIB, byName: true, facts: { projectName: "Shop" } });
  expect(Math.abs((found?.startedAt ?? 0) - Date.now())).toBeLessThan(60_000);
  expect(await other.parts({ ...identity, name: "other" }, signal)).toEqual([]);
});

test("the record keeps the project's name, and the list shows it", async () => {
  const { store } = await stage({}, serve(await remoteFile(20 * KIB)));
  const report = await store.save({ ...identity, projectName: "Shop" }, patiently());
  expect(report.facts?.projectName).toBe("Shop");
  expect((await listOf(store)).files).toMatchObject([{ facts: { projectName: "Shop" } }]);
});
