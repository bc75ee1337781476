import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFile, mkdir, readdir, readlink, symlink, truncate, writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { startArchiveCheck } from "../../../src/download/integrity/archive-check.ts";
import { type Need, needs } from "../../platform.ts";
import { checkArchives, dataFiles, flipBit, MIB, noise, tgz } from "../fixtures.ts";

const { file, inspect, path, start } = checkArchives();
/** A data directory of 2.5 MiB, most of it incompressible. */
const sound = await tgz({ ...dataFiles(), "collection-4-1234567890.wt": noise(2_500_000, 1) });

async function reportOf(bytes: Buffer) {
  const check = start(await file(bytes));
  check.advance(bytes.length);
  return check.finish();
}

test("a complete file gets its hashes, the state of its gzip data, its counts and how it ends", async () => {
  expect(await reportOf(sound)).toEqual({
    bytes: sound.length,
    sha256: createHash("sha256").update(sound).digest("hex"),
    md5: createHash("md5").update(sound).digest("hex"),
    gzip: "ok",
    contents: { kind: "data-directory", files: 11, collections: 3, folderDepth: 0, unpackedBytes: expect.any(Number) },
    ending: "marked",
    notes: [],
  });
});

test("the MD5 is computed only on request", async () => {
  const check = start(await file(sound), { md5: false });
  check.advance(sound.length);
  expect(await check.finish()).not.toHaveProperty("md5");
});

test("the report does not depend on when which bytes are written", async () => {
  const archives = [
    sound,
    sound.subarray(0, -3),
    flipBit(sound, MIB + 77),
    Buffer.concat([sound, Buffer.alloc(MIB), Buffer.from("x")]),
  ];
  const reports = await Promise.all(archives.map(reportOf));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(archives.length - 1),
      fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), pause: fc.boolean() }), { maxLength: 8 }),
      async (which, steps) => {
        const bytes = archives[which] ?? sound;
        const growing = await file(Buffer.alloc(0));
        const check = start(growing);
        let written = 0;
        for (const { share, pause } of [...steps, { share: 1, pause: false }]) {
          const next = Math.max(written, Math.floor(share * bytes.length));
          await appendFile(growing, bytes.subarray(written, next));
          written = next;
          check.advance(written);
          if (pause) await expect.poll(check.progress, { interval: 2 }).toBe(written - (written % MIB));
        }
        expect(await check.finish()).toEqual(reports[which]);
      },
    ),
    { numRuns: 20 },
  );
});

test("bytes beyond the last advance are not read", async () => {
  const check = start(await file(Buffer.concat([sound, Buffer.from("still being written")])));
  check.advance(sound.length);
  expect(await check.finish()).toMatchObject({ bytes: sound.length, gzip: "ok" });
});

test("an advance backwards changes nothing", async () => {
  const check = start(await file(sound));
  check.advance(sound.length);
  check.advance(10);
  expect(await check.finish()).toMatchObject({ bytes: sound.length, gzip: "ok" });
});

test("progress counts whole batches while the file grows, and ends at the size of the file", async () => {
  const check = start(await file(sound));
  expect(check.progress()).toBe(0);
  check.advance(MIB + 5);
  await expect.poll(check.progress, { interval: 5 }).toBe(MIB);
  check.advance(sound.length);
  await check.finish();
  expect(check.progress()).toBe(sound.length);
});

describe("an unreadable file is refused:", () => {
  test.each<[what: string, make: () => Promise<string>, ...need: Need[]]>([
    ["a missing file", async () => path("missing")],
    ["a symbolic link", async () => symlinkTo(await file(sound)), "links"],
    ["a folder", async () => folder()],
    ["a named pipe", async () => pipe(), "pipes"],
    ["a file that is shorter than reported", async () => shrunk()],
  ])("%s", async (_, make, ...need) => {
    needs(...need);
    const check = start(await make());
    check.advance(sound.length);
    await expect(check.finish()).rejects.toMatchObject({ code: "DISK_FAILED", cause: expect.any(Error) });
  });

  async function symlinkTo(target: string) {
    await symlink(target, path("link"));
    return path("link");
  }
  async function folder() {
    await mkdir(path("folder"));
    return path("folder");
  }
  async function pipe() {
    execFileSync("mkfifo", [path("pipe")]);
    return path("pipe");
  }
  async function shrunk() {
    const name = await file(sound);
    await truncate(name, MIB + 1);
    return name;
  }
});

