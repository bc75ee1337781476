import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readRecord } from "../../src/download/folder/records.ts";
import { defaultName, identity, openStore, temporaryFolder } from "./fixtures.ts";

/** A record that nobody wrote for this file, with its changes. */
async function forged(changes: Record<string, unknown>) {
  const folder = await temporaryFolder();
  const path = join(folder, defaultName);
  await writeFile(path, "xx");
  const { mtimeMs } = await stat(path);
  const json = {
    v: 1,
    ...identity,
    bytes: 2,
    mtimeMs,
    sha256: "0".repeat(64),
    integrity: { gzip: "ok", length: "ok", md5: "ok" },
    contents: { kind: "data-directory", unpackedBytes: 1, folderDepth: 1 },
    savedAt: "2026-11-22T04:00:00.000Z",
    ...changes,
  };
  await writeFile(`${path}.json`, JSON.stringify(json));
  return { folder, record: await readRecord({ at: (name) => join(folder, name) }, defaultName) };
}

const ESCAPES = "\u001b[31mred\u202e and \u{e0041}back\nwards";

describe("of a record that may be forged", () => {
  test("notes come out clean and short", async () => {
    const notes = [ESCAPES, "x".repeat(1_000)];
    const { record } = await forged({ integrity: { gzip: "ok", length: "ok", md5: "ok", notes } });
    expect(record?.integrity.notes?.[0]).toBe("red and back wards");
    expect(record?.integrity.notes?.[1]).toHaveLength(256);
  });

  test.each([
    ["no time of its file", { mtimeMs: undefined }],
    ["a time of saving that is none", { savedAt: ESCAPES }],
    ["more folders than an archive has", { contents: { kind: "data-directory", unpackedBytes: 1, folderDepth: 1e15 } }],
    [
      "more notes than there can be",
      { integrity: { gzip: "ok", length: "ok", md5: "ok", notes: Array(33).fill("x") } },
    ],
    ["a count that is none", { contents: { kind: "data-directory", unpackedBytes: 1e300 } }],
  ])("with %s nothing is believed", async (_what, changes) => {
    const { folder, record } = await forged(changes);
    expect(record).toBeUndefined();
    const { files } = await openStore(folder, {}).list(new AbortController().signal);
    expect(files).toMatchObject([{ state: "unrecorded" }]);
  });
});
