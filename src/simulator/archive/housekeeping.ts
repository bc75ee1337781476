import { bson } from "./bson.ts";
import { noiseOf } from "./noise.ts";

/** Every WiredTiger file begins with a block that says what it is: its magic number, then its version. */
export const DESCRIPTION_BYTES = 4_096;
const WIRED_TIGER_MAGIC = 120_897;

export function description(): Buffer {
  const block = Buffer.alloc(DESCRIPTION_BYTES);
  block.writeUInt32LE(WIRED_TIGER_MAGIC, 0);
  block.writeUInt16LE(1, 4);
  return block;
}

export interface SmallFile {
  name: string;
  content: Buffer;
}

/** The files of every data directory, in the order a backup lists them. */
export function housekeeping(seed: string, modifiedAt: number): SmallFile[] {
  const noise = noiseOf(`files ${seed}`);
  const table = (pages: number) => Buffer.concat([description(), noise.bytes(pages * DESCRIPTION_BYTES)]);
  const startedAt = new Date(modifiedAt - 60_000).toISOString();
  const log = (msg: string) =>
    `${JSON.stringify({ t: { $date: startedAt }, s: "I", c: "STORAGE", ctx: "initandlisten", msg })}\n`;
  return [
    { name: "WiredTiger", content: Buffer.from("WiredTiger\nWiredTiger 11.3.1: (November 2024)\n") },
    { name: "WiredTiger.lock", content: Buffer.from("WiredTiger lock file\n") },
    {
      name: "WiredTiger.turtle",
      content: Buffer.from(
        `WiredTiger version string\nWiredTiger 11.3.1\nWiredTiger version\nmajor=11,minor=3,patch=1\nfile:WiredTiger.wt\ncheckpoint_lsn=(1,${noise.below(100_000)})\n`,
      ),
    },
    { name: "WiredTiger.wt", content: table(3) },
    { name: "WiredTigerHS.wt", content: table(1) },
    { name: "_mdb_catalog.wt", content: table(2) },
    { name: "collection-0-1.wt", content: table(1) },
    { name: "index-1-1.wt", content: table(1) },
    { name: "journal/", content: Buffer.alloc(0) },
    { name: "journal/WiredTigerLog.0000000001", content: Buffer.concat([noise.bytes(2_048), Buffer.alloc(2_048)]) },
    { name: "journal/WiredTigerPreplog.0000000001", content: Buffer.alloc(4_096) },
    {
      name: "mongod.log",
      content: Buffer.from(["Opening WiredTiger", "WiredTiger opened", "Snapshot taken"].map(log).join("")),
    },
    { name: "sizeStorer.wt", content: table(1) },
    {
      name: "storage.bson",
      content: bson({
        storage: {
          engine: "wiredTiger",
          options: { directoryPerDB: false, directoryForIndexes: false, groupCollections: false },
        },
      }),
    },
  ];
}
