import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tarOf } from "../archive/tar.ts";
import { finishedAt, type Snapshot } from "../snapshots.ts";
import { objectOfBytes, type StoredObject } from "./stored-object.ts";

export interface Objects {
  objectOf: (snapshotId: string) => Promise<StoredObject | undefined>;
  /** The object changes: other bytes, another ETag, a later modification. */
  replace: (snapshotId: string) => void;
}

export function createObjects(snapshots: Snapshot[], now: () => number): Objects {
  const cache = new Map<string, Promise<StoredObject>>();
  const versions = new Map<string, number>();

  return {
    objectOf: async (snapshotId) => {
      const snapshot = snapshots.find(({ id }) => id === snapshotId);
      if (!snapshot) return undefined;
      const object = cache.get(snapshotId) ?? build(snapshot, versions.get(snapshotId) ?? 0, now());
      cache.set(snapshotId, object);
      return object;
    },
    replace: (snapshotId) => {
      versions.set(snapshotId, (versions.get(snapshotId) ?? 0) + 1);
      cache.delete(snapshotId);
    },
  };
}

async function build(snapshot: Snapshot, version: number, now: number): Promise<StoredObject> {
  const at = version === 0 ? finishedAt(snapshot) : now;
  const lastModified = Math.floor(at / 1_000) * 1_000;
  const seed = `${snapshot.id}.${version}`;
  const bytes = gzipSync(tarOf([{ name: "WiredTiger", content: Buffer.from(`WiredTiger ${seed}\n`) }], lastModified));
  const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
  return objectOfBytes(bytes, { etag, lastModified, contentType: "application/gzip" });
}
