import { createHash } from "node:crypto";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type RemoteFile, serve, type Twist } from "./fault-server.ts";
import {
  asRecorded,
  bson,
  dataFiles,
  defaultName,
  hashOf,
  int32,
  KIB,
  lastBlock,
  listOf,
  MONGODUMP_MAGIC,
  namesIn,
  noise,
  openStore,
  patiently,
  readJsonFile,
  savedStage,
  saveTo,
  sha256,
  sourceOf,
  stage,
  tar,
  temporaryFolder,
} from "./fixtures.ts";

const BORDER = 40 * KIB;
const terminator = int32(-1);

/** A file of two gzip members; the first holds the unpacked bytes up to `BORDER`. */
function members(unpacked: Buffer, first = unpacked) {
  const head = gzipSync(first.subarray(0, BORDER), { level: 0 });
  return { bytes: Buffer.concat([head, gzipSync(unpacked.subarray(BORDER), { level: 0 })]), headBytes: head.length };
}

const tarOf = (seed: number) => tar({ ...dataFiles(), "collection-4-1.wt": noise(100 * KIB, seed) });
const [one, two, three] = [await tarOf(1), await tarOf(2), await tarOf(3)];
const whole = members(one);

const BODIES_WITHOUT_LENGTH: [how: string, twist: Twist][] = [
  ["a chunked body", { chunked: "ended" }],
  ["an HTTP/1.1 body that the end of the connection ends", { end: "fin" }],
  ["an HTTP/1.0 body that the end of the connection ends", { version: "1.0", end: "fin" }],
  ["an HTTP/1.0 body that a reset ends", { version: "1.0", end: "rst" }],
];

describe("without a length, a file that ends at the end of its first gzip member", () => {
  const cutShort = ([, twist]: (typeof BODIES_WITHOUT_LENGTH)[number]) =>
    serve({ bytes: whole.bytes.subarray(0, whole.headBytes) }, { headers: { "content-length": undefined }, ...twist });

  test.each(BODIES_WITHOUT_LENGTH)("in %s is fetched once more", async (...body) => {
    const { save, folder } = await stage({}, cutShort(body), serve({ bytes: whole.bytes }));
    expect(await save()).toMatchObject({ state: "complete", sound: true });
    expect(await hashOf(folder)).toBe(sha256(whole.bytes));
  });

  test.each(BODIES_WITHOUT_LENGTH)("in %s twice is damaged, and nothing of it stays", async (...body) => {
    const { save, folder, server } = await stage({}, cutShort(body));
    await expect(save()).rejects.toMatchObject({
      code: "FILE_DAMAGED",
      envelope: { detail: expect.stringMatching(/\(contents\).*middle of an entry.*named no length/) },
    });
    expect(server.requests).toHaveLength(2);
    expect(await namesIn(folder)).toEqual([]);
  });
});

const header = bson({ version: "0.1" });
const dumped = Buffer.concat([
  ...[MONGODUMP_MAGIC, header, bson({ db: "shop", collection: "a" }), terminator],
  ...[bson({ db: "shop", collection: "a" }), bson({ x: "y" }), terminator],
  lastBlock("a"),
]);
const BETWEEN_BLOCKS = dumped.subarray(0, -lastBlock("a").length);
const INSIDE_ENTRY = one.subarray(0, -2 * KIB);
const ON_BORDER = one.subarray(0, -KIB);

