import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { diskFailure } from "../../src/download/folder/directory.ts";
import { needsFound } from "../platform.ts";
import { serve } from "./fault-server.ts";
import { change } from "./file-calls.ts";
import {
  defaultName,
  hashOf,
  KIB,
  namesIn,
  openStore,
  remoteFile,
  saveTo,
  sha256,
  sourceOf,
  stage,
  temporaryFolder,
} from "./fixtures.ts";

const run = promisify(execFile);
const sizeOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size;

test("a transfer that would not leave the reserve free does not begin, and says what it takes, what stays free and what is free", async () => {
  const file = await remoteFile(100 * KIB);
  const { save, server, folder } = await stage({ limits: { diskReserveBytes: 2 ** 50 } }, serve(file));
  const report = await save();
  expect(report).toMatchObject({ state: "paused", bytes: 0, lastError: { errorCode: "DISK_FULL", source: "disk" } });
  expect(report.lastError?.detail).toMatch(
    /^The disk of the download folder has too little free space\. The rest of the file takes 10\d\.\d kB\. 1125\.9 TB stay free for other programs\. \d+\.\d [MGT]B are free\.$/,
  );
  const patient = openStore(folder, { source: sourceOf(server.url) });
  expect(await saveTo(patient)).toMatchObject({ state: "complete" });
});

test("a file whose every byte is here is finished although the disk has no more room than that", async () => {
  const file = await remoteFile(100 * KIB);
  // The end of the answer comes after the commit of its last bytes.
  const { save, folder } = await stage(
    { limits: { commitEveryMs: 0, batchBytes: 1, diskReserveBytes: 1 } },
    serve(file, { after: 50 * KIB }),
    serve(file, { chunked: "ended", trickle: { bytes: 100 * KIB, ms: 200 } }),
  );
  const isHere = () => sizeOf(join(folder, `${defaultName}.part`)) === file.bytes.length;
  await change(
    "statfs",
    (original) =>
      async (...args) =>
        isHere() ? { bavail: 0, bsize: 4096, blocks: 1000, files: 1000 } : original(...args),
  );
  expect(await save()).toMatchObject({ state: "complete", sha256: sha256(file.bytes) });
});

test("a size that no disk could hold is not remembered", async () => {
  const file = await remoteFile(200 * KIB);
  const from = 100 * KIB;
  const absurd = { "content-range": `bytes ${from}-${file.bytes.length - 1}/${2 ** 51}` };
  const { save, server } = await stage(
    { limits: { maxFileBytes: 2 ** 52 } },
    serve(file, { after: from, chunked: "unended" }),
    serve(file, { headers: absurd }),
    serve(file),
  );
  expect(await save()).toMatchObject({ state: "paused", bytes: from, lastError: { errorCode: "DISK_FULL" } });
  expect(await save()).toMatchObject({ state: "complete", resumedFromBytes: from });
  expect(server.requests).toHaveLength(3);
});

test("an endless body does not fill the disk", async () => {
  const file = await remoteFile(400 * KIB);
  const endless = serve({ bytes: Buffer.concat([file.bytes, Buffer.alloc(800 * KIB)]) }, { chunked: "ended" });
  const { save } = await stage({ limits: { maxFileBytes: 600 * KIB } }, endless);
  await expect(save()).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
});

/** A file system of this size. */
async function mounted(size: string): Promise<string> {
  const path = await temporaryFolder();
  const mounting = run("mount", ["-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", path]);
  needsFound("mount", await mounting.catch(() => undefined));
  onTestFinished(async () => {
    await run("umount", [path]);
  });
  return path;
}

describe("on a small file system", () => {
  test("a full disk loses no written byte, and the transfer finishes once there is room", async () => {
    const file = await remoteFile(1200 * KIB);
    const folder = await mounted("1m");
    const { server } = await stage({}, serve({ bytes: file.bytes, etag: '"x"' }, { chunked: "ended" }));
    const limits = { commitEveryMs: 60_000, commitBytes: 2 ** 30 };
    const store = openStore(folder, { source: sourceOf(server.url), limits });
    const report = await saveTo(store);
    expect(report).toMatchObject({ state: "paused", lastError: { errorCode: "DISK_FULL" } });
    const part = await readFile(join(folder, `${defaultName}.part`));
    expect(part.length).toBeGreaterThan(800 * KIB);
    expect(part.equals(file.bytes.subarray(0, part.length))).toBe(true);
    await run("mount", ["-o", "remount,size=4m", folder]);
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("only bytes whose count could be written are reported as saved", async () => {
    const file = await remoteFile(1200 * KIB);
    const folder = await mounted("1m");
    const { server } = await stage({}, serve({ bytes: file.bytes, etag: '"x"' }, { chunked: "ended" }));
    const store = openStore(folder, { source: sourceOf(server.url) });
    const { bytes } = await saveTo(store);
    await run("mount", ["-o", "remount,size=4m", folder]);
    server.script(serve({ bytes: file.bytes, etag: '"x"' }));
    const { state, resumedFromBytes = 0 } = await saveTo(store);
    expect({ state, resumedFromBytes }).toEqual({ state: "complete", resumedFromBytes: bytes });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });

  test("a disk that was full from the start leaves no lock behind", async () => {
    const folder = await mounted("16k");
    const filler = join(folder, "filler");
    await writeFile(filler, Buffer.alloc(64 * KIB)).catch(() => undefined);
    const file = await remoteFile(100 * KIB);
    const { server } = await stage({}, serve(file));
    const store = openStore(folder, { source: sourceOf(server.url) });
    await expect(saveTo(store)).rejects.toMatchObject({ code: "DISK_FULL" });
    expect(await namesIn(folder)).toEqual(["filler"]);
    await rm(filler);
    await run("mount", ["-o", "remount,size=4m", folder]);
    expect(await saveTo(store)).toMatchObject({ state: "complete" });
  });

  test("a read-only disk is not reported as full", async () => {
    const folder = await mounted("1m");
    await run("mount", ["-o", "remount,ro", folder]);
    const store = openStore(folder, { source: sourceOf("http://127.0.0.1:1/x?") });
    await expect(saveTo(store)).rejects.toMatchObject({ envelope: { errorCode: "DISK_FAILED", source: "disk" } });
    await run("mount", ["-o", "remount,rw", folder]);
  });
});

test.each([
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EFBIG", "DISK_FAILED"],
  ["EIO", "DISK_FAILED"],
  ["EMFILE", "DISK_FAILED"],
])("%s is reported as %s without the system's message", (code, expected) => {
  const cause = Object.assign(new Error("/home/SENTINEL"), { code });
  const failure = diskFailure(cause, 42);
  expect(failure).toMatchObject({ code: expected, cause });
  expect(JSON.stringify(failure.envelope)).not.toContain("SENTINEL");
});
