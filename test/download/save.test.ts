import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SaveReport, SnapshotSource } from "../../src/download/contract.ts";
import { createRateMeter } from "../../src/download/saving/running-save.ts";
import { lacks } from "../platform.ts";
import { serve } from "./fault-server.ts";
import {
  asRecorded,
  defaultName,
  facts,
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

test("a snapshot becomes a checked file with a record and leaves no other file", async () => {
  const file = await remoteFile(300 * KIB);
  const { save, folder, server } = await stage({}, serve(file));
  const report = await save();
  expect(report).toMatchObject({
    state: "complete",
    fileName: defaultName,
    path: join(folder, defaultName),
    bytes: file.bytes.length,
    sha256: sha256(file.bytes),
    integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" },
  });
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
  expect(await namesIn(folder)).toEqual([defaultName, `${defaultName}.json`]);
  expect(await readJsonFile(folder, `${defaultName}.json`)).toMatchObject({
    ...identity,
    ...facts,
    bytes: file.bytes.length,
    etag: file.etag,
    sha256: sha256(file.bytes),
  });
  if (!lacks("modes"))
    for (const name of await namesIn(folder)) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  expect(server.requests[0]?.headers).toMatchObject({ "accept-encoding": "identity" });
  expect(server.requests[0]?.headers).not.toHaveProperty("authorization");
  expect(server.requests[0]?.headers).not.toHaveProperty("range");
});

test("an ETag that only looks like an MD5 is no evidence against an otherwise sound file", async () => {
  const { bytes } = await remoteFile(40 * KIB);
  const { save } = await stage({}, serve({ bytes, etag: `"${"0123456789abcdef".repeat(2)}"` }));
  const report = await save();
  expect(report).toMatchObject({ state: "complete", integrity: { gzip: "ok", length: "ok", md5: "not-verifiable" } });
  expect(report.integrity?.notes).toEqual([expect.stringContaining("looks like an MD5")]);
  expect(await save()).toEqual(asRecorded(report));
});

test("copies of the part that crashes left are removed with the part; other files stay", async () => {
  const { save, folder } = await stage({}, serve(await remoteFile(40 * KIB)));
  for (const ending of ["0123abcd", "0123abcd.bak", "old"])
    await writeFile(join(folder, `${defaultName}.part.${ending}`), "x");
  await save();
  expect(await namesIn(folder)).toEqual(
    [defaultName, `${defaultName}.json`, `${defaultName}.part.0123abcd.bak`, `${defaultName}.part.old`].sort(),
  );
});

test("a transfer continues where its connection broke", async () => {
  const file = await remoteFile(300 * KIB);
  const { save, folder, server } = await stage({}, serve(file, { after: 100 * KIB }), serve(file));
  expect(await save()).toMatchObject({ state: "complete" });
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
  expect(server.requests[1]?.headers).toMatchObject({ range: `bytes=${100 * KIB}-`, "if-range": file.etag });
});

test("a finished file is reported again without a request", async () => {
  const file = await remoteFile(40 * KIB);
  const { save, server } = await stage({}, serve(file));
  const first = await save("mine.tgz");
  expect(await save()).toEqual(asRecorded(first));
  expect(await save("other.tgz")).toEqual({
    ...asRecorded(first),
    warnings: ["The snapshot was saved before, under this name; it is not saved again under another."],
  });
  expect(server.requests).toHaveLength(1);
});

test("a backup that another process finishes while Atlas describes it is reported, not refused", async () => {
  const { folder, save, server } = await stage({}, serve(await remoteFile(40 * KIB)));
  const source = sourceOf(server.url);
  let first: Promise<SaveReport> | undefined;
  const describe: SnapshotSource["describe"] = async (...asked) => {
    first = save();
    await first;
    return source.describe(...asked);
  };
  const report = await saveTo(openStore(folder, { source: { ...source, describe } }));
  expect(report).toEqual(asRecorded((await first) ?? report));
  expect(report).toMatchObject({ state: "complete", isOlder: true });
  expect(server.requests).toHaveLength(1);
});

test("the rate covers the last ten seconds, and survives a clock that is set back", () => {
  let now = 0;
  const rate = createRateMeter(() => now);
  expect(rate.bytesPerSecond()).toBeUndefined();
  for (; now < 25_000; now += 1_000) rate.add(now < 10_000 ? 1_000 : 3_000);
  expect(rate.bytesPerSecond()).toBe(3_000);
  now -= 86_400_000;
  rate.add(500);
  now += 1_000;
  expect(rate.bytesPerSecond()).toBe(500);
});

test.each([{ groupId: "x" }, { snapshotId: "../../../etc" }, { name: "a/b" }])(
  "malformed ids are refused: %j",
  async (bad) => {
    const { store, source } = await stage({});
    await expect(store.save({ ...identity, ...bad }, patiently())).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(source.asked).toBe(0);
  },
);