describe("how the contents end decides what becomes of a file whose gzip data is right:", () => {
  const NAMED = {};
  const UNNAMED = { chunked: "ended" } as const;
  test.each<[what: string, contents: Buffer, twist: Twist, outcome: string]>([
    ["a tar with its end marker", one, NAMED, "sound"],
    ["a tar with its end marker", one, UNNAMED, "sound"],
    ["a tar that ends after an entry", ON_BORDER, NAMED, "sound"],
    ["a tar that ends after an entry", ON_BORDER, UNNAMED, "FILE_DAMAGED"],
    ["a tar that ends inside an entry", INSIDE_ENTRY, NAMED, "incomplete"],
    ["a tar that ends inside an entry", INSIDE_ENTRY, UNNAMED, "FILE_DAMAGED"],
    ["a mongodump archive with its terminator", dumped, NAMED, "sound"],
    ["a mongodump archive with its terminator", dumped, UNNAMED, "sound"],
    ["a mongodump archive without its last block", BETWEEN_BLOCKS, NAMED, "incomplete"],
    ["a mongodump archive without its last block", BETWEEN_BLOCKS, UNNAMED, "FILE_DAMAGED"],
    ["a mongodump archive without its terminator", dumped.subarray(0, -4), NAMED, "incomplete"],
    ["a mongodump archive without its terminator", dumped.subarray(0, -4), UNNAMED, "FILE_DAMAGED"],
    ["a text", Buffer.from("some text"), NAMED, "sound"],
    ["a text", Buffer.from("some text"), UNNAMED, "FILE_DAMAGED"],
  ])("%s (%#)", async (_what, contents, twist, outcome) => {
    const { save } = await stage({}, serve({ bytes: gzipSync(contents) }, twist));
    const end = await save().then(
      ({ sound }) => (sound ? "sound" : "incomplete"),
      ({ code }) => code,
    );
    expect(end).toBe(outcome);
  });
});