test("a worker that is missing or breaks causes an internal error", async () => {
  await writeFile(path("broken.mjs"), "throw new Error('canary');");
  await writeFile(path("silent.mjs"), "process.exit();");
  for (const name of ["missing.mjs", "broken.mjs", "silent.mjs"]) {
    const check = startArchiveCheck({ path: await file(sound), worker: new URL(`file://${path(name)}`) });
    await expect(check.finish()).rejects.toMatchObject({
      code: "INTERNAL_ERROR",
      message: expect.not.stringContaining("canary"),
    });
  }
});

test("the thread does not get the environment, which may hold secrets", async () => {
  const source =
    'import { parentPort } from "node:worker_threads"; parentPort.postMessage({ type: "failed", error: { ...process.env } });';
  await writeFile(path("tells.mjs"), source);
  const check = startArchiveCheck({ path: path("any"), worker: new URL(`file://${path("tells.mjs")}`) });
  await expect(check.finish()).rejects.toHaveProperty("cause", {});
});

describe("stop", () => {
  test("ends a check that waits for more bytes, which rejects as aborted", async () => {
    const check = start(await file(sound));
    check.advance(MIB);
    const finished = expect(check.finish()).rejects.toMatchObject({ name: "AbortError" });
    await check.stop();
    await finished;
  });

  test("releases the file at any moment", async () => {
    const name = await file(sound);
    // A thread starts in about 30 ms and finishes this file in about 20 ms.
    for (let milliseconds = 0; milliseconds < 80; milliseconds += 8) {
      const check = start(name);
      check.advance(sound.length);
      await setTimeout(milliseconds);
      await check.stop();
      expect(await openFiles()).not.toContain(name);
    }
  });

  test("lets the thread finish its current work, since Node aborts if that is the creation of a zlib stream", async () => {
    await writeFile(
      path("busy.mjs"),
      `import { writeFileSync } from "node:fs";
       import { parentPort } from "node:worker_threads";
       parentPort.on("message", () => process.exit());
       parentPort.postMessage({ type: "checked", bytes: 1 });
       for (const end = Date.now() + 100; Date.now() < end; );
       writeFileSync(${JSON.stringify(path("undisturbed"))}, "");`,
    );
    const check = startArchiveCheck({ path: path("any"), worker: new URL(`file://${path("busy.mjs")}`) });
    await expect.poll(check.progress, { interval: 2 }).toBe(1);
    await check.stop();
    expect(await readdir(path(""))).toContain("undisturbed");
  });

  test.each([
    ["a damage", flipBit(sound, 2000)],
    ["the zeros that may follow an archive", gzipSync("small")],
  ])("ends a check after %s too, with nothing left to inflate", async (_, head) => {
    const name = await file(head);
    await truncate(name, 256 * MIB);
    const check = start(name);
    check.advance(256 * MIB);
    await expect.poll(check.progress, { interval: 2 }).toBeGreaterThan(2 * MIB);
    await check.stop();
    expect(check.progress()).toBeLessThan(256 * MIB);
  });

  test("has no effect a second time or after the end", async () => {
    const check = start(await file(sound));
    check.advance(sound.length);
    const report = await check.finish();
    await check.stop();
    await check.stop();
    expect(report.gzip).toBe("ok");
  });
});

test("a finished check has closed the file, also when it runs in the same thread", async () => {
  const name = await file(sound);
  const check = start(name);
  check.advance(sound.length);
  await check.finish();
  await inspect(sound);
  expect((await openFiles()).filter((open) => open.startsWith(path("")))).toEqual([]);
});

/** Files that this process has open; known on Linux only. */
async function openFiles(): Promise<string[]> {
  if (process.platform !== "linux") return [];
  const links = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
  return Promise.all(links);
}
