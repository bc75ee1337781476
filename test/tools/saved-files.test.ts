import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { restoreGuide } from "../../src/download/restore-guide.ts";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { restoreAdvice } from "../../src/tools/file-view.ts";
import { dataFiles, tar } from "../download/fixtures.ts";
import { CLUSTER, SERVICE_ACCOUNT, serverWith, temporaryFolder } from "../fixtures.ts";
import {
  identity,
  idOf,
  KIB,
  List,
  listOf,
  longName,
  MAX_RESULT_BYTES,
  numbers,
  putFile,
  putPart,
  Restorable,
} from "./saved-folder.ts";

const EVERY_USER = "every other user of this computer can read it meanwhile, without a password";

test("a list of the longest names in a folder with a long path stays below its limit and says that it is truncated", async () => {
  const folder = join(await temporaryFolder(), "d".repeat(100), "é".repeat(100));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const number of numbers(1, 150)) await putFile(folder, number, longName(number));
  for (const number of numbers(201, 230)) await putPart(folder, number, longName(number));
  const { files, transfers, truncated, nextStep, resultBytes } = await listOf(folder);
  expect(resultBytes).toBeLessThanOrEqual(MAX_RESULT_BYTES);
  expect(transfers).toHaveLength(30);
  expect(files.length).toBeGreaterThan(30);
  expect(files.map(({ fileName }) => fileName)).toEqual(files.map((_, index) => longName(150 - index)));
  expect(new Set(files.map(({ state }) => state))).toEqual(new Set(["complete"]));
  expect([truncated, nextStep]).toEqual([true, expect.stringContaining("The list is cut")]);
});

test("a hundred entries with usual names are all listed; of a hundred and one, one is left out", async () => {
  const folder = await temporaryFolder();
  for (const number of numbers(1, 95)) await putFile(folder, number, longName(number, 60));
  for (const number of numbers(201, 205)) await putPart(folder, number, longName(number, 60));
  const whole = await listOf(folder);
  expect([whole.files.length, whole.transfers.length, whole.truncated]).toEqual([95, 5, undefined]);
  expect(whole.nextStep).not.toContain("cut");
  await putFile(folder, 96, longName(96, 60));
  const cut = await listOf(folder);
  expect([cut.files.length, cut.transfers.length, cut.truncated]).toEqual([95, 5, true]);
  expect(cut.files[0]?.fileName).toBe(longName(96, 60));
});

test("every listed name can be verified, the longest simulated one included", async () => {
  const { ok, fails } = await serverWith({ args: ["--simulate"], env: { ATLAS_FLEX_SIMULATOR_BYTES: "200000" } });
  const snapshot = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
  const tooLong = await fails("save_flex_snapshot", { ...snapshot, fileName: `x${longName(1, 111)}` });
  expect(tooLong).toMatchObject({ errorCode: "INVALID_INPUT", detail: expect.stringContaining("simulated-") });
  const { fileName } = await ok("save_flex_snapshot", { ...snapshot, fileName: longName(1, 111) });
  expect(fileName).toHaveLength(121);
  const { files } = List.parse(await ok("list_saved_snapshots"));
  expect(files).toMatchObject([{ fileName, state: "complete" }]);
  expect(await ok("verify_saved_snapshot", { fileName })).toMatchObject({ state: "complete" });
});

test("a file that is the saved one but not what the host announced is not called what the host sent", async () => {
  const folder = await temporaryFolder();
  const bytes = gzipSync(await tar(dataFiles()));
  const etag = `"${"0".repeat(32)}"`;
  await putFile(folder, 1, "one.tgz", { bytes, etag, integrity: { gzip: "ok", length: "ok", md5: "ok" } });
  const { ok } = await serverWith({ args: ["--download-dir", folder] });
  expect(await ok("verify_saved_snapshot", { fileName: "one.tgz" })).toMatchObject({
    sound: false,
    integrity: { gzip: "ok", md5: "wrong", recordedSha256: "ok" },
    nextStep:
      "The file is the one that was saved, but it is not what the file host announced: do not restore from it. Save the snapshot again under another name while Atlas still has it.",
  });
});

