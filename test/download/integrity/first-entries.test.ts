import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { firstEntriesOf } from "../../../src/download/contract.ts";
import { checkArchives, dataFiles, flipBit, MIB, MONGODUMP_MAGIC, noise, tar, tgz } from "../fixtures.ts";

const { file, path } = checkArchives();
const firstOf = async (bytes: Buffer) => firstEntriesOf(await file(bytes));
const kindsOf = async (files: Record<string, string>) =>
  (await firstOf(await tgz(files))).entries.map(({ kind }) => kind);

describe("the first entries of an archive", () => {
  test("are named in fixed words, with their depth", async () => {
    const found = await firstOf(await tgz({ "snapshot/": "", ...dataFiles("snapshot/") }));
    expect(found).toMatchObject({
      format: "tar",
      stoppedAt: "the end",
      gzip: { fields: [], hasTime: false, members: 1 },
    });
    const { entries } = found;
    expect(entries.slice(0, 3)).toEqual([
      { kind: "directory", depth: 0, typeflag: "5", header: "ustar", extensions: [], escapes: false },
      { kind: "WiredTiger", depth: 1, typeflag: "0", header: "ustar", extensions: [], escapes: false },
      { kind: "WiredTiger.turtle", depth: 1, typeflag: "0", header: "ustar", extensions: [], escapes: false },
    ]);
    expect(entries.at(-1)).toMatchObject({ kind: "WiredTigerLog.*", depth: 2 });
  });

  test.each([
    ["./journal/", "directory journal"],
    ["alice/", "directory"],
    ["shop/orders.bson", "other file (.bson)"],
    ["shop/orders.bson.gz", "*.bson.gz"],
    ["shop/orders.metadata.json", "*.metadata.json"],
    ["metrics.2026-11-22T03-01-10Z-00000", "metrics.*"],
    ["alice.pem", "other file"],
    ["alice.txt", "other file (.txt)"],
    ["alice", "other file"],
  ])("%s is %s", async (name, kind) => {
    expect(await kindsOf({ [name]: "" })).toEqual([kind]);
  });

  test("hold no name, wherever it stands", async () => {
    const found = await firstOf(
      await tgz({
        "payroll/": "",
        "payroll/salaries.bson": "x",
        [`${"alice/".repeat(40)}collection-payroll.wt`]: "x",
        "/payroll/../b": "x",
      }),
    );
    expect(JSON.stringify(found)).not.toMatch(/payroll|salaries|alice/);
    expect(found.entries).toMatchObject([
      {},
      {},
      { kind: "collection-*.wt", depth: 40, extensions: ["pax"] },
      { escapes: true },
    ]);
  });

  test("in GNU form keep the long name, and say which header it had", async () => {
    const name = `${"folder/".repeat(20)}index-1.wt`;
    const [long, short] = [await tar({ "@LongLink": name.padEnd(512, "\0") }), await tar({ short: "x" })];
    const header = withType(long.subarray(0, 512), "L");
    const found = await firstOf(gzipSync(Buffer.concat([header, long.subarray(512, 1024), short])));
    expect(found.entries).toMatchObject([{ kind: "index-*.wt", depth: 20, extensions: ["gnu long name"] }]);
  });

  test("of several gzip members are read through, and the members counted", async () => {
    const bytes = await tar(dataFiles());
    const members = [0, 700, 1400].map((start, index, all) => gzipSync(bytes.subarray(start, all[index + 1])));
    expect(await firstOf(Buffer.concat(members))).toMatchObject({
      gzip: { members: 3 },
      format: "tar",
      entries: { length: 10 },
    });
  });

  test("are twelve at most", async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`collection-${index}.wt`, "x"]));
    expect(await firstOf(await tgz(files))).toMatchObject({ entries: { length: 12 }, stoppedAt: "enough entries" });
  });

  test("are only those within the first 64 MiB", async () => {
    const big = await tar({ "collection-1.wt": Buffer.alloc(70 * MIB), "collection-2.wt": "x" });
    expect(await firstOf(gzipSync(big, { level: 1 }))).toMatchObject({
      entries: [{ kind: "collection-*.wt" }],
      stoppedAt: "enough bytes",
    });
  });

  test("are those before the damage", async () => {
    const bytes = await tgz({ WiredTiger: "x", "collection-1.wt": noise(MIB, 1), "index-1.wt": "x" });
    for (const broken of [flipBit(bytes.fill(0xff, 200_000, 300_000), 0).fill(0x1f, 0, 1), bytes.subarray(0, 100_000)])
      expect(await firstOf(broken)).toMatchObject({
        entries: [{ kind: "WiredTiger" }, { kind: "collection-*.wt" }],
        stoppedAt: "damage",
      });
  });
});

test.each<[string, Buffer, object]>([
  [
    "a mongodump archive",
    gzipSync(Buffer.concat([MONGODUMP_MAGIC, Buffer.alloc(600)])),
    { format: "mongodump archive" },
  ],
  ["a gzip file of something else", gzipSync(noise(2_000, 1)), { format: "unknown", gzip: { members: 1 } }],
  ["a web page", Buffer.from("<html>"), { format: "unknown", stoppedAt: "damage" }],
  ["an empty file", Buffer.alloc(0), { format: "unknown", stoppedAt: "damage" }],
])("%s has no entries", async (_, bytes, found) => {
  expect(await firstOf(bytes)).toMatchObject({ entries: [], ...found });
});

test("a file that is gone rejects", async () => {
  await expect(firstEntriesOf(path("gone.tgz"))).rejects.toMatchObject({ code: "ENOENT" });
});

test("the fields of a gzip header are named, never what is in them", async () => {
  const plain = gzipSync(await tar({ WiredTiger: "x" }));
  const head = Buffer.from([0x1f, 0x8b, 8, 0x08, 1, 2, 3, 4, 0, 10]);
  const found = await firstOf(Buffer.concat([head, Buffer.from("payroll.tar\0"), plain.subarray(10)]));
  expect(found).toMatchObject({
    gzip: { fields: ["file name"], hasTime: true, system: "NTFS" },
    entries: [{ kind: "WiredTiger" }],
  });
  expect(JSON.stringify(found)).not.toContain("payroll");
});

/** The header of another type, its checksum made right. */
function withType(header: Buffer, type: string): Buffer {
  const changed = Buffer.from(header);
  changed.write(type, 156);
  changed.fill(" ", 148, 156);
  const sum = changed.reduce((total, byte) => total + byte, 0);
  changed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}
