import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { acquireLock, isLocked, type Lock, type LockOwner, newOwner } from "../../src/download/folder/lock.ts";
import { clock, namesIn, temporaryFolder } from "./fixtures.ts";

const options = { clock, limits: { lockBeatMs: 10, lockSilentMs: 1_000 } };
const isLinux = process.platform === "linux";

async function take(path: string): Promise<Lock | undefined> {
  const lock = await acquireLock(path, options);
  if (lock) onTestFinished(lock.release);
  return lock;
}

async function heldBy(changes: Partial<LockOwner>, ageMs = 0): Promise<string> {
  const path = join(await temporaryFolder(), "x.lock");
  await writeFile(path, JSON.stringify({ ...(await newOwner()), ...changes }));
  const then = (Date.now() - ageMs) / 1_000;
  await utimes(path, then, then);
  return path;
}

test("a lock has one holder at a time, and its name is free again after release", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "x.lock");
  const first = await take(path);
  expect(await isLocked(path, options)).toBe(true);
  expect(await take(path)).toBeUndefined();
  await first?.release();
  expect(await namesIn(folder)).toEqual([]);
  expect(await isLocked(path, options)).toBe(false);
  expect(await take(path)).toMatchObject({ lost: { aborted: false } });
});

describe("a lock is respected", () => {
  test("of a living process, however long it was silent", async () => {
    expect(await take(await heldBy({}, 3_600_000))).toBeUndefined();
  });

  test("of another container or computer that recently gave a sign of life", async () => {
    expect(await take(await heldBy({ space: "elsewhere" }))).toBeUndefined();
  });

  test("that was just created and is still empty", async () => {
    const path = join(await temporaryFolder(), "x.lock");
    await writeFile(path, "");
    expect(await take(path)).toBeUndefined();
  });
});

describe("a lock is taken over", () => {
  test("of a process that is gone", async () => {
    const lock = await take(await heldBy({ pid: 2 ** 30 }));
    expect(lock).toMatchObject({ lost: { aborted: false } });
  });

  test.runIf(isLinux)("of a process whose pid belongs to another process now", async () => {
    expect(await take(await heldBy({ started: "1" }))).toMatchObject({ lost: { aborted: false } });
  });

  test("of another container or computer that fell silent", async () => {
    expect(await take(await heldBy({ space: "elsewhere" }, 5_000))).toMatchObject({ lost: { aborted: false } });
  });

  test("that a crash left empty", async () => {
    const path = join(await temporaryFolder(), "x.lock");
    await writeFile(path, "");
    const then = Date.now() / 1_000 - 10;
    await utimes(path, then, then);
    expect(await take(path)).toMatchObject({ lost: { aborted: false } });
  });

  test("by only one of many processes, even if a crash interrupted an earlier takeover", async () => {
    const path = await heldBy({ pid: 2 ** 30, token: "0123abcd" });
    await writeFile(`${path}.0123abcd`, JSON.stringify({ ...(await newOwner()), pid: 2 ** 30 }));
    const taken = await Promise.all(Array.from({ length: 20 }, () => take(path)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await namesIn(join(path, ".."))).toEqual(["x.lock"]);
  });
});

test("a holder that slept too long learns that it lost the lock and does not remove the new lock", async () => {
  const path = join(await temporaryFolder(), "x.lock");
  const lock = await take(path);
  const newer = JSON.stringify({ ...(await newOwner()), token: "ffffffff" });
  await writeFile(path, newer);
  await expect.poll(() => lock?.lost.aborted).toBe(true);
  await lock?.release();
  expect(await readFile(path, "utf8")).toBe(newer);
});

test("a holder that cannot read its lock for a moment keeps it", async () => {
  const path = join(await temporaryFolder(), "x.lock");
  const lock = await take(path);
  await writeFile(path, "");
  await utimes(path, 1, 1);
  await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  expect(lock?.lost.aborted).toBe(false);
});

test("a held lock keeps giving signs of life", async () => {
  const path = join(await temporaryFolder(), "x.lock");
  await take(path);
  await utimes(path, 1, 1);
  await expect.poll(async () => (await stat(path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
});