describe("text that a gateway packs with gzip in place of the file", () => {
  const coded = { headers: { "content-encoding": "gzip" } };
  const page = (text: string, twist: Twist = coded) => serve({ bytes: gzipSync(text) }, twist);

  test.each([
    ["a web page", "<html><body>Please log in</body></html>"],
    ["a web page after a byte order mark and blank lines", "\ufeff\r\n\r\n<!DOCTYPE html><p>Please log in"],
    ["a fragment of a web page", "<script>location = '/login'</script>"],
    ["XML", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ["a JSON object", '{ "error": 500 }'],
    ["a JSON list", '[{"error":500}]'],
  ])("is refused as %s, whether the coding is named or not, and nothing of it stays", async (_what, text) => {
    for (const twist of [coded, {}, { chunked: "ended" } as const]) {
      const { save, folder, server } = await stage({}, page(text, twist));
      await expect(save()).rejects.toMatchObject({
        code: "NOT_A_SNAPSHOT",
        envelope: { detail: expect.stringContaining("a web page, XML or JSON") },
      });
      expect(server.requests).toHaveLength(2);
      expect(await namesIn(folder)).toEqual([]);
    }
  });

  test.each(["gzip", "x-gzip", "aws-chunked,gzip"])(
    "in no known form is damaged under the coding %s",
    async (coding) => {
      const { save, folder } = await stage({}, page("Please log in", { headers: { "content-encoding": coding } }));
      await expect(save()).rejects.toMatchObject({
        code: "FILE_DAMAGED",
        envelope: { detail: expect.stringMatching(/\(contents\).*Content-Encoding .*gzip/) },
      });
      expect(await namesIn(folder)).toEqual([]);
    },
  );

  test("costs one fresh fetch when it comes once, also in place of the rest", async () => {
    const file = { bytes: whole.bytes, etag: '"object-1-8"' };
    const long = page(`<html>${noise(3 * KIB, 4).toString("hex")}</html>`, { ...coded, ignoreRange: true });
    for (const script of [
      [long, serve(file)],
      [serve(file, { after: whole.headBytes }), long, serve(file)],
    ]) {
      const { save, folder } = await stage({}, ...script);
      expect(await save()).toMatchObject({ state: "complete", sound: true });
      expect(await hashOf(folder)).toBe(sha256(file.bytes));
    }
  });

  test("is not sound, though an earlier version saved it as such", async () => {
    const { folder, store } = await savedStage();
    const bytes = gzipSync("<html>Please log in</html>");
    const name = `${defaultName}.json`;
    await writeFile(join(folder, defaultName), bytes);
    await writeFile(
      join(folder, name),
      JSON.stringify({ ...(await readJsonFile(folder, name)), bytes: bytes.length, sha256: sha256(bytes) }),
    );
    expect(await store.verify(defaultName, patiently())).toMatchObject({
      sound: false,
      integrity: { recordedSha256: "ok", notes: [expect.stringContaining("a web page, XML or JSON")] },
    });
  });
});

describe("a file of the named length whose archive ends inside an entry", () => {
  const bytes = gzipSync(INSIDE_ENTRY);
  const saved = async () => {
    const staged = await stage({}, serve({ bytes }));
    return { ...staged, report: await staged.save() };
  };

  test("is kept as its host has it, complete but not sound, and without a restore guide", async () => {
    const { report, folder, server } = await saved();
    expect(report).toMatchObject({
      state: "complete",
      sound: false,
      integrity: { gzip: "ok", length: "ok", notes: ["The tar inside ends in the middle of an entry."] },
    });
    expect(report).not.toHaveProperty("restore");
    expect(await hashOf(folder)).toBe(sha256(bytes));
    expect(await readJsonFile(folder, `${defaultName}.json`)).toMatchObject({ sound: false });
    expect(server.requests).toHaveLength(1);
  });

  test("stays so in every later answer, of other processes too, and is not fetched again", async () => {
    const { report, folder, server } = await saved();
    const next = openStore(folder, { source: sourceOf(server.url) });
    expect(await saveTo(next)).toEqual(asRecorded(report));
    const verified = await next.verify(defaultName, patiently());
    expect(verified).toMatchObject({ sound: false, integrity: { recordedSha256: "ok" } });
    expect(verified).not.toHaveProperty("restore");
    expect((await listOf(next)).files).toMatchObject([{ state: "complete", sound: false }]);
    expect(await saveTo(next)).toEqual(asRecorded(report));
    expect(server.requests).toHaveLength(1);
  });

  test("stays so after a check because its time changed", async () => {
    const { report, folder, server } = await saved();
    await utimes(join(folder, defaultName), 1_000, 1_000);
    expect(await saveTo(openStore(folder, { source: sourceOf(server.url) }))).toEqual(asRecorded(report));
    expect(server.requests).toHaveLength(1);
  });
});

describe("a record of an earlier version, which did not decide whether the file is sound,", () => {
  /** Saves the contents, then takes from the record what that version did not write. */
  async function recorded(contents: Buffer, length: string, notes: string[]) {
    const staged = await stage({}, serve({ bytes: gzipSync(contents) }));
    await staged.save();
    const name = `${defaultName}.json`;
    const { sound, ...record } = await readJsonFile(staged.folder, name);
    const integrity = { gzip: "ok", length, md5: "not-verifiable", ...(notes.length > 0 && { notes }) };
    await writeFile(join(staged.folder, name), JSON.stringify({ ...record, integrity }));
    return { ...staged, next: openStore(staged.folder, { source: sourceOf(staged.server.url) }) };
  }
  const INSIDE = "The tar inside ends in the middle of an entry.";
  const UNMARKED = "The tar inside lacks its end marker, which tar tolerates.";
  const text = Buffer.from("some text");

  test.each<[what: string, contents: Buffer, length: string, notes: string[], sound: boolean]>([
    ["a tar that ends inside an entry", INSIDE_ENTRY, "ok", [INSIDE], false],
    ["a tar that ends after an entry", ON_BORDER, "ok", [UNMARKED], true],
    ["a tar that ends after an entry", ON_BORDER, "unknown", [UNMARKED], false],
    ["a tar with its end marker", one, "unknown", [], true],
    ["a text", text, "ok", [], true],
    ["a text", text, "unknown", [], false],
    ["a mongodump archive", dumped, "ok", [], true],
    ["a mongodump archive, whose end it did not read", dumped, "unknown", [], false],
  ])("is judged by its notes in every answer: %s (%#)", async (_what, contents, length, notes, sound) => {
    const { next, server } = await recorded(contents, length, notes);
    expect((await listOf(next)).files).toMatchObject([{ state: "complete", sound }]);
    expect(await saveTo(next)).toMatchObject({ state: "complete", sound });
    expect(server.requests).toHaveLength(1);
  });

  test("is corrected by the next check of the file", async () => {
    const { next, folder } = await recorded(dumped.subarray(0, -4), "ok", []);
    expect((await listOf(next)).files).toMatchObject([{ sound: true }]);
    expect(await next.verify(defaultName, patiently())).toMatchObject({ sound: false });
    expect((await listOf(openStore(folder, {}))).files).toMatchObject([{ state: "complete", sound: false }]);
  });
});

test.each([
  ["a tar with its end marker", one, true],
  ["a tar that ends after an entry", ON_BORDER, false],
  ["a text", Buffer.from("some text"), false],
])("without a record, whose length could be compared, %s is judged by its end", async (_what, contents, sound) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "foreign.tgz"), gzipSync(contents));
  expect(await openStore(folder, {}).verify("foreign.tgz", patiently())).toMatchObject({ sound });
});

