import { z } from "zod";
import { ATLAS_ID } from "../../core/atlas-id.ts";
import { clean } from "../../core/text.ts";
import type { Contents, Integrity, SnapshotFacts, SnapshotIdentity } from "../contract.ts";
import {
  cleanFacts,
  factsSchema,
  identitySchema,
  keyOf,
  type ObjectVersion,
  objectVersionSchema,
} from "../snapshot.ts";
import type { DownloadDirectory } from "./directory.ts";
import { beside, nameTaken } from "./file-name.ts";
import { isReplaceable, lstatOf, readJson, writeJson } from "./files.ts";
import { ownerSchema } from "./lock.ts";

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

const jobId = z.string().regex(ATLAS_ID);

/** What a part must stand beside to be continued; never the link. */
const stateSchema = z.object({
  v: z.literal(1),
  identity: identitySchema,
  facts: factsSchema,
  /** The final name; the part keeps its own when the user changes his mind. */
  fileName: z.string(),
  restoreJobId: jobId.exactOptional(),
  linkExpiresAt: z.number().exactOptional(),
  /** When a job was last requested; without `restoreJobId` nobody knows what came of it. */
  requestedAt: z.number().exactOptional(),
  /** The host refused this job's link at its first use. */
  refusedJobId: jobId.exactOptional(),
  ...objectVersionSchema.shape,
  /** Bytes that were on the disk for sure when this was written. */
  committedBytes: count,
  /** The size of the whole file, once every byte has arrived. */
  receivedBytes: count.exactOptional(),
  /** A complete file failed its check once already. */
  damagedOnce: z.boolean().exactOptional(),
  /** The final name is about to be taken by renaming, where the file system has no hard links. */
  renaming: z.boolean().exactOptional(),
  startedAt: z.string(),
  /** Who has the part open; absent once it was closed in order. */
  writer: ownerSchema.exactOptional(),
});

export type TransferState = z.infer<typeof stateSchema>;

/** The state of a transfer in memory and on disk. */
export interface StateFile {
  readonly current: Readonly<TransferState>;
  /** What a later attempt will find: the state that was last written for sure. */
  readonly written: Readonly<TransferState>;
  /** Replaces the state; resolves when it is on disk. Calls are carried out one after the other. */
  write(next: TransferState): Promise<void>;
  merge(changes: Partial<TransferState>): Promise<void>;
}

/** Undefined for an absent, truncated or foreign file: the transfer then starts over. */
export async function readState(path: string): Promise<TransferState | undefined> {
  const parsed = stateSchema.safeParse(await readJson(path));
  return parsed.success ? parsed.data : undefined;
}

export function newState(
  identity: SnapshotIdentity,
  facts: SnapshotFacts,
  fileName: string,
  now: number,
): TransferState {
  return { v: 1, identity, facts, fileName, committedBytes: 0, startedAt: new Date(now).toISOString() };
}

/** The same transfer from its first byte on: what is known of the remote file is replaced. */
export function startedOver(state: TransferState, version: ObjectVersion): TransferState {
  const { total, etag, lastModified, md5, receivedBytes, renaming, ...kept } = state;
  return { ...kept, committedBytes: 0, ...version };
}

/** `confirm` rejects when the folder is no longer the one that was checked. */
export function createStateFile(path: string, initial: TransferState, confirm: () => Promise<void>): StateFile {
  let current = initial;
  let written = initial;
  let last: Promise<void> = Promise.resolve();
  const write = (next: TransferState): Promise<void> => {
    current = next;
    // The newest state is written, not the one of the call: an older one must never come last.
    const turn = last.then(confirm).then(async () => {
      const newest = current;
      await writeJson(path, newest);
      written = newest;
    });
    // The caller hears of the failure; the next turn goes ahead anyway.
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    get current() {
      return current;
    },
    get written() {
      return written;
    },
    write,
    merge: (changes) => write({ ...current, ...changes }),
  };
}
