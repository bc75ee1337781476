import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { crc64 } from "../../src/simulator/archive/mongodump.ts";
import { SIMULATED } from "../../src/simulator/simulator.ts";
import { simulatorFor } from "../fixtures.ts";
import { linkOf, requestDownload, send, V2 } from "./harness.ts";

const { name, dumpDirectorySnapshotId, mongodumpArchiveSnapshotId } = SIMULATED.reports;

async function fetched(snapshotId: string) {
  const simulator = await simulatorFor({ jobMs: 0 });
  return send(await linkOf(simulator, name, snapshotId));
}

/** The BSON documents of a buffer; throws if they do not fill the buffer exactly. */
function documentsOf(bytes: Buffer): Buffer[] {
  const documents: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readInt32LE(at);
    if (length < 5 || at + length > bytes.length || bytes[at + length - 1] !== 0)
      throw new Error(`No document at ${at}.`);
    documents.push(bytes.subarray(at, at + length));
    at += length;
  }
  return documents;
}

interface Block {
  header: Buffer;
  documents: Buffer[];
}

/** Reads a mongodump archive by its specification: magic number, prelude, blocks, each ended by ff ff ff ff. */
function readArchive(bytes: Buffer): { prelude: Buffer[]; blocks: Block[] } {
  expect(bytes.subarray(0, 4).toString("hex")).toBe("6de29981");
  const groups: Buffer[][] = [[]];
  for (let at = 4; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    const isTerminator = length === 0xffffffff;
    if (isTerminator) groups.push([]);
    else groups.at(-1)?.push(...documentsOf(bytes.subarray(at, at + length)));
    at += isTerminator ? 4 : length;
  }
  expect(groups.pop()).toEqual([]);
  const [prelude = [], ...rest] = groups;
  return { prelude, blocks: rest.map(([header = Buffer.alloc(0), ...documents]) => ({ header, documents })) };
}

/** The bytes after the name of one element. */
function field(document: Buffer, element: string): Buffer {
  const at = document.indexOf(`${element}\0`);
  expect(at).toBeGreaterThan(0);
  return document.subarray(at + element.length + 1);
}

const text = (document: Buffer, element: string) => {
  const value = field(document, element);
  return value.toString("utf8", 4, 3 + value.readInt32LE());
};

test("CRC-64/XZ has its check value", () => {
  expect(crc64(Buffer.from("123456789")).toString(16)).toBe("995dc9bbdf1939fa");
});

describe("a mongodump archive", () => {
  test("names its collections first, interleaves their documents and ends each with its CRC-64", async () => {
    const { bytes } = await fetched(mongodumpArchiveSnapshotId);
    const { prelude, blocks } = readArchive(gunzipSync(bytes));
    const [header = Buffer.alloc(0), ...collections] = prelude;
    expect(text(header, "server_version")).toBe("8.0.16");
    expect(text(header, "version")).toBe("0.1");
    const names = collections.map((collection) => `${text(collection, "db")}.${text(collection, "collection")}`);
    expect(names).toEqual(["reports.sales", "reports.customers", "reports.empty"]);
    for (const collection of collections) expect(() => JSON.parse(text(collection, "metadata"))).not.toThrow();

    for (const [index, count] of [200, 50, 0].entries()) {
      const own = blocks.filter((block) => `reports.${text(block.header, "collection")}` === names[index]);
      const documents = own.flatMap((block) => block.documents);
      expect(documents).toHaveLength(count);
      const last = own.at(-1);
      expect(field(last?.header ?? Buffer.alloc(0), "EOF")[0]).toBe(1);
      expect(last?.documents).toEqual([]);
      expect(field(last?.header ?? Buffer.alloc(0), "CRC").readBigUInt64LE()).toBe(crc64(Buffer.concat(documents)));
    }
  });

  test("has a download job that takes time, since its snapshot id is even", async () => {
    const path = `${V2}/groups/${SIMULATED.groupId}/flexClusters/${name}`;
    const { json } = await requestDownload(await simulatorFor(), mongodumpArchiveSnapshotId, { path });
    expect(json.status).toBe("PENDING");
  });
});

describe("a dump directory", () => {
  test("is a tar of documents and metadata for each collection", async () => {
    const { bytes, headers } = await fetched(dumpDirectorySnapshotId);
    expect(headers["content-type"]).toBe("application/x-tar");
    const tar = gunzipSync(bytes);
    const files = new Map<string, Buffer>();
    for (let at = 0; tar[at] !== 0; ) {
      const path = tar.toString("utf8", at, tar.indexOf(0, at));
      const size = Number.parseInt(tar.toString("latin1", at + 124, at + 135), 8);
      files.set(path, tar.subarray(at + 512, at + 512 + size));
      at += 512 + Math.ceil(size / 512) * 512;
    }
    expect([...files.keys()].sort()).toEqual(
      ["customers", "empty", "sales"].flatMap((each) => [
        `dump/reports/${each}.bson`,
        `dump/reports/${each}.metadata.json`,
      ]),
    );
    expect(documentsOf(files.get("dump/reports/sales.bson") ?? Buffer.alloc(0))).toHaveLength(200);
    expect(JSON.parse(String(files.get("dump/reports/sales.metadata.json")))).toMatchObject({
      collectionName: "sales",
    });
  });

  test("has the MD5 of its bytes as ETag, like an upload in one part", async () => {
    const { bytes, headers } = await fetched(dumpDirectorySnapshotId);
    expect(headers.etag).toBe(`"${createHash("md5").update(bytes).digest("hex")}"`);
  });
});
