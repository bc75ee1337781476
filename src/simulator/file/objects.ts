import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { createPool, dataDirectory, type Pool } from "../archive/data-directory.ts";
import { dumpArchive, dumpDirectory } from "../archive/mongodump.ts";
import { finishedAt, type Snapshot } from "../world.ts";
import { objectOfBytes, type StoredObject } from "./s3.ts";

/** Parts of an upload; S3 gives an object that came in parts an ETag that is no MD5. */
const PART_BYTES = 8 * 1024 * 1024;

export interface Objects {
  objectOf: (snapshotId: string) => Promise<StoredObject | undefined>;
  /** The object changes: other bytes, another ETag, a later modification. */
  replace: (snapshotId: string) => void;
}

interface ObjectsOptions {
  now: () => number;
  snapshotBytes: number;
  contents: "incompressible" | "compressible";
}

/** The files of all snapshots; each is laid out, and the blocks they share are made, when first asked for. */
export function createObjects(snapshots: Snapshot[], options: ObjectsOptions): Objects {
  const cache = new Map<string, Promise<StoredObject>>();
  const versions = new Map<string, number>();
  let pool: Promise<Pool> | undefined;

  async function build(snapshot: Snapshot): Promise<StoredObject> {
    const version = versions.get(snapshot.id) ?? 0;
    const changedAt = version === 0 ? finishedAt(snapshot) : options.now();
    const lastModified = Math.floor(changedAt / 1_000) * 1_000;
    const seed = `${snapshot.id}.${version}`;
    if (snapshot.contents === "dump-directory") {
      return smallObject(gzipSync(dumpDirectory(seed, lastModified)), lastModified, "application/x-tar");
    }
    if (snapshot.contents === "mongodump-archive") {
      return smallObject(gzipSync(dumpArchive(seed)), lastModified, "application/gzip");
    }
    pool ??= createPool(options.snapshotBytes);
    return largeObject(await pool, seed, lastModified);
  }

  function largeObject(blocks: Pool, seed: string, lastModified: number): StoredObject {
    const { snapshotBytes, contents } = options;
    const compressible = contents === "compressible";
    const file = dataDirectory(blocks, { seed, bytes: snapshotBytes, compressible, modifiedAt: lastModified });
    const identity = [seed, file.length, contents, lastModified, blocks.fingerprint].join();
    const etag = `"${md5(identity)}-${Math.ceil(file.length / PART_BYTES)}"`;
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
      if (!snapshots.some(({ id }) => id === snapshotId)) throw new RangeError(`There is no snapshot "${snapshotId}".`);
      versions.set(snapshotId, (versions.get(snapshotId) ?? 0) + 1);
      cache.delete(snapshotId);
    },
  };
}

/** Small objects are uploaded in one piece, so that their ETag is the MD5 of their bytes. */
function smallObject(bytes: Buffer, lastModified: number, contentType: string): StoredObject {
  return objectOfBytes(bytes, { etag: `"${md5(bytes)}"`, lastModified, contentType });
}

function md5(data: string | Uint8Array): string {
  return createHash("md5").update(data).digest("hex");
}
