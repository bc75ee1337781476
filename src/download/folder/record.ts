import { z } from "zod";
import { clean } from "../../core/text.ts";
import type { Contents, Integrity, SnapshotFacts, SnapshotIdentity } from "../contract.ts";
import { cleanFacts, factsSchema, identitySchema, keyOf } from "../identity.ts";
import type { DownloadDirectory } from "./download-directory.ts";
import { beside, nameTaken } from "./file-name.ts";
import { isReplaceable, readJson, writeJson } from "./json-file.ts";
import { lstatOf } from "./part-file.ts";

const count = z.number().int().nonnegative();

const integritySchema = z.object({
  gzip: z.enum(["ok", "damaged"]),
  length: z.enum(["ok", "wrong", "unknown"]),
  md5: z.enum(["ok", "wrong", "not-verifiable"]),
  // The file may have been forged or come from elsewhere, and what it says is shown.
  notes: z
    .array(z.string().transform((note) => clean(note)))
    .max(32)
    .exactOptional(),
}) satisfies z.ZodType<Integrity>;

/** Deeper than any archive of a snapshot; the number ends up in a command. */
const MAX_FOLDER_DEPTH = 32;

const contentsSchema = z.object({
  kind: z.enum(["data-directory", "dump-directory", "mongodump-archive", "unknown"]),
  files: count.exactOptional(),
  collections: count.exactOptional(),
  unpackedBytes: count,
  folderDepth: count.max(MAX_FOLDER_DEPTH).exactOptional(),
  filesGzipped: z.boolean().exactOptional(),
}) satisfies z.ZodType<Contents>;

const fileSchema = z.object({
  bytes: count,
  /** When the file was last written to, by its file system's clock, so that a later change shows. */
  mtimeMs: z.number(),
  /** The same of the file as it was found not to be what was saved. */
  damagedMtimeMs: z.number().exactOptional(),
  etag: z.string().max(1024).exactOptional(),
  sha256: z.string().regex(/^[a-f0-9]{64}$/),
  integrity: integritySchema,
  contents: contentsSchema,
  savedAt: z.iso.datetime(),
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

/** What is known of a file that was read to its end, before it has its final name. */
export type CheckedFile = Omit<SaveRecord, "mtimeMs">;

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

/** Whether this name holds a finished file of this snapshot, whatever was done to that since; an empty one may only hold the name. */
export async function isPublished(
  directory: DownloadDirectory,
  { identity, fileName }: { identity: SnapshotIdentity; fileName: string },
): Promise<boolean> {
  const stat = await lstatOf(directory.at(fileName));
  const record = stat?.size ? await readRecord(directory.at(beside.record(fileName))) : undefined;
  return record !== undefined && keyOf(record.identity) === keyOf(identity);
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

/** Writes down what a check of the file beside a record found, so that later processes know it too. */
export async function noteCheck(path: string, record: SaveRecord, mtimeMs: number, isSound: boolean): Promise<void> {
  const { damagedMtimeMs, ...sound } = record;
  const next: SaveRecord = isSound ? { ...sound, mtimeMs } : { ...record, damagedMtimeMs: mtimeMs };
  if (next.mtimeMs === record.mtimeMs && next.damagedMtimeMs === damagedMtimeMs) return;
  // Where nothing can be written, this process remembers it all the same.
  await writeJson(path, recordToJson(next)).catch(() => undefined);
}

export function recordToJson({ identity, facts, ...rest }: SaveRecord): z.infer<typeof recordSchema> {
  return { v: 1, ...identity, ...facts, ...rest };
}
