import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createDownloadDirectory } from "../../src/download/folder/directory.ts";
import { acquireLock, type LockOwner, newOwner } from "../../src/download/folder/lock.ts";
import { serve } from "./fault-server.ts";
import { withCoarseTimes, withoutCase, withoutProc } from "./file-calls.ts";
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
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  stage,
  temporaryFolder,
} from "./fixtures.ts";

const other = { ...identity, snapshotId: "5fa1000000000000000000c7" };

describe("where two names that differ in case are one file, as on macOS,", () => {
  test("a snapshot is not saved over another one whose name differs in case", async () => {
    const file = await remoteFile(60 * KIB);
    const { folder, store, save } = await stage({}, serve(file));
    await withoutCase(folder);
    expect(await save("Mine.tgz")).toMatchObject({ state: "complete" });
    const second = store.save({ ...other, fileName: "mine.TGZ" }, patiently());
    await expect(second).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await hashOf(folder, "Mine.tgz")).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual(["Mine.tgz", "Mine.tgz.json"]);
    expect(await listOf(store)).toMatchObject({ files: [{ fileName: "Mine.tgz", state: "complete" }], transfers: [] });
  });

  test("a snapshot is not saved into the part of another one whose name differs in case", async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, store, server, save } = await stage(
      {},
      serve(file, { after: 100 * KIB }),
      serve(file, { after: 0 }),
    );
    await withoutCase(folder);
    expect(await save("Mine.tgz")).toMatchObject({ state: "paused" });
    server.script(serve(file));
    const second = store.save({ ...other, fileName: "mine.tgz" }, patiently());
    await expect(second).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(await save("mine.tgz")).toMatchObject({ state: "complete", resumedFromBytes: 100 * KIB });
    expect(await namesIn(folder)).toEqual(["mine.tgz", "mine.tgz.json"]);
    expect(await hashOf(folder, "mine.tgz")).toBe(sha256(file.bytes));
  });

  test("of two saves at the same time under names that differ in case one gets the name", async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, source } = await stage({}, serve(file, { trickle: { bytes: 50 * KIB, ms: 10 } }));
    await withoutCase(folder);
    const orders = [
      { ...identity, fileName: "Mine.tgz" },
      { ...other, fileName: "mine.tgz" },
    ];
    const ends = await Promise.allSettled(
      orders.map((order) => openStore(folder, { source }).save(order, patiently())),
    );
    expect(ends.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(ends).toContainEqual(expect.objectContaining({ reason: expect.objectContaining({ code: "FILE_EXISTS" }) }));
    const [name = "", record] = await namesIn(folder);
    expect(record).toBe(`${name}.json`);
    expect(await hashOf(folder, name)).toBe(sha256(file.bytes));
  });
});

describe.each([1_000, 2_000])("where times of files have steps of %i ms,", (stepMs) => {
  test("a saved file is known again, a part goes on, and both are listed", async () => {
    const file = await remoteFile(200 * KIB);
    await withCoarseTimes(stepMs);
    const { folder, server, source, save } = await stage(
      {},
      serve(file, { after: 100 * KIB }),
      serve(file, { after: 0 }),
    );
    expect(await save()).toMatchObject({ state: "paused" });
    server.script(serve(file));
    const later = openStore(folder, { source });
    expect(await listOf(later)).toMatchObject({ transfers: [{ bytes: 100 * KIB }] });
    expect(await saveTo(later)).toMatchObject({ state: "complete", resumedFromBytes: 100 * KIB });
    const requests = server.requests.length;
    const next = openStore(folder, { source });
    expect(await listOf(next)).toMatchObject({ files: [{ state: "complete", sha256: sha256(file.bytes) }] });
    expect(await saveTo(next)).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
    expect(server.requests).toHaveLength(requests);
  });

  test("a file whose time lost its fraction when the disk was taken out and put in again is known", async () => {
    const file = await remoteFile(60 * KIB);
    const { folder, server, source, save } = await stage({}, serve(file));
    expect(await save()).toMatchObject({ state: "complete" });
    await withCoarseTimes(stepMs);
    expect(await listOf(openStore(folder, { source }))).toMatchObject({ files: [{ state: "complete" }] });
    expect(await saveTo(openStore(folder, { source }))).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(1);
  });
});

describe("without /proc, as on macOS,", () => {
  const limits = { lockBeatMs: 10, lockSilentMs: 60_000 };

  /** Who gets a lock that has this owner and whose last sign of life is so old: this process, or undefined. */
  async function lockOf(changes: Partial<LockOwner>, ageMs = 0) {
    await withoutProc();
    const folder = await createDownloadDirectory(await temporaryFolder());
    await writeFile(folder.at("x.lock"), JSON.stringify({ ...(await newOwner()), ...changes }));
    const then = (Date.now() - ageMs) / 1_000;
    await utimes(folder.at("x.lock"), then, then);
    const lock = await acquireLock("x.lock", { folder, clock, limits });
    await lock?.release();
    return lock?.owner.pid;
  }

  test("an owner of a lock has no start and is known by its number and its computer", async () => {
    await withoutProc();
    expect(Object.keys(await newOwner())).toEqual(["pid", "space", "token"]);
  });

  test("a lock with this process's number that this process does not hold is taken over at once", async () => {
    expect(await lockOf({})).toBe(process.pid);
  });

  test("a lock of a process that has ended is taken over at once", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    expect(await lockOf({ pid: child.pid ?? 0 })).toBe(process.pid);
  });

  test("a lock of a living process is respected until it falls silent, since another process may have its number", async () => {
    expect(await lockOf({ pid: process.ppid })).toBeUndefined();
    expect(await lockOf({ pid: process.ppid }, 120_000)).toBe(process.pid);
  });

  test("a save that was paused goes on where it was, in the same part", async () => {
    await withoutProc();
    const file = await remoteFile(200 * KIB);
    const { folder, server, save } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    expect(await save()).toMatchObject({ state: "paused" });
    server.script(serve(file));
    expect(await saveTo(openStore(folder, { source: sourceOf(server.url) }))).toMatchObject({
      state: "complete",
      resumedFromBytes: 100 * KIB,
    });
    expect(sha256(await readFile(join(folder, defaultName)))).toBe(sha256(file.bytes));
  });
});