test.each([
  ["without a name", {}, {}],
  ["with a name", { fileName: "mine.tgz" }, { fileName: "simulated-mine.tgz" }],
])("a save %s whose snapshot is still looked up is listed with how to go on", async (_, name, shown) => {
  const { ok } = await serverWith({
    args: ["--simulate"],
    env: { ATLAS_FLEX_SIMULATOR_ORDERS: "getSnapshot=hang" },
  });
  const snapshot = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
  const saving = await ok("save_flex_snapshot", { ...snapshot, ...name, waitSeconds: 0 });
  expect(saving).toMatchObject({ state: "requesting" });
  await expect
    .poll(async () => await ok("list_saved_snapshots"))
    .toMatchObject({
      files: [],
      transfers: [{ ...shown, state: "requesting", bytes: 0, continueWith: snapshot }],
      nextStep:
        "To follow or continue a transfer, call save_flex_snapshot with its continueWith. To stop a transfer, call stop_saving_snapshot with its snapshotId; with discard: true its part is deleted.",
    });
});

test("a save that failed while no call waited for it is listed with its reason, which the next call gets", async () => {
  const { ok, fails } = await serverWith({ args: ["--simulate"] });
  const snapshot = { ...CLUSTER, snapshotId: "0".repeat(24) };
  await ok("save_flex_snapshot", { ...snapshot, waitSeconds: 0 });
  const failed = { state: "paused", bytes: 0, continueWith: snapshot };
  const lastError = { errorCode: "TENANT_SNAPSHOT_NOT_FOUND", retryable: false };
  const list = () => ok("list_saved_snapshots");
  const named = { ...lastError, detail: expect.stringMatching(/^Atlas says: "[^"]+"$/) };
  await expect.poll(list).toMatchObject({ transfers: [{ ...failed, lastError: named }] });
  expect(await fails("save_flex_snapshot", snapshot)).toMatchObject(lastError);
  expect(await list()).toMatchObject({ transfers: [], nextStep: "Nothing has been saved yet." });
});

test("a data directory with a folder for each database is restored with the option for that", async () => {
  const folder = await temporaryFolder();
  const bytes = gzipSync(await tar({ ...dataFiles(), "admin/collection-0-9.wt": "x", "index/1-9.wt": "x" }));
  const recorded = { kind: "data-directory", unpackedBytes: 1, folderDepth: 0, directoryPerDB: true };
  await putFile(folder, 1, "per-db.tgz", { bytes, sound: true, contents: recorded });
  const { ok } = await serverWith({ args: ["--download-dir", folder], env: SERVICE_ACCOUNT });
  const verified = Restorable.parse(await ok("verify_saved_snapshot", { fileName: "per-db.tgz" }));
  expect(verified.restore.commands[2]).toMatch(/ --directoryperdb --wiredTigerDirectoryForIndexes --port/);
  const served = "serves the data through a Unix socket that only this user can open";
  expect(verified.nextStep).toContain(process.platform === "win32" ? EVERY_USER : served);
});

describe("a file with its record, of which either may be planted,", () => {
  const OPEN = { NODE_OPTIONS: `--import=${pathToFileURL(resolve("test/fixtures/without-modes.mjs"))}` };
  const WARNING = "it does not keep other users of this computer from reading, replacing or planting files there.";
  const planted = { sound: true, contents: { kind: "data-directory", unpackedBytes: 1, folderDepth: 0 } };

  async function answersAbout(unpacked: Buffer, env: Record<string, string>) {
    const folder = await temporaryFolder();
    await putFile(folder, 1, "planted.tgz", { bytes: gzipSync(unpacked), ...planted });
    const { ok, log } = await serverWith({ args: ["--download-dir", folder], env: { ...SERVICE_ACCOUNT, ...env } });
    const saved = await ok("save_flex_snapshot", { ...identity, snapshotId: idOf(1) });
    const verified = await ok("verify_saved_snapshot", { fileName: "planted.tgz" });
    return { folder, saved, verified, listed: await ok("list_saved_snapshots"), log };
  }

  test("is not said to be what was saved where the file system keeps no permissions, and is restored elsewhere", {
    tags: "modes",
  }, async () => {
    const { folder, saved, verified, listed, log } = await answersAbout(await tar(dataFiles()), OPEN);
    expect(saved.warnings).toEqual([expect.stringContaining(WARNING)]);
    for (const { nextStep } of [verified, listed]) expect(nextStep).toContain(WARNING);
    expect(verified.nextStep).toMatch(
      /^The file is whole and matches its record, but other users may have replaced both\./,
    );
    const { restore, nextStep } = Restorable.parse(verified);
    const [, place = ""] = /^mkdir -m 700 (\/var\/tmp\/atlas-flex-\w+) /.exec(restore.commands[0] ?? "") ?? [];
    expect(nextStep).toContain(`They work in ${place}, since other users may change what is in the download folder.`);
    expect(restore.commands.filter((command) => command.includes(folder))).toEqual([restore.commands[1]]);
    await expect.poll(log).toMatch(/"level":40[^\n]*"folder-unprotected"/);
  });

  test("that is incomplete is reported with the warning too", { tags: "modes" }, async () => {
    const unpacked = await tar({ ...dataFiles(), "collection-4-1.wt": "x".repeat(4 * KIB) });
    const { verified } = await answersAbout(unpacked.subarray(0, -3 * KIB), OPEN);
    expect(verified).toMatchObject({ sound: false, nextStep: expect.stringContaining(WARNING) });
    expect(verified.nextStep).toMatch(
      /^The archive inside the file is incomplete: do not restore from it\. The file system /,
    );
  });

  test("is the one that was saved where only this user can write, and no answer has a warning", async () => {
    const { saved, verified, listed, log } = await answersAbout(await tar(dataFiles()), {});
    expect(saved).not.toHaveProperty("warnings");
    expect(listed.nextStep).toBe(
      "To check a file and see how to restore it, call verify_saved_snapshot with its fileName. No tool deletes a finished file: a person can delete it in the folder, with its .json file, or give the command save the option --keep N, which leaves the newest N of a cluster.",
    );
    const order = "To restore it on this computer, install what restore.needs names and run restore.commands in order.";
    expect(verified.nextStep).toMatch(
      new RegExp(`^The file is whole and is the one that was saved\\. ${order.replaceAll(".", "\\.")} mongod keeps`),
    );
    expect(log()).not.toContain("folder-unprotected");
  });
});

test("where there are no Unix sockets, the advice warns of the other users", () => {
  const facts = { path: "C:\\x.tgz", platform: "win32" } as const;
  const guide = restoreGuide({ kind: "data-directory", folderDepth: 0, unpackedBytes: 1 }, facts);
  expect(restoreAdvice(guide, "x.tgz")).toContain(EVERY_USER);
});

test.each([
  ["America/Los_Angeles", "Sat 21 Nov 2020, 19:01"],
  ["Asia/Kolkata", "Sun 22 Nov 2020, 08:31"],
])("files and transfers are listed in words for people, in the time of %s", async (TZ, local) => {
  const folder = await temporaryFolder();
  const finishTime = "2020-11-22T03:01:10Z";
  await putFile(folder, 1, "done.tgz", { bytes: Buffer.alloc(67_108_864), finishTime, projectName: "Shop" });
  await putPart(folder, 2, "open.tgz", { finishTime, projectName: "Shop" });
  const { ok } = await serverWith({ args: ["--download-dir", folder], env: { TZ } });
  const when = expect.stringMatching(new RegExp(`^${local}, \\d+ days ago$`));
  const words = { projectName: "Shop", when };
  expect(await ok("list_saved_snapshots")).toMatchObject({
    files: [{ fileName: "done.tgz", bytes: 67_108_864, size: "67.1 MB", finishTime, ...words }],
    transfers: [
      { fileName: "open.tgz", state: "paused", bytes: 5_000_000_000, size: "10.0 GB", percent: 50, ...words },
    ],
    nextStep: expect.stringMatching(
      /A paused transfer without lastError stopped when its client closed\..*No tool deletes a finished file: a person can delete it in the folder, with its \.json file, or give the command save the option --keep N, which leaves the newest N of a cluster\.$/,
    ),
  });
});

test("a running transfer is listed with the time left, and a stopped one with the reason", async () => {
  const { ok } = await serverWith({
    args: ["--simulate"],
    env: { ATLAS_FLEX_SIMULATOR_BYTES: "50000000", ATLAS_FLEX_SIMULATOR_ORDERS: "file=slow@100000" },
  });
  const snapshot = { ...CLUSTER, snapshotId: SIMULATED.downloadedSnapshotId };
  await ok("save_flex_snapshot", { ...snapshot, waitSeconds: 0 });
  const list = () => ok("list_saved_snapshots");
  await expect.poll(list, { timeout: 20_000 }).toMatchObject({
    transfers: [
      {
        state: "downloading",
        size: "50.0 MB",
        secondsLeft: expect.any(Number),
        timeLeft: expect.stringMatching(/^\d+ (minutes|hours)$/),
        when: expect.stringMatching(/ago$/),
      },
    ],
  });
  await ok("stop_saving_snapshot", { snapshotId: snapshot.snapshotId });
  const { transfers, nextStep } = await list();
  expect(transfers).toMatchObject([{ state: "paused", lastError: { errorCode: "TRANSFER_STOPPED" } }]);
  expect(nextStep).not.toContain("without lastError");
});

test("a server that cannot save or stop names no tool that it does not offer", async () => {
  const folder = await temporaryFolder();
  await putFile(folder, 1, "done.tgz");
  await putPart(folder, 2, "open.tgz");
  const { ok } = await serverWith({ args: ["--download-dir", folder, "--tools", "list_saved_snapshots"] });
  const { nextStep } = await ok("list_saved_snapshots");
  expect(nextStep).not.toMatch(/save_flex_snapshot|stop_saving_snapshot|verify_saved_snapshot/);
});

test("a file without a record is listed as unrecorded, with advice", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "found.tgz"), "12345678");
  const { files, nextStep } = await listOf(folder);
  expect(files).toMatchObject([{ fileName: "found.tgz", state: "unrecorded" }]);
  expect(nextStep).toContain("An unrecorded file has no record of this server, so where it came from is not known.");
});

