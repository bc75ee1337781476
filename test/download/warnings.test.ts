import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { respond, serve, type Twist } from "./fault-server.ts";
import { pretendWindows } from "./file-calls.ts";
import {
  archive,
  bson,
  dataFiles,
  defaultName,
  identity,
  KIB,
  listOf,
  MONGODUMP_MAGIC,
  openStore,
  patiently,
  readJsonFile,
  remoteFile,
  savedStage,
  saveTo,
  stage,
  tar,
  temporaryFolder,
} from "./fixtures.ts";

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

describe("a transfer that starts over says why", () => {
  const words: [what: string, twist: Twist, why: string][] = [
    ["names no ETag", { headers: { etag: undefined } }, "without an ETag"],
    ["names a weak ETag", { headers: { etag: 'W/"x"' } }, "with a weak ETag"],
    ["names another ETag", { headers: { etag: '"x"' } }, "The file changed on its host."],
    ["starts earlier", { headers: { "content-range": "bytes 1-2/3" } }, "another part than the one asked for"],
    [
      "has several parts",
      { headers: { "content-range": undefined, "content-type": "multipart/byteranges; boundary=x" } },
      "as a multipart message",
    ],
    ["is called the whole file", { status: "200 OK", headers: { "content-range": undefined } }, "sent only the rest"],
  ];
  test.each(words)("when the rest %s", async (_what, twist, why) => {
    const file = await remoteFile(200 * KIB);
    const odd = serve(file, twist);
    const { save } = await stage({}, serve(file, { after: 100 * KIB }), odd, odd, serve(file));
    const warnings = [expect.stringMatching(new RegExp(`${why}.*started over`))];
    expect(await save()).toMatchObject({ state: "complete", warnings });
  });

  test.each([
    ["the same file as a whole", 1, "sent the whole file instead of the rest"],
    ["another file", 2, "The file changed on its host"],
  ])("when the host sends %s", async (_what, seed, why) => {
    const [file, next] = [await remoteFile(200 * KIB, 1), await remoteFile(200 * KIB, seed)];
    const { save } = await stage({}, serve(file, { after: 100 * KIB }), serve(next, { ignoreRange: true }));
    expect(await save()).toMatchObject({ state: "complete", warnings: [expect.stringContaining(why)] });
  });
});

test("a stored Content-Encoding is noted in the record, also after a restart from the part", async () => {
  const file = await remoteFile(200 * KIB);
  const headers = { "content-encoding": "aws-chunked,gzip" };
  const { save, folder, server, store, source } = await stage(
    {},
    serve(file, { after: 100 * KIB, headers }),
    respond("500 X"),
  );
  expect(await save()).toMatchObject({ state: "paused" });
  await store.close();
  server.script(serve(file));
  const notes = [expect.stringContaining("Content-Encoding aws-chunked, gzip")];
  expect(await saveTo(openStore(folder, { source }))).toMatchObject({ state: "complete", integrity: { notes } });
  expect(await readJsonFile(folder, `${defaultName}.json`)).toMatchObject({ integrity: { notes } });
});

test("a file that comes compressed once more, always, is not said to have been saved", async () => {
  const file = await remoteFile(20 * KIB);
  const { save } = await stage({}, serve({ bytes: gzipSync(file.bytes) }, { headers: { "content-encoding": "gzip" } }));
  const failure = await save().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "FILE_DAMAGED" });
  expect(String(failure)).toMatch(/discarded, twice/);
  expect(String(failure)).not.toMatch(/\bsaved as\b/);
});

describe("what is not gzip is refused with what it is", () => {
  const head = (bytes: number[]) => Buffer.concat([Buffer.from(bytes), Buffer.alloc(2_000, 7)]);
  const forms: [what: string, body: () => Promise<Buffer> | Buffer][] = [
    ["a tar that is not compressed", () => tar(dataFiles())],
    ["a zstd file", () => head([0x28, 0xb5, 0x2f, 0xfd])],
    ["a mongodump archive that is not compressed", () => Buffer.concat([MONGODUMP_MAGIC, bson({ a: "b" })])],
    ["a bzip2 file", () => Buffer.from("BZh91AY")],
    ["an xz file", () => head([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0])],
    ["a zip file", () => Buffer.from("PK\x03\x04xyz")],
    ["deflate data with a zlib header", () => deflateSync("some data")],
    [
      "the frames of aws-chunked",
      async () => Buffer.concat([Buffer.from("10000;chunk-signature=ab\r\n"), await archive(KIB)]),
    ],
    ["the frames of aws-chunked", async () => Buffer.concat([Buffer.from("10000\r\n"), await archive(KIB)])],
    [
      "an error document of an object store",
      () => Buffer.from('\ufeff<?xml version="1.0"?>\n<Error><Code>X</Code></Error>'),
    ],
    ["a web page", () => Buffer.from("\n<!DOCTYPE html><html>")],
    ["JSON text", () => Buffer.from('{"error": 1}')],
    ["plain text", () => Buffer.from("Not today")],
    ["empty", () => Buffer.alloc(0)],
    ["in a form that this server does not know", () => head([0, 1, 2, 3])],
  ];
  test.each(forms)("%s", async (what, body) => {
    const file = { bytes: await body() };
    const { save } = await stage({}, serve(file, { chunked: "ended", headers: { "content-length": undefined } }));
    const isAnswer = /page|document|text|empty/.test(what);
    await expect(save()).rejects.toMatchObject({
      code: "NOT_A_SNAPSHOT",
      envelope: {
        detail: expect.stringContaining(`What the file host sent is ${what}`),
        hint: isAnswer ? expect.stringContaining("captive portal") : expect.not.stringContaining("captive portal"),
      },
    });
  });
});

test("on Windows, outside the user's profile, the list and the check of a file warn of the other users", async () => {
  const { folder, store } = await savedStage();
  const about = async (home: string) => {
    for (const variable of ["HOME", "USERPROFILE"]) vi.stubEnv(variable, home);
    return [await listOf(store), await store.verify(defaultName, patiently())].map(({ warning }) => warning);
  };
  pretendWindows();
  onTestFinished(() => void vi.unstubAllEnvs());
  const says = expect.stringContaining("outside this user's profile folder");
  expect(await about(await temporaryFolder())).toEqual([says, says]);
  expect(await about(folder)).toEqual([undefined, undefined]);
});
