// The files of all snapshots as S3 objects; each is built at its first request.
import { hash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { createPool, dataDirectory, type Pool } from "../archive/data-directory.ts";
import { dumpArchive, dumpDirectory } from "../archive/mongodump.ts";
import { finishedAt, type Snapshot } from "../world.ts";
import type { StoredObject } from "./s3.ts";

/** Size of the parts of an upload. The ETag of an object that was uploaded in parts is not the MD5 of its bytes. */
const PART_BYTES = 8 * 1024 * 1024;

interface Objects {
  objectOf: (snapshotId: string) => Promise<StoredObject | undefined>;
  /** Replaces the object by one with other bytes, another ETag and a later modification time. */
  replace: (snapshotId: string) => void;
}

export interface ObjectSettings {
  now: () => number;
  snapshotBytes: number;
  contents: "incompressible" | "compressible";
}

export function createObjects(snapshots: Snapshot[], { now, snapshotBytes, contents }: ObjectSettings): Objects {
  const cache = new Map<string, Promise<StoredObject>>();
  const versions = new Map<string, number>();
  let pool: Promise<Pool> | undefined;

  async function build(snapshot: Snapshot): Promise<StoredObject> {
    const version = versions.get(snapshot.id) ?? 0;
    const changedAt = version === 0 ? finishedAt(snapshot) : now();
    const lastModified = Math.floor(changedAt / 1_000) * 1_000;
    const seed = `${snapshot.id}.${version}`;
    if (snapshot.contents === "dump-directory") {
      return smallObject(gzipSync(dumpDirectory(seed, lastModified)), lastModified, "application/x-tar");
    }
    if (snapshot.contents === "mongodump-archive") {
      return smallObject(gzipSync(dumpArchive(seed)), lastModified, "application/gzip");
    }
    pool ??= createPool(snapshotBytes);
    const blocks = await pool;
    const compressible = contents === "compressible";
    const file = dataDirectory(blocks, { seed, bytes: snapshotBytes, compressible, modifiedAt: lastModified });
    const identity = [seed, file.length, contents, lastModified, blocks.fingerprint].join();
    const etag = `"${hash("md5", identity)}-${Math.ceil(file.length / PART_BYTES)}"`;
    return { ...file, etag, lastModified, contentType: "application/gzip" };
  }

  return {
    objectOf: async (snapshotId) => {
      const snapshot = snapshots.find(({ id }) => id === snapshotId);
      if (!snapshot) return undefined;
      const object = cache.get(snapshotId) ?? build(snapshot);
      cache.set(snapshotId, object);
      return object;
    },
    replace: (snapshotId) => {
      versions.set(snapshotId, (versions.get(snapshotId) ?? 0) + 1);
      cache.delete(snapshotId);
    },
  };
}

/** Small objects are uploaded in one piece, so their ETag is the MD5 of their bytes. */
function smallObject(bytes: Buffer, lastModified: number, contentType: string): StoredObject {
  const read = (start: number, end: number) => [bytes.subarray(start, end)];
  return { length: bytes.length, etag: `"${hash("md5", bytes)}"`, lastModified, contentType, read };
}
