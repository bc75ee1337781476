import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createDownloadDirectory } from "../../src/download/folder/directory.ts";
import { acquireLock, isLocked, type Lock, type LockOwner, newOwner } from "../../src/download/folder/lock.ts";
import { change, refuse } from "./file-calls.ts";
import { clock, namesIn, temporaryFolder } from "./fixtures.ts";
import { identityOf } from "./lock-owners.ts";

const limits = { lockBeatMs: 10, lockSilentMs: 1_000 };

/** The name of a lock in a folder of its own. */
interface Place {
  name: string;
  path: string;
  options: Parameters<typeof acquireLock>[1];
}

async function place(): Promise<Place> {
  const folder = await createDownloadDirectory(await temporaryFolder());
  return { name: "x.lock", path: folder.at("x.lock"), options: { folder, clock, limits } };
}

async function take({ name, options }: Place): Promise<Lock | undefined> {
  const lock = await acquireLock(name, options);
  if (lock) onTestFinished(lock.release);
  return lock;
}

async function heldBy(changes: Partial<LockOwner>, ageMs = 0): Promise<Place> {
  const at = await place();
  await writeFile(at.path, JSON.stringify({ ...(await newOwner()), ...changes }));
  const then = (Date.now() - ageMs) / 1_000;
  await utimes(at.path, then, then);
  return at;
}

/** A process that has ended and that nobody collects: its parent has become a program that started no process. */
async function zombie(): Promise<number> {
  const shell = spawn("/bin/sh", ["-c", "sleep 0.3 & echo $!; exec sleep 60"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void shell.kill("SIGKILL"));
  const [line] = await once(shell.stdout, "data");
  const pid = Number(String(line));
  await expect.poll(() => readFile(`/proc/${pid}/stat`, "utf8")).toContain(") Z ");
  return pid;
}

test("a lock has one holder at a time, and its name is free again after release", async () => {
  const at = await place();
  const first = await take(at);
  expect(await isLocked(at.name, at.options)).toBe(true);
  expect(await take(at)).toBeUndefined();
  await first?.release();
  expect(await namesIn(join(at.path, ".."))).toEqual([]);
  expect(await isLocked(at.name, at.options)).toBe(false);
  expect(await take(at)).toMatchObject({ lost: { aborted: false } });
});

test("a lock whose content cannot be read is removed by its holder all the same, and a newer one is not", async () => {
  for (const isNewer of [false, true]) {
    const at = await place();
    const lock = await acquireLock(at.name, at.options);
    // Made while the lock is there, so that it cannot get the lock's number in the file system.
    await writeFile(`${at.path}.new`, "");
    if (isNewer) await rename(`${at.path}.new`, at.path);
    else await writeFile(at.path, "");
    await rm(`${at.path}.new`, { force: true });
    await lock?.release();
    expect(await namesIn(join(at.path, ".."))).toEqual(isNewer ? ["x.lock"] : []);
  }
});

test("a lock that cannot be written is not left behind", async () => {
  const at = await place();
  await refuse("handle.writeFile", "ENOSPC");
  await expect(acquireLock(at.name, at.options)).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await namesIn(join(at.path, ".."))).toEqual([]);
});

describe("a lock is respected", () => {
  test("of a living process, however long it was silent", { tags: "linux" }, async () => {
    expect(await take(await heldBy(await identityOf(process.ppid), 3_600_000))).toBeUndefined();
  });

  test("of a living process that recently gave a sign of life, on every system", async () => {
    expect(await take(await heldBy(await identityOf(process.ppid)))).toBeUndefined();
  });

  test("of another container or computer that recently gave a sign of life", async () => {
    expect(await take(await heldBy({ space: "elsewhere" }))).toBeUndefined();
  });

  test("that was just created and is still empty", async () => {
    const at = await place();
    await writeFile(at.path, "");
    expect(await take(at)).toBeUndefined();
  });
});

describe("a lock is taken over", () => {
  test("of a process that is gone", async () => {
    const lock = await take(await heldBy({ pid: 2 ** 30 }));
    expect(lock).toMatchObject({ lost: { aborted: false } });
  });

  test("of a process whose pid belongs to another process now", { tags: "linux" }, async () => {
    expect(await take(await heldBy({ started: "1" }))).toMatchObject({ lost: { aborted: false } });
  });

  test("of a process that was killed and whose entry its parent has not collected (a zombie)", {
    tags: "linux",
  }, async () => {
    const lock = await take(await heldBy(await identityOf(await zombie())));
    expect(lock).toMatchObject({ lost: { aborted: false } });
  });

  test("with this process's number that this process does not hold, as an earlier process in a container leaves it", async () => {
    expect(await take(await heldBy({}))).toMatchObject({ lost: { aborted: false } });
  });

  test("that this process could not remove when it released it", async () => {
    const at = await place();
    await refuse("unlink", "EBUSY", { path: /x\.lock$/, times: 100 });
    await (await take(at))?.release();
    expect(await namesIn(join(at.path, ".."))).toEqual(["x.lock"]);
    await change("unlink", () => async (path) => rm(String(path)));
    expect(await take(at)).toMatchObject({ lost: { aborted: false } });
  });

  test("of another container or computer that fell silent", async () => {
    expect(await take(await heldBy({ space: "elsewhere" }, 5_000))).toMatchObject({ lost: { aborted: false } });
  });

  test("that a crash left empty", async () => {
    const at = await place();
    await writeFile(at.path, "");
    const then = Date.now() / 1_000 - 10;
    await utimes(at.path, then, then);
    expect(await take(at)).toMatchObject({ lost: { aborted: false } });
  });

  test("by only one of many processes, even if a crash interrupted an earlier takeover", async () => {
    const at = await heldBy({ pid: 2 ** 30, token: "0123abcd" });
    await writeFile(`${at.path}.0123abcd`, JSON.stringify({ ...(await newOwner()), pid: 2 ** 30 }));
    const taken = await Promise.all(Array.from({ length: 20 }, () => take(at)));
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await namesIn(join(at.path, ".."))).toEqual(["x.lock"]);
  });
});

test("a holder that slept too long learns that it lost the lock and does not remove the new lock", async () => {
  const at = await place();
  const lock = await take(at);
  const newer = JSON.stringify({ ...(await newOwner()), token: "ffffffff" });
  await writeFile(at.path, newer);
  await expect.poll(() => lock?.lost.aborted).toBe(true);
  await lock?.release();
  expect(await readFile(at.path, "utf8")).toBe(newer);
});

test("a holder that cannot read its lock for a moment keeps it", async () => {
  const at = await place();
  const lock = await take(at);
  await writeFile(at.path, "");
  await utimes(at.path, 1, 1);
  await expect.poll(async () => (await stat(at.path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
  expect(lock?.lost.aborted).toBe(false);
});

test("a held lock keeps giving signs of life", async () => {
  const at = await place();
  await take(at);
  await utimes(at.path, 1, 1);
  await expect.poll(async () => (await stat(at.path)).mtimeMs).toBeGreaterThan(Date.now() - 60_000);
});
