import { spawn } from "node:child_process";
import { readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { snapshotLock } from "../../src/download/folder/file-name.ts";
import { newOwner } from "../../src/download/folder/lock.ts";
import { type RemoteFile, serve, startFaultServer } from "./fault-server.ts";
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
  ])(
    "writes nothing into %s that another process has published by then",
    { tags: "replace-open" },
    async (_what, seed) => {
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
    },
  );
});

test("the bytes that a sleeping process had committed are not transferred again", {
  tags: "replace-open",
}, async () => {
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

test("a process that slept changes neither the part nor the state of the process that continued", {
  tags: "replace-open",
}, async () => {
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

test("a part that was closed in order has no writer in its state", async () => {
  const file = await remoteFile(200 * KIB);
  const { folder, save } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  expect(await save()).toMatchObject({ state: "paused" });
  expect(await readJsonFile(folder, state)).not.toHaveProperty("writer");
});

/** A process that ends after this many milliseconds, in the words of a lock. */
async function processFor(ms: number) {
  const child = spawn(process.execPath, ["-e", `setTimeout(() => {}, ${ms})`]);
  onTestFinished(() => void child.kill());
  const pid = child.pid ?? 0;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return { ...(await newOwner()), pid, ...(started !== undefined && { started }) };
}

describe("a save that finds a lock of another process", { tags: "linux" }, () => {
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
