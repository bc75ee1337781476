// What identifies a snapshot and one version of its file, checked before it becomes a file name, a request or a record.
import { z } from "zod";
import { ATLAS_ID, CLUSTER_NAME, isAtlasId, MAX_CLUSTER_NAME_CHARACTERS } from "../core/atlas-id.ts";
import { ownFailure } from "../core/errors.ts";
import { clean as cleanText } from "../core/text.ts";
import type { RawSnapshotFacts, SnapshotFacts, SnapshotIdentity } from "./contract.ts";

const atlasId = z.string().regex(ATLAS_ID);

export const identitySchema = z.object({
  groupId: atlasId,
  name: z.string().max(MAX_CLUSTER_NAME_CHARACTERS).regex(CLUSTER_NAME),
  snapshotId: atlasId,
});

/** Throws `INVALID_INPUT`. File names are made of these ids, so the store does not rely on its callers. */
export function checkIdentity({ groupId, name, snapshotId }: SnapshotIdentity): SnapshotIdentity {
  const parsed = identitySchema.safeParse({ groupId, name, snapshotId });
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => ({
    field: String(path[0]),
    description: path[0] === "name" ? "Must be a cluster's name." : "Must be 24 lower-case hexadecimal digits.",
  }));
  throw ownFailure("INVALID_INPUT", { badRequestDetail: { fields } });
}

type SnapshotIds = Pick<SnapshotIdentity, "groupId" | "snapshotId">;

/** The same backup has the same key, whatever its file or its cluster is called. */
export function keyOf({ groupId, snapshotId }: SnapshotIds): string {
  return `${groupId}/${snapshotId}`;
}

export function isSameSnapshot(one: SnapshotIds, other: SnapshotIds): boolean {
  return keyOf(one) === keyOf(other);
}

const text = z.string().max(64).exactOptional();

export const factsSchema = z.object({
  scheduledTime: text,
  startTime: text,
  finishTime: text,
  expiration: text,
  mongoDBVersion: text,
  projectName: text,
  clusterId: text,
});

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]{5,16}(Z|[+-]\d\d:?\d\d)?$/;
const VERSION = /^\d{1,3}(\.\d{1,3}){1,2}$/;
const TIMES = ["scheduledTime", "startTime", "finishTime", "expiration"] as const;

/** Atlas's limit. */
const MAX_PROJECT_NAME_CHARACTERS = 64;

/** Facts end up in files and results, so fields that do not look like a time or a version are dropped. */
export function cleanFacts(facts: RawSnapshotFacts): SnapshotFacts {
  const clean: SnapshotFacts = {};
  for (const field of TIMES) {
    const value = facts[field];
    if (value !== undefined && TIME.test(value)) clean[field] = value;
  }
  const { mongoDBVersion, clusterId } = facts;
  const projectName = facts.projectName && cleanText(facts.projectName, MAX_PROJECT_NAME_CHARACTERS);
  if (projectName) clean.projectName = projectName;
  if (clusterId !== undefined && isAtlasId(clusterId)) clean.clusterId = clusterId;
  if (mongoDBVersion !== undefined && VERSION.test(mongoDBVersion)) clean.mongoDBVersion = mongoDBVersion;
  return clean;
}

/** RFC 9110 §8.8.3, without the prefix of a weak ETag. */
export const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]{1,1000}"$/;

/**
 * The codings that object stores repeat as the uploader named them, whatever the client accepts; the bytes are the stored ones.
 * Only these words come out, since a header can hold any text.
 */
export const STORED_CODINGS = ["gzip", "x-gzip", "binary", "utf-8", "aws-chunked"];
const ANY_STORED_CODING = `(?:${STORED_CODINGS.join("|")})`;

/** RFC 9110 §5.6.7, the only form that is still sent. */
export const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

export const objectVersionSchema = z.object({
  /** Size in bytes, as the host announced it. */
  total: z.number().int().nonnegative().exactOptional(),
  /** Strong ETags only. */
  etag: z.string().regex(STRONG_ETAG).exactOptional(),
  /** Only when it was old enough to serve as a validator. */
  lastModified: z.string().regex(HTTP_DATE).exactOptional(),
  /** The host's ETag, when it has the form of an MD5. */
  md5: z
    .string()
    .regex(/^[a-f0-9]{32}$/)
    .exactOptional(),
  /** The Content-Encoding that the uploader named and the host repeats; the bytes are taken as they are. */
  storedCoding: z
    .string()
    .regex(new RegExp(`^${ANY_STORED_CODING}(?:, ${ANY_STORED_CODING}){0,4}$`))
    .exactOptional(),
});

/** One version of the remote file, as far as its host describes it. */
export type ObjectVersion = z.infer<typeof objectVersionSchema>;
