// Files that are not data directories: a tar of the folder that `mongodump` writes, and a `mongodump --archive`.
import { type BsonDocument, bson, noiseOf, tarOf } from "./formats.ts";

const DB = "reports";

/** A tar of what `mongodump` writes into a folder: one `.bson` and one `.metadata.json` for each collection. */
export function dumpDirectory(seed: string, modifiedAt: number): Buffer {
  const files = collectionsOf(seed).flatMap(({ name, documents, metadata }) => [
    { name: `dump/${DB}/${name}.bson`, content: Buffer.concat(documents) },
    { name: `dump/${DB}/${name}.metadata.json`, content: Buffer.from(metadata) },
  ]);
  return tarOf(files, modifiedAt);
}

/** The first four bytes of an archive, little-endian 0x8199e26d. */
const MAGIC = Buffer.from([0x6d, 0xe2, 0x99, 0x81]);
const TERMINATOR = Buffer.alloc(4, 0xff);

/**
 * What `mongodump --archive` writes: a prelude that names the collections, then blocks of their documents, interleaved.
 * The last block of each collection holds the CRC-64 of its documents.
 */
export function dumpArchive(seed: string): Buffer {
  const collections = collectionsOf(seed);
  const header = bson({
    concurrent_collections: 4,
    version: "0.1",
    server_version: "8.0.16",
    tool_version: "100.13.0",
  });
  const prelude = collections.map(({ name, metadata }) =>
    bson({ db: DB, collection: name, metadata, size: 0, type: "collection" }),
  );
  const blocks = (isFirstHalf: boolean) =>
    collections.map(({ name, documents }) => {
      const half = Math.ceil(documents.length / 2);
      const part = isFirstHalf ? documents.slice(0, half) : documents.slice(half);
      return Buffer.concat([namespace(name, false, 0n), ...part, TERMINATOR]);
    });
  const ends = collections.map(({ name, documents }) =>
    Buffer.concat([namespace(name, true, crc64(Buffer.concat(documents))), TERMINATOR]),
  );
  return Buffer.concat([MAGIC, header, ...prelude, TERMINATOR, ...blocks(true), ...blocks(false), ...ends]);
}

function namespace(collection: string, isEnd: boolean, crc: bigint): Buffer {
  return bson({ db: DB, collection, EOF: isEnd, CRC: crc });
}

interface Collection {
  name: string;
  documents: Buffer[];
  metadata: string;
}

/** The content of a small database, the same for the same seed. */
function collectionsOf(seed: string): Collection[] {
  const noise = noiseOf(`dump ${seed}`);
  const collection = (name: string, count: number, fields: (index: number) => BsonDocument): Collection => ({
    name,
    documents: Array.from({ length: count }, (_, index) =>
      bson({ _id: { $oid: noise.bytes(12).toString("hex") }, ...fields(index) }),
    ),
    metadata: JSON.stringify({
      indexes: [{ v: { $numberInt: "2" }, key: { _id: { $numberInt: "1" } }, name: "_id_" }],
      uuid: noise.bytes(16).toString("hex"),
      collectionName: name,
      type: "collection",
    }),
  });
  return [
    collection("sales", 200, (index) => ({
      day: new Date(Date.UTC(2026, 10, 1 + (index % 28))),
      total: noise.below(1_000_000) / 100,
      lines: index,
      note: `Sale ${index}`,
    })),
    collection("customers", 50, (index) => ({
      name: `Customer ${index}`,
      active: index % 3 !== 0,
      tags: ["eu", "web"],
    })),
    collection("empty", 0, () => ({})),
  ];
}

/** The polynomial of CRC-64/XZ (Go: crc64.ECMA), reflected. */
const POLYNOMIAL = 0xc96c5795d7870f42n;
const ALL_ONES = 0xffffffffffffffffn;

export function crc64(bytes: Uint8Array): bigint {
  let crc = ALL_ONES;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc ^ ALL_ONES;
}