describe("an object that was replaced by another of the same length under its old MD5 as ETag", () => {
  const etag = `"${createHash("md5").update(whole.bytes).digest("hex")}"`;
  const first: RemoteFile = { bytes: whole.bytes, etag };
  const second: RemoteFile = { bytes: members(two).bytes, etag };
  const third: RemoteFile = { bytes: members(three).bytes, etag };
  const cut = { after: whole.headBytes };

  test("can be spliced with it into a sound archive that no host ever had", async () => {
    const { save } = await stage({}, serve({ bytes: members(two, one).bytes }));
    expect(await save()).toMatchObject({ sound: true, bytes: first.bytes.length });
  });

  test("while a transfer resumed costs one fresh fetch, and no splice is published", async () => {
    const { save, folder, server } = await stage({}, serve(first, cut), serve(second));
    expect(await save()).toMatchObject({ state: "complete", sound: true, integrity: { md5: "not-verifiable" } });
    expect(await hashOf(folder)).toBe(sha256(second.bytes));
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([
      undefined,
      `bytes=${whole.headBytes}-`,
      undefined,
    ]);
  });

  test("while a later attempt resumed costs one too", async () => {
    const { save, store, folder, server } = await stage({}, serve(first, cut), serve(first, { after: 0 }));
    expect(await save()).toMatchObject({ state: "paused" });
    await store.close();
    server.script(serve(second));
    expect(await saveTo(openStore(folder, { source: sourceOf(server.url) }))).toMatchObject({ sound: true });
    expect(await hashOf(folder)).toBe(sha256(second.bytes));
  });

  test("at each of two fetches that resumed is damaged", async () => {
    const script = [serve(first, cut), serve(second), serve(second, cut), serve(third)];
    const { save, folder } = await stage({}, ...script);
    await expect(save()).rejects.toMatchObject({
      code: "FILE_DAMAGED",
      envelope: { detail: expect.stringMatching(/\(MD5\).*several responses/) },
    });
    expect(await namesIn(folder)).toEqual([]);
  });
});

test("an ETag that is the MD5 of no file costs one fresh fetch after a resume, and the same bytes again are published", async () => {
  const file = { bytes: whole.bytes, etag: `"${"0123456789abcdef".repeat(2)}"` };
  const cut = serve(file, { after: whole.headBytes });
  const { save, folder, server } = await stage({}, cut, serve(file), cut, serve(file));
  expect(await save()).toMatchObject({ sound: true, integrity: { md5: "not-verifiable" } });
  expect(await hashOf(folder)).toBe(sha256(file.bytes));
  expect(server.requests).toHaveLength(4);
});

describe("without a length, an ETag that is the MD5 of no file", () => {
  const etag = `"${"0123456789abcdef".repeat(2)}"`;
  const unnamed = (bytes: Buffer) => serve({ bytes, etag }, { chunked: "ended" });

  test("costs one fresh fetch, and the same bytes again are published if they end as an archive ends", async () => {
    const { save, folder, server } = await stage({}, unnamed(whole.bytes));
    expect(await save()).toMatchObject({
      sound: true,
      integrity: { length: "unknown", md5: "not-verifiable", notes: [expect.stringContaining("looks like an MD5")] },
    });
    expect(await hashOf(folder)).toBe(sha256(whole.bytes));
    expect(server.requests).toHaveLength(2);
  });

  test.each([
    ["other bytes", [whole.bytes, members(two).bytes], /\(MD5\)/],
    ["the same bytes that end after an entry", [gzipSync(ON_BORDER)], /\(contents\).*named no length/],
    ["the same bytes that are no gzip data to their end", [whole.bytes.subarray(0, -1)], /\(gzip, MD5\)/],
  ])("does not excuse %s", async (_what, bodies, detail) => {
    const { save, folder } = await stage({}, ...bodies.map(unnamed));
    await expect(save()).rejects.toMatchObject({
      code: "FILE_DAMAGED",
      envelope: { detail: expect.stringMatching(detail) },
    });
    expect(await namesIn(folder)).toEqual([]);
  });
});