test("a file that was written to is listed as changed, with advice", async () => {
  const folder = await temporaryFolder();
  await putFile(folder, 1, "touched.tgz");
  await utimes(join(folder, "touched.tgz"), 1_000, 1_000);
  const { files, nextStep } = await listOf(folder);
  expect(files).toMatchObject([{ fileName: "touched.tgz", state: "changed" }]);
  expect(nextStep).toContain("tells whether it still is what was saved");
});

test("every answer about a saved file says that the archive inside is incomplete, and none says how to restore it", async () => {
  const folder = await temporaryFolder();
  const unpacked = await tar({ ...dataFiles(), "collection-4-1.wt": "x".repeat(4 * KIB) });
  const bytes = gzipSync(unpacked.subarray(0, -3 * KIB));
  await putFile(folder, 1, "cut.tgz", { bytes, sound: false });
  const { ok } = await serverWith({ args: ["--download-dir", folder], env: SERVICE_ACCOUNT });
  const cut = {
    sound: false,
    nextStep: expect.stringMatching(/the archive inside is incomplete.*do not restore from it\./),
  };
  const saved = await ok("save_flex_snapshot", { ...identity, snapshotId: idOf(1) });
  const verified = await ok("verify_saved_snapshot", { fileName: "cut.tgz" });
  const { files, nextStep } = await ok("list_saved_snapshots");
  expect(saved).toMatchObject({ state: "complete", ...cut });
  expect(verified).toMatchObject({ state: "complete", integrity: { gzip: "ok", recordedSha256: "ok" }, ...cut });
  expect({ ...z.array(z.looseObject({})).parse(files)[0], nextStep }).toMatchObject({ state: "complete", ...cut });
  for (const answer of [saved, verified]) {
    expect(answer).not.toHaveProperty("restore");
    expect(answer.nextStep).not.toMatch(/verified|is whole|restore\.commands/);
  }
});

