import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { serve } from "./fault-server.ts";
import { archive, identity, KIB, patiently, remoteFile, stage } from "./fixtures.ts";

const slow = { trickle: { bytes: 32 * KIB, ms: 10 } };
const other = { ...identity, name: "invoices" };
const ofOrders = "This snapshot is recorded as one of the cluster orders, which is not the cluster of this call.";

describe("a call is warned", () => {
  test("that a running transfer keeps its file name", async () => {
    const { store, save } = await stage({}, serve(await remoteFile(400 * KIB), slow));
    const first = save();
    const joined = await store.save({ ...identity, fileName: "mine.tgz" }, patiently({ waitMs: 50 }));
    expect(joined).toMatchObject({
      state: expect.stringMatching(/^(requesting|downloading)$/),
      warnings: [expect.stringContaining("fileName of this call")],
    });
    expect(await first).not.toHaveProperty("warnings");
  });

  test("that a running transfer is recorded for another cluster", async () => {
    const { store, save } = await stage({}, serve(await remoteFile(400 * KIB), slow));
    const first = save();
    expect(await store.save(other, patiently({ waitMs: 50 }))).toMatchObject({ warnings: [ofOrders] });
    expect(await first).not.toHaveProperty("warnings");
  });

  test("that a paused transfer and a finished file are recorded for another cluster", async () => {
    const file = await remoteFile(200 * KIB);
    const { store, save, server } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    expect(await save()).toMatchObject({ state: "paused" });
    server.script(serve(file));
    expect(await store.save(other, patiently())).toMatchObject({ state: "complete", warnings: [ofOrders] });
    expect(await store.save(other, patiently())).toMatchObject({ state: "complete", warnings: [ofOrders] });
    expect(await save()).not.toHaveProperty("warnings");
  });

  test("how its file name was completed", async () => {
    const { save } = await stage({ filePrefix: "simulated-" }, serve(await remoteFile(20 * KIB)));
    const warnings = [expect.stringContaining("simulated-mine.tgz")];
    expect(await save("mine")).toMatchObject({ fileName: "simulated-mine.tgz", warnings });
  });
});

describe("a finished file comes with a warning", () => {
  const closing = { version: "1.0", headers: { "content-length": undefined }, end: "fin" } as const;
  const noLength = expect.stringContaining("named no length");
  const noBackup = expect.stringContaining("may be no backup");

  test("when the file host announced no length, also in the second report", async () => {
    const { save } = await stage({}, serve({ bytes: await archive(20 * KIB) }, closing));
    for (const _ of [1, 2]) {
      expect(await save()).toMatchObject({ integrity: { length: "unknown" }, warnings: [noLength] });
    }
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["something else", Buffer.from("some text that is no archive")],
  ])("when it holds %s", async (_what, content) => {
    const { save } = await stage({}, serve({ bytes: gzipSync(content) }));
    expect(await save()).toMatchObject({ state: "complete", warnings: [noBackup] });
  });
});
