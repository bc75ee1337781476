import { link, mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Need, needs } from "../platform.ts";
import { type RemoteFile, serve } from "./fault-server.ts";
import {
  defaultName,
  hashOf,
  KIB,
  namesIn,
  patiently,
  remoteFile,
  saveTo,
  sha256,
  stage,
  temporaryFolder,
} from "./fixtures.ts";

const part = `${defaultName}.part`;

/** A store whose transfer broke off: part and state are in the folder. */
async function broken(file: RemoteFile) {
  const staged = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
  expect(await staged.save()).toMatchObject({ state: "paused", bytes: 100 * KIB });
  staged.server.script(serve(file));
  return staged;
}

describe("a part", () => {
  test.each<[what: string, replace: (path: string, victim: string) => Promise<unknown>, ...need: Need[]]>([
    ["a symbolic link", (path, victim) => rm(path).then(() => symlink(victim, path)), "links"],
    ["a second name of another file", (path, victim) => rm(path).then(() => link(victim, path))],
    ["a folder", (path) => rm(path).then(() => mkdir(path))],
  ])("that has become %s is left alone", async (_what, replace, ...need) => {
    needs(...need);
    const { folder, save } = await broken(await remoteFile(200 * KIB));
    const victim = join(await temporaryFolder(), "victim");
    await writeFile(victim, "precious");
    await replace(join(folder, part), victim);
    await expect(save()).rejects.toMatchObject({ code: "PART_UNUSABLE" });
    expect(await readFile(victim, "utf8")).toBe("precious");
  });

  test.each([
    ["truncated", (json: string) => json.slice(0, json.length / 2)],
    ["made to smuggle a header", (json: string) => json.replace("object-1-8", "x\\r\\nauthorization: y")],
  ])("whose state is %s starts over", async (_what, spoil) => {
    const file = await remoteFile(200 * KIB);
    const { folder, save, server } = await broken(file);
    const state = join(folder, `${part}.json`);
    await writeFile(state, spoil(await readFile(state, "utf8")));
    expect(await save()).toMatchObject({ state: "complete" });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
    expect(server.requests.at(-1)?.headers).not.toHaveProperty("range");
  });

  test.each([
    ["garbage", () => "\0\xff{"],
    ["of another version", (json: string) => json.replace('"v": 1', '"v": 2')],
    ["empty", () => ""],
    ["a folder", undefined],
  ])("whose state is %s may belong to someone else and stays", async (_what, spoil) => {
    const { folder, save, server } = await broken(await remoteFile(200 * KIB));
    const state = join(folder, `${part}.json`);
    const json = await readFile(state, "utf8");
    await rm(state);
    await (spoil ? writeFile(state, spoil(json)) : mkdir(state));
    const requests = server.requests.length;
    await expect(save()).rejects.toMatchObject({
      code: "FILE_EXISTS",
      envelope: { detail: expect.stringContaining(part) },
    });
    expect(server.requests).toHaveLength(requests);
    expect((await stat(join(folder, part))).size).toBe(100 * KIB);
  });

  test("that lost its end, or has bytes that were never committed, continues from the bytes that are certain", async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, save, server } = await broken(file);
    await writeFile(join(folder, part), Buffer.concat([file.bytes.subarray(0, 100 * KIB), Buffer.alloc(300 * KIB, 7)]));
    server.script(serve(file, { after: 0 }));
    expect((await stat(join(folder, part))).size).toBe(400 * KIB);
    expect(await save()).toMatchObject({ state: "paused", bytes: 100 * KIB, resumedFromBytes: 100 * KIB });
    expect((await stat(join(folder, part))).size).toBe(100 * KIB);
    await writeFile(join(folder, part), file.bytes.subarray(0, 60 * KIB));
    server.script(serve(file));
    expect(await save()).toMatchObject({ state: "complete" });
    expect(server.requests.at(-1)?.headers).toMatchObject({ range: `bytes=${60 * KIB}-` });
    expect(await hashOf(folder)).toBe(sha256(file.bytes));
  });
});

describe("an existing file of the same name", () => {
  test("stays unchanged when it appears during the transfer; saving under another name transfers nothing again", async () => {
    const file = await remoteFile(200 * KIB);
    const staged = await stage({}, async (request, socket) => {
      await writeFile(join(staged.folder, defaultName), "precious");
      await serve(file)(request, socket);
    });
    const { folder, save, server } = staged;
    expect(await save()).toMatchObject({ state: "paused", lastError: { errorCode: "FILE_EXISTS" } });
    expect(await readFile(join(folder, defaultName), "utf8")).toBe("precious");
    expect(await save("other.tgz")).toMatchObject({ state: "complete", fileName: "other.tgz" });
    expect(await hashOf(folder, "other.tgz")).toBe(sha256(file.bytes));
    expect(server.requests).toHaveLength(1);
    expect(await namesIn(folder)).toEqual([defaultName, "other.tgz", "other.tgz.json"].sort());
  });

  test("may also be the part of another snapshot", async () => {
    const file = await remoteFile(200 * KIB);
    const { folder, store, server } = await stage({}, serve(file, { after: 100 * KIB }), serve(file, { after: 0 }));
    await saveTo(store, "mine.tgz");
    server.script(serve(file));
    const other = { groupId: "5fa1000000000000000000b1", name: "orders", snapshotId: "5fa1000000000000000000c9" };
    await expect(store.save({ ...other, fileName: "mine.tgz" }, patiently())).rejects.toMatchObject({
      code: "FILE_EXISTS",
    });
    expect((await stat(join(folder, "mine.tgz.part"))).size).toBe(100 * KIB);

    server.script(serve(file, { after: 0 }));
    expect(await saveTo(store, "new-name.tgz")).toMatchObject({ state: "paused", fileName: "new-name.tgz" });
    const requests = server.requests.length;
    const taken = store.save({ ...other, fileName: "new-name.tgz" }, patiently());
    await expect(taken).rejects.toMatchObject({ code: "FILE_EXISTS" });
    expect(server.requests).toHaveLength(requests);
  });
});