test.each([
  ["a text", Buffer.from("some text"), {}, /not recognised\.$/],
  [
    "a tar of other files",
    await tar({ "readme.txt": "x" }),
    { files: 1 },
    /not recognised; restore\.commands list its files\.$/,
  ],
])(
  "%s that arrived whole is sound, and every answer says that it was not recognised",
  async (_what, unpacked, counts, end) => {
    const folder = await temporaryFolder();
    const contents = { kind: "unknown", ...counts, unpackedBytes: unpacked.length };
    await putFile(folder, 1, "other.tgz", { bytes: gzipSync(unpacked), sound: true, contents });
    const { ok } = await serverWith({ args: ["--download-dir", folder], env: SERVICE_ACCOUNT });
    const saved = await ok("save_flex_snapshot", { ...identity, snapshotId: idOf(1) });
    const verified = await ok("verify_saved_snapshot", { fileName: "other.tgz" });
    expect(verified.nextStep).toMatch(end);
    for (const answer of [saved, verified]) {
      expect(answer).toMatchObject({ sound: true, contents: { kind: "unknown" } });
      expect(answer.nextStep).toMatch(/whole.*may be no backup/);
      expect(answer.nextStep).not.toMatch(/verified|in order/);
    }
  },
);

test("a file that is not an archive and has no record is not called a damaged snapshot", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "notes.tgz"), "hello");
  const { ok } = await serverWith({ args: ["--download-dir", folder] });
  const { nextStep } = await ok("verify_saved_snapshot", { fileName: "notes.tgz" });
  expect(nextStep).toMatch(/not a whole snapshot archive.*nothing is known of where it came from/);
  expect(nextStep).not.toMatch(/was changed|again/);
});
