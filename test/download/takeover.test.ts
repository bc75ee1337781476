import { spawn } from "node:child_process";
import { lstat, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { newOwner } from "../../src/download/folder/lock.ts";
import { type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
import { change } from "./file-calls.ts";
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
} from "./fixtures.ts";
import { identityOf } from "./lock-owners.ts";

const part = `${defaultName}.part`;
const state = `${part}.json`;
const locks = [`${defaultName}.lock`, snapshotLock(identity)];

/** Changes the owner of a lock or a part to a process that this one cannot see and that has long been silent. */
async function moveAway(folder: string, name: string, ownerIn: (json: Record<string, unknown>) => unknown) {
  const json = await readJsonFile(folder, name);
  Object.assign(ownerIn(json) ?? {}, { space: "elsewhere" });
  await writeFile(join(folder, name), JSON.stringify(json));
  await utimes(join(folder, name), 1, 1);
}

/** A transfer that stopped in the middle and still holds its locks; `wake` sends it the rest of its file. */
async function asleep(file: RemoteFile) {
  const { opened: woken, open: wake } = gate();
  const half = Math.floor(file.bytes.length / 2);
  const staged = await stage({ limits: { commitBytes: 32 * KIB } }, async (request, socket) => {
    await serve(file, { after: half, end: "stall" })(request, socket);
    await woken;
    socket.end(file.bytes.subarray(half));
  });
  const { folder, store } = staged;
  const saving = saveTo(store);
  // Without this, a failure that no test awaits would end the test run.
  saving.catch(() => undefined);
  await expect
    .poll(async () => (await readJsonFile(folder, state)).committedBytes, { timeout: 5_000 })
    .toBeGreaterThan(0);
  return { ...staged, saving, wake };
}

async function another(folder: string, file: RemoteFile) {
  const server = await startFaultServer(serve(file));
  const store = openStore(folder, { source: sourceOf(server.url) });
  return { server, save: () => saveTo(store).finally(server.close) };
}

const takeovers: [how: string, happen: (folder: string) => Promise<unknown>][] = [
  [
    "is silent on a computer that cannot be seen",
    (folder) => Promise.all(locks.map((name) => moveAway(folder, name, (lock) => lock))),
  ],
  ["lost its locks because someone deleted them", (folder) => Promise.all(locks.map((name) => rm(join(folder, name))))],
];

describe.each(takeovers)("a process that %s and wakes up later", (_how, happen) => {
  test.each([
    ["the same file", 1],
    ["a file that was replaced", 2],
  ])("writes nothing into %s that another process has published by then", async (_what, seed) => {
    const { folder, saving, wake } = await asleep(await remoteFile(400 * KIB));
    await happen(folder);
    await moveAway(folder, state, ({ writer }) => writer);
    const file = await remoteFile(400 * KIB, seed);
    expect(await (await another(folder, file)).save()).toMatchObject({
      state: "complete",
      sha256: sha256(file.bytes),
    });
    wake();
    await expect(saving).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });
});

test("the bytes that a sleeping process had committed are not transferred again", async () => {
  const file = await remoteFile(400 * KIB);
  const { folder, wake } = await asleep(file);
  await Promise.all(locks.map((name) => moveAway(folder, name, (lock) => lock)));
  await moveAway(folder, state, ({ writer }) => writer);
  const { committedBytes } = await readJsonFile(folder, state);
  const next = await another(folder, file);
  expect(await next.save()).toMatchObject({ state: "complete", resumedFromBytes: committedBytes });
  expect(next.server.requests[0]?.headers).toMatchObject({ range: `bytes=${committedBytes}-` });
  wake();
});

test("a process that slept changes neither the part nor the state of the process that continued", async () => {
  const file = await remoteFile(400 * KIB);
  const { folder, saving, wake } = await asleep(file);
  await Promise.all(locks.map((name) => rm(join(folder, name))));
  await moveAway(folder, state, ({ writer }) => writer);
  const server = await startFaultServer(serve(file, { after: 0, end: "stall" }));
  const store = openStore(folder, { source: sourceOf(server.url) });
  await store.save(identity, patiently({ waitMs: 0 }));
  await expect.poll(() => server.requests.length).toBe(1);
  const bytes = await readFile(join(folder, part));
  const written = await readFile(join(folder, state), "utf8");
  wake();
  await expect(saving).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
  expect(await readFile(join(folder, part))).toEqual(bytes);
  expect(await readFile(join(folder, state), "utf8")).toBe(written);
  await store.close();
  await server.close();
});

describe("where a file that is open cannot be replaced, as on Windows,", () => {
  /** Both saves have the part open by then; `isHeld`: nor can it be moved, since it was opened in a way that forbids it. */
  async function takenOver({ isHeld }: { isHeld: boolean }) {
    const file = await remoteFile(400 * KIB);
    const { folder, saving, wake } = await asleep(file);
    await Promise.all(locks.map((name) => moveAway(folder, name, (lock) => lock)));
    await moveAway(folder, state, ({ writer }) => writer);
    const { committedBytes } = await readJsonFile(folder, state);
    const open = join(folder, part);
    const { ino } = await lstat(open);
    let isOver = false;
    await change("rename", (rename) => async (from, to) => {
      const isOpen = (await lstat(open).catch(() => undefined))?.ino === ino;
      if (!isOver && isOpen && (to === open || (isHeld && from === open)))
        throw Object.assign(new Error("EBUSY"), { code: "EBUSY" });
      return rename(from, to);
    });
    const next = await another(folder, file);
    const end = () => {
      isOver = true;
    };
    return { file, folder, committedBytes, next, end, saving, wake };
  }

  test("the part of a process that sleeps is moved aside and removed", async () => {
    const { file, folder, committedBytes, next, saving, wake } = await takenOver({ isHeld: false });
    expect(await next.save()).toMatchObject({ state: "complete", resumedFromBytes: committedBytes });
    wake();
    await expect(saving).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });

  test("nor moved, the save pauses, says why, and keeps every byte for the next one", async () => {
    const { file, folder, committedBytes, next, end } = await takenOver({ isHeld: true });
    const before = await namesIn(folder);
    expect(await next.save()).toMatchObject({
      state: "paused",
      bytes: committedBytes,
      lastError: {
        errorCode: "DISK_FAILED",
        retryable: true,
        detail: expect.stringMatching(/^Another program probably has a file of the download folder open/),
        hint: expect.stringMatching(/find the program that uses the files of the download folder/),
      },
    });
    expect(await namesIn(folder)).toEqual(before.filter((name) => !name.endsWith(".lock")));
    end();
    const later = await another(folder, file);
    expect(await later.save()).toMatchObject({ state: "complete", resumedFromBytes: committedBytes });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });
});

test("a part that was closed in order has no writer in its state", async () => {
  const file = await remoteFile(200 * KIB);
  const { folder, save } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  expect(await save()).toMatchObject({ state: "paused" });
  expect(await readJsonFile(folder, state)).not.toHaveProperty("writer");
});

/** A process that is killed after this many milliseconds, in the words of a lock. */
async function processFor(ms: number) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 60_000)"]);
  const timer = setTimeout(() => child.kill("SIGKILL"), ms);
  onTestFinished(() => {
    clearTimeout(timer);
    child.kill("SIGKILL");
  });
  return { ...(await newOwner()), ...(await identityOf(child.pid ?? 0)) };
}

describe("a save that finds a lock of another process", () => {
  test("waits a moment for that process to end, as after a client has killed and restarted the server", async () => {
    const file = await remoteFile(20 * KIB);
    const { folder, save } = await stage({}, serve(file));
    await writeFile(join(folder, snapshotLock(identity)), JSON.stringify(await processFor(600)));
    expect(await save()).toMatchObject({ state: "complete" });
  });

  test("waits for a lock that a process was killed while writing", async () => {
    const { folder, save } = await stage({}, serve(await remoteFile(20 * KIB)));
    await writeFile(join(folder, snapshotLock(identity)), "");
    expect(await save()).toMatchObject({ state: "complete" });
  });

  test("fails when that process goes on", async () => {
    const { folder, save, server } = await stage({}, serve(await remoteFile(20 * KIB)));
    await writeFile(join(folder, snapshotLock(identity)), JSON.stringify(await processFor(60_000)));
    await expect(save()).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
    expect(server.requests).toEqual([]);
  });
});
