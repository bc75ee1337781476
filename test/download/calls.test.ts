import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { SaveReport, SnapshotSource } from "../../src/download/contract.ts";
import { type Behaviour, respond, serve } from "./fault-server.ts";
import {
  defaultName,
  facts,
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
  saveTo,
  sha256,
  slowWorker,
  sourceOf,
  stage,
  statesOf,
} from "./fixtures.ts";

const slow = { trickle: { bytes: 16 * KIB, ms: 20 } };
const other = (last: string) => ({ ...identity, snapshotId: `5fa10000000000000000${last}` });
const once = <T>(condition: () => T | Promise<T>) => expect.poll(condition, { interval: 5, timeout: 5_000 });

describe("a save that is called again", () => {
  test("joins the running transfer", async () => {
    const { save, server } = await stage({}, serve(await remoteFile(400 * KIB), slow));
    const [first, second] = await Promise.all([save(), save("another-name.tgz")]);
    expect(first).toMatchObject({ state: "complete", fileName: defaultName });
    expect(second).toEqual({ ...first, warnings: [expect.stringContaining("fileName of this call is not used")] });
    expect(server.requests).toHaveLength(1);
  });

  test("finds more bytes saved after a call that did not wait", async () => {
    const file = await remoteFile(600 * KIB);
    const { store, save, server, folder } = await stage({}, serve(file, slow));
    await store.save(identity, patiently({ waitMs: 0 }));
    await once(async () => (await listOf(store)).transfers[0]?.bytes).toBeGreaterThan(0);
    const early = await store.save(identity, patiently({ waitMs: 0 }));
    expect(early).toMatchObject({ state: "downloading", totalBytes: file.bytes.length });
    expect(early.bytes).toBeLessThan(file.bytes.length);
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(1);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("answers at once when it may not wait", async () => {
    const { store, save } = await stage({}, serve(await remoteFile(20 * KIB)));
    expect(await store.save(identity, patiently({ waitMs: 0 }))).toMatchObject({ state: "requesting", bytes: 0 });
    expect(await save()).toMatchObject({ state: "complete" });
  });

  test("gets a failure that no call was waiting for, and the call after it starts anew", async () => {
    const { store, save, server } = await stage({}, respond("200 OK", {}, "<html>"));
    await store.save(identity, patiently({ waitMs: 0 }));
    await once(() => server.requests.length).toBe(1);
    await once(() => statesOf(store)).toEqual(["paused"]);
    await expect(save()).rejects.toMatchObject({ code: "NOT_A_SNAPSHOT" });
    expect(server.requests).toHaveLength(1);
    server.script(serve(await remoteFile(20 * KIB)));
    expect(await save()).toMatchObject({ state: "complete" });
  });
});

/** A source that knows only the right cluster name and answers after `answer`. */
async function strict() {
  const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
  const names: string[] = [];
  const { opened, open: answer } = gate();
  const knowing: SnapshotSource = {
    ...source,
    describe: async ({ name }) => {
      names.push(name);
      await opened;
      if (name !== identity.name) throw ownFailure("SNAPSHOT_NOT_COMPLETE");
      return facts;
    },
  };
  return { names, answer, store: openStore(folder, { source: knowing }) };
}

describe("a save that failed because of its arguments", () => {
  test("asks for the right cluster when called with the right name", async () => {
    const { store, names, answer } = await strict();
    answer();
    const wrong = store.save({ ...identity, name: "ordres" }, patiently());
    await expect(wrong).rejects.toMatchObject({ code: "SNAPSHOT_NOT_COMPLETE" });
    expect(await saveTo(store)).toMatchObject({ state: "complete", fileName: defaultName });
    expect(names).toEqual(["ordres", "orders"]);
  });

  test.each([
    ["cluster", { name: "ordres" }, {}],
    ["file name", { name: "ordres", fileName: "a" }, { name: "ordres", fileName: "b" }],
  ])("is not reported to the next call if this call names another %s", async (_what, first, second) => {
    const { store, names, answer } = await strict();
    await store.save({ ...identity, ...first }, patiently({ waitMs: 0 }));
    await expect.poll(() => names).toEqual(["ordres"]);
    answer();
    // The rest of the failed save needs only promises to settle.
    await new Promise((settled) => setImmediate(settled));
    await store.save({ ...identity, ...second }, patiently()).catch(() => undefined);
    expect(names).toHaveLength(2);
  });
});

describe("a cancelled save", () => {
  test("stops the transfer when no other call waits, and the next one continues it", async () => {
    const file = await remoteFile(1000 * KIB);
    const { store, save, server, folder } = await stage({}, serve(file, slow), serve(file));
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    await once(async () => (await stat(join(folder, `${defaultName}.part`))).size).toBeGreaterThan(64 * KIB);
    call.abort(new Error("cancelled"));
    await expect(cancelled).rejects.toThrow("cancelled");
    await once(server.connections).toBe(0);
    expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: expect.any(Number) });
    expect(server.requests[1]?.headers.range).toMatch(/^bytes=[1-9]\d+-$/);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("does not stop a transfer that another call waits for", async () => {
    const { store, save, server } = await stage({}, serve(await remoteFile(1000 * KIB), slow));
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    const patient = save();
    await once(() => server.requests.length).toBe(1);
    call.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    expect(await patient).toMatchObject({ state: "complete" });
    expect(server.requests).toHaveLength(1);
  });

  test("does not stop the check of a complete file", async () => {
    const { store, folder } = await stage({ checkWorker: await slowWorker() }, serve(await remoteFile(30 * KIB)));
    const call = new AbortController();
    const cancelled = store.save(identity, patiently({ signal: call.signal }));
    await once(async () => (await listOf(store)).transfers[0]?.state).toBe("verifying");
    call.abort();
    await expect(cancelled).rejects.toMatchObject({ name: "AbortError" });
    await once(() => namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  });

  test("still completes for a client that soon cancels every call", async () => {
    const file = await remoteFile(600 * KIB);
    const { store, folder, server } = await stage({}, serve(file, { trickle: { bytes: 16 * KIB, ms: 10 } }));
    let report: SaveReport | undefined;
    for (let calls = 0; report?.state !== "complete" && calls < 100; calls += 1) {
      const signal = AbortSignal.timeout(250);
      report = await store.save(identity, patiently({ signal })).catch(() => undefined);
    }
    expect(report).toMatchObject({ state: "complete" });
    expect(server.requests.length).toBeGreaterThan(1);
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("leaves the queue", async () => {
    const { store } = await stage({}, serve(await remoteFile(1000 * KIB), slow));
    void saveTo(store);
    void store.save(other("00c1"), patiently());
    const call = new AbortController();
    const third = store.save(other("00c2"), patiently({ signal: call.signal }));
    await once(async () => (await statesOf(store)).sort()).toEqual(["downloading", "downloading", "queued"]);
    call.abort();
    await expect(third).rejects.toMatchObject({ name: "AbortError" });
    await once(async () => (await statesOf(store)).sort()).toEqual(["downloading", "downloading", "paused"]);
  });
});

test("two transfers run at the same time, the third waits for its turn", async () => {
  const { store, server } = await stage({}, serve(await remoteFile(400 * KIB), slow));
  const saves = [identity, other("00c1"), other("00c2")].map((snapshot) => store.save(snapshot, patiently()));
  await once(() => server.requests.length).toBe(2);
  expect(await statesOf(store)).toContain("queued");
  expect(server.requests).toHaveLength(2);
  expect((await Promise.all(saves)).map(({ state }) => state)).toEqual(["complete", "complete", "complete"]);
});

test("progress never goes backwards, even when the transfer starts over", async () => {
  const file = await remoteFile(1000 * KIB);
  const { store } = await stage(
    { limits: { quietMs: 60_000 } },
    serve(file, { after: 200 * KIB }),
    serve(file, { ignoreRange: true, trickle: { bytes: 64 * KIB, ms: 20 } }),
  );
  const seen: number[] = [];
  const onProgress = ({ bytes }: SaveReport) => void seen.push(bytes);
  const report = await store.save(identity, patiently({ onProgress }));
  expect(report.warnings).toEqual([expect.stringContaining("started over")]);
  expect(seen.length).toBeGreaterThan(1);
  expect(seen).toEqual([...new Set(seen)].sort((one, next) => one - next));
});

describe("closing the store", () => {
  test("leaves each transfer resumable and its lock free", async () => {
    const file = await remoteFile(1000 * KIB);
    const { store, folder, server } = await stage({}, serve(file, slow));
    const waiting = saveTo(store);
    await once(async () => (await listOf(store)).transfers[0]?.bytes).toBeGreaterThan(64 * KIB);
    await store.close();
    expect(await waiting).toMatchObject({ state: "paused" });
    expect(await namesIn(folder)).toEqual([`${defaultName}.part`, `${defaultName}.part.json`]);
    const state = await readJsonFile(folder, `${defaultName}.part.json`);
    expect(state.committedBytes).toBe((await stat(join(folder, `${defaultName}.part`))).size);
    await expect(saveTo(store)).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
    const next = openStore(folder, { source: sourceOf(server.url) });
    server.script(serve(file));
    expect(await saveTo(next)).toMatchObject({ state: "complete", resumedFromBytes: state.committedBytes });
  });
});

test("a save that waits for its turn is paused when the store closes", async () => {
  const { store } = await stage({}, serve(await remoteFile(1000 * KIB), slow));
  const saves = [identity, other("00c1"), other("00c2")].map((snapshot) => store.save(snapshot, patiently()));
  await once(() => statesOf(store)).toContain("queued");
  await store.close();
  expect((await Promise.all(saves)).map(({ state }) => state)).toEqual(["paused", "paused", "paused"]);
});

test("a transfer that takes too long pauses and can be continued", async () => {
  const file = await remoteFile(1000 * KIB);
  const { save, store, server, folder } = await stage({ limits: { transferMs: 200 } }, serve(file, slow));
  expect(await save()).toMatchObject({ state: "paused", lastError: { errorCode: "TRANSFER_INTERRUPTED" } });
  await store.close();
  server.script(serve(file));
  const patient = openStore(folder, { source: sourceOf(server.url) });
  expect(await saveTo(patient)).toMatchObject({ state: "complete" });
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
});

test("a second store refuses to save what the first store is saving", async () => {
  const { opened, open } = gate();
  const file = await remoteFile(100 * KIB);
  const { store, folder, server } = await stage({}, async (request, socket) => {
    await opened;
    await serve(file)(request, socket);
  });
  const first = saveTo(store);
  await once(() => server.requests.length).toBe(1);
  const second = openStore(folder, { source: sourceOf(server.url) });
  await expect(saveTo(second)).rejects.toMatchObject({ code: "SAVED_ELSEWHERE" });
  const { transfers } = await listOf(second);
  expect(transfers).toMatchObject([{ state: "elsewhere", fileName: defaultName, identity }]);
  open();
  expect(await first).toMatchObject({ state: "complete" });
  expect(await saveTo(second)).toMatchObject({ state: "complete" });
});

test("every file name has the prefix, also a chosen name", async () => {
  const script: Behaviour = serve(await remoteFile(20 * KIB));
  const { store, folder } = await stage({ filePrefix: "simulated-" }, script);
  await saveTo(store, "mine.tgz");
  await store.save(other("00c1"), patiently());
  for (const name of await namesIn(folder)) expect(name).toMatch(/^simulated-/);
});
