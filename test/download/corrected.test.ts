import { describe, expect, test } from "vitest";
import { ownFailure } from "../../src/core/errors.ts";
import type { SnapshotSource } from "../../src/download/contract.ts";
import { serve } from "./fault-server.ts";
import { defaultName, facts, identity, KIB, openStore, patiently, remoteFile, saveTo, stage } from "./fixtures.ts";

/** Knows the cluster by its right name only, and answers when told to. */
async function strict() {
  const { source, folder } = await stage({}, serve(await remoteFile(20 * KIB)));
  const names: string[] = [];
  let answer: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const knowing: SnapshotSource = {
    ...source,
    describe: async ({ name }) => {
      names.push(name);
      await asked;
      if (name !== identity.name) throw ownFailure("SNAPSHOT_NOT_COMPLETE");
      return facts;
    },
  };
  return { names, answer, store: openStore(folder, { source: knowing }) };
}

describe("a save that failed because of its arguments", () => {
  test("asks for the right cluster when it is called with the right name", async () => {
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
  ])("is forgotten unheard when the next call names another %s", async (_what, first, second) => {
    const { store, names, answer } = await strict();
    await store.save({ ...identity, ...first }, patiently({ waitMs: 0 }));
    await expect.poll(() => names).toEqual(["ordres"]);
    answer();
    // What remains of the failed job is promises only.
    await new Promise((settled) => setImmediate(settled));
    await store.save({ ...identity, ...second }, patiently()).catch(() => undefined);
    expect(names).toHaveLength(2);
  });
});
