import { z } from "zod";
import type { Contents, Integrity, SnapshotFacts, SnapshotIdentity } from "../contract.ts";
import { cleanFacts, factsSchema, identitySchema, keyOf } from "../identity.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, nameTaken } from "./file-name.ts";
import { isReplaceable, readJson } from "./json-file.ts";

const count = z.number().int().nonnegative();

const integritySchema = z.object({
  gzip: z.enum(["ok", "damaged"]),
  length: z.enum(["ok", "wrong", "unknown"]),
  md5: z.enum(["ok", "wrong", "not-verifiable"]),
  notes: z.array(z.string().max(256)).max(32).exactOptional(),
}) satisfies z.ZodType<Integrity>;

const contentsSchema = z.object({
  kind: z.enum(["data-directory", "dump-directory", "mongodump-archive", "unknown"]),
  files: count.exactOptional(),
  collections: count.exactOptional(),
  unpackedBytes: count,
  folderDepth: count.exactOptional(),
  filesGzipped: z.boolean().exactOptional(),
}) satisfies z.ZodType<Contents>;

const fileSchema = z.object({
  bytes: count,
  /** When the file was last written to, by its file system's clock, so that a later change shows; set when it is published. */
  mtimeMs: z.number().exactOptional(),
  etag: z.string().max(1024).exactOptional(),
  sha256: z.string().regex(/^[a-f0-9]{64}$/),
  integrity: integritySchema,
  contents: contentsSchema,
  savedAt: z.string().max(32),
});

const recordSchema = z.object({
  v: z.literal(1),
  ...identitySchema.shape,
  ...factsSchema.shape,
  ...fileSchema.shape,
});

/** What is written beside a finished file. */
export interface SaveRecord extends z.infer<typeof fileSchema> {
  identity: SnapshotIdentity;
  facts: SnapshotFacts;
}

/** Undefined for an absent or unreadable record: its file then counts as unrecorded. */
export async function readRecord(path: string): Promise<SaveRecord | undefined> {
  const parsed = recordSchema.safeParse(await readJson(path));
  if (!parsed.success) return undefined;
  const { data } = parsed;
  // Each schema takes its own fields out of the one flat object.
  return {
    identity: identitySchema.parse(data),
    facts: cleanFacts(factsSchema.parse(data)),
    ...fileSchema.parse(data),
  };
}

/** Rejects with `FILE_EXISTS` unless the record's name is free or holds the record of this snapshot's file. */
export async function refuseForeignRecord(
  directory: DownloadDirectory,
  { identity, fileName }: { identity: SnapshotIdentity; fileName: string },
): Promise<void> {
  const name = beside.record(fileName);
  const record = await readRecord(directory.at(name));
  const isOurs = record ? keyOf(record.identity) === keyOf(identity) : await isReplaceable(directory.at(name));
  if (!isOurs) throw nameTaken(name);
}

export function recordToJson({ identity, facts, ...rest }: SaveRecord): z.infer<typeof recordSchema> {
  return { v: 1, ...identity, ...facts, ...rest };
}
