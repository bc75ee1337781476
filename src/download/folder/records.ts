// The two JSON files of this server: the record beside a finished file and the state beside a part.
import { z } from "zod";
import { ATLAS_ID } from "../../core/atlas-id.ts";
import { says } from "../../core/text.ts";
import type { Contents, Integrity, SnapshotFacts, SnapshotIdentity } from "../contract.ts";
import { endingInWords, judgeFile } from "../integrity/soundness.ts";
import {
  cleanFacts,
  factsSchema,
  identitySchema,
  isSameSnapshot,
  type ObjectVersion,
  objectVersionSchema,
} from "../snapshot.ts";
import type { DownloadDirectory } from "./directory.ts";
import { beside } from "./file-name.ts";
import { isMomentary, lstatOf } from "./file-system.ts";
import { type Folder, isReplaceable, nameTaken, readJson, writeJson } from "./files.ts";
import { ownerSchema } from "./lock.ts";

const count = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[a-f0-9]{64}$/);

const integritySchema = z.object({
  gzip: z.enum(["ok", "damaged"]),
  length: z.enum(["ok", "wrong", "unknown"]),
  md5: z.enum(["ok", "wrong", "not-verifiable"]),
  notes: z.array(z.string()).max(32).exactOptional(),
}) satisfies z.ZodType<Integrity>;

/** Deeper than in any archive of a snapshot; the number becomes part of a command. */
const MAX_FOLDER_DEPTH = 32;

const contentsSchema = z.object({
  kind: z.enum(["data-directory", "dump-directory", "mongodump-archive", "unknown"]),
  files: count.exactOptional(),
  collections: count.exactOptional(),
  unpackedBytes: count,
  folderDepth: count.max(MAX_FOLDER_DEPTH).exactOptional(),
  filesGzipped: z.boolean().exactOptional(),
  directoryPerDB: z.boolean().exactOptional(),
  directoryForIndexes: z.boolean().exactOptional(),
}) satisfies z.ZodType<Contents>;

const fileSchema = z.object({
  bytes: count,
  /** When the file was last written to, by its file system's clock, so that a later change shows. */
  mtimeMs: z.number(),
  /** The `mtimeMs` of the file when a check found it changed or damaged. */
  damagedMtimeMs: z.number().exactOptional(),
  etag: z.string().max(1024).exactOptional(),
  sha256,
  integrity: integritySchema,
  contents: contentsSchema,
  savedAt: z.iso.datetime(),
});

const recordSchema = z.object({
  v: z.literal(1),
  ...identitySchema.shape,
  ...factsSchema.shape,
  ...fileSchema.shape,
  /** Records of earlier versions lack it. */
  sound: z.boolean().exactOptional(),
});

/** The record beside a finished file. */
export interface SaveRecord extends z.infer<typeof fileSchema> {
  identity: SnapshotIdentity;
  facts: SnapshotFacts;
  /** What the check of the file decided (`judgeFile`). */
  sound: boolean;
}

/** The record of a file that was read to its end and does not have its final name yet. */
export type CheckedFile = Omit<SaveRecord, "mtimeMs">;

/** Undefined when the record is absent or unreadable; its file then counts as unrecorded. */
export async function readRecord(folder: Folder, fileName: string): Promise<SaveRecord | undefined> {
  const { data } = recordSchema.safeParse(await readJson(folder, beside.record(fileName)));
  if (!data) return undefined;
  const { integrity, contents } = data;
  // The record is one flat object; each schema picks its own fields.
  return {
    identity: identitySchema.parse(data),
    facts: cleanFacts(factsSchema.parse(data)),
    ...withQuotedNotes(fileSchema.parse(data)),
    // The next check of the file notes what an earlier version could not tell.
    sound: data.sound ?? judgeFile(integrity, endingInWords(contents, integrity.notes ?? [])) === "sound",
  };
}

/** A note that was read from a record before, and then written again. */
const QUOTED_NOTE = /^The record says: "(.*)"$/s;

/** The record may be forged or copied from elsewhere, so its notes are not this server's own words. */
function withQuotedNotes<File extends { integrity: Integrity }>(file: File): File {
  const { notes } = file.integrity;
  if (!notes) return file;
  const quotedNotes = notes.map((note) => says("The record", QUOTED_NOTE.exec(note)?.[1] ?? note));
  return { ...file, integrity: { ...file.integrity, notes: quotedNotes } };
}

export async function writeRecord(folder: Folder, fileName: string, record: SaveRecord): Promise<void> {
  const { identity, facts, ...file } = record;
  const json: z.infer<typeof recordSchema> = { v: 1, ...identity, ...facts, ...file };
  await writeJson(folder, beside.record(fileName), json);
}

/** Adds to the record what a check of its file found, so that later processes know it too. */
export async function noteCheck(
  folder: Folder,
  fileName: string,
  record: SaveRecord,
  { mtimeMs, isUnchanged, sound }: { mtimeMs: number; isUnchanged: boolean; sound: boolean },
): Promise<void> {
  const { damagedMtimeMs, ...rest } = record;
  const next: SaveRecord = isUnchanged ? { ...rest, mtimeMs, sound } : { ...record, damagedMtimeMs: mtimeMs };
  const isNoted = next.mtimeMs === record.mtimeMs && next.damagedMtimeMs === damagedMtimeMs;
  if (isNoted && next.sound === record.sound) return;
  // If the record cannot be written, at least this process remembers the result.
  await writeRecord(folder, fileName, next).catch(() => undefined);
}

/** Which snapshot is saved under which name. */
type Target = Pick<TransferState, "identity" | "fileName">;

/** Whether the name holds a finished file of this snapshot, changed or not. An empty file may only reserve the name. */
export async function isPublished(folder: Folder, { identity, fileName }: Target): Promise<boolean> {
  const stat = await lstatOf(folder.at(fileName));
  const record = stat?.size ? await readRecord(folder, fileName) : undefined;
  return record !== undefined && isSameSnapshot(record.identity, identity);
}

/** Rejects with `FILE_EXISTS` unless the record's name is free or holds the record of this snapshot. */
export async function refuseForeignRecord(folder: Folder, { identity, fileName }: Target): Promise<void> {
  const name = beside.record(fileName);
  const record = await readRecord(folder, fileName);
  const isOurs = record ? isSameSnapshot(record.identity, identity) : await isReplaceable(folder, name);
  if (!isOurs) throw nameTaken(name);
}

const jobId = z.string().regex(ATLAS_ID);

/** What a later attempt needs to continue a part; never the link. */
const stateSchema = z.object({
  v: z.literal(1),
  identity: identitySchema,
  facts: factsSchema,
  /** The final name; the part keeps its own name when the user chooses another final name. */
  fileName: z.string(),
  restoreJobId: jobId.exactOptional(),
  linkExpiresAt: z.number().exactOptional(),
  /** When a job was last requested; without `restoreJobId` the outcome is unknown. */
  requestedAt: z.number().exactOptional(),
  /** The job whose link the host refused at its first use. */
  refusedJobId: jobId.exactOptional(),
  ...objectVersionSchema.shape,
  /** Bytes that were certainly on the disk when this was written. */
  committedBytes: count,
  /** The size of the whole file, once every byte has arrived. */
  receivedBytes: count.exactOptional(),
  /** The bytes came in several responses. */
  joined: z.boolean().exactOptional(),
  /** The SHA-256 of a complete file that failed its check and was discarded. */
  discardedSha256: sha256.exactOptional(),
  /** The final name is about to be taken by renaming, because the file system has no hard links. */
  renaming: z.boolean().exactOptional(),
  startedAt: z.string(),
  /** The save was asked for by the cluster's name. */
  byName: z.boolean().exactOptional(),
  /** Who has the part open; absent after an orderly close. */
  writer: ownerSchema.exactOptional(),
});

export type TransferState = z.infer<typeof stateSchema>;

/** Undefined when the file is absent, truncated or foreign; the transfer then starts over. */
export async function readState(folder: Folder, base: string): Promise<TransferState | undefined> {
  return stateSchema.safeParse(await readJson(folder, beside.state(base))).data;
}

export function newState(
  identity: SnapshotIdentity,
  facts: SnapshotFacts,
  fileName: string,
  { now, byName }: { now: number; byName: boolean },
): TransferState {
  const startedAt = new Date(now).toISOString();
  return { v: 1, identity, facts, fileName, committedBytes: 0, startedAt, ...(byName && { byName }) };
}

/** The state of the transfer when it starts again from the first byte, with this version of the remote file. */
export function startedOver(state: TransferState, version: ObjectVersion): TransferState {
  const { total, etag, lastModified, md5, storedCoding, receivedBytes, joined, renaming, ...kept } = state;
  return { ...kept, committedBytes: 0, ...version };
}

/** The state of a transfer in memory and on disk. */
export interface StateFile {
  readonly current: Readonly<TransferState>;
  /** The last state that is certainly on disk, which a later attempt finds. */
  readonly written: Readonly<TransferState>;
  /** Replaces the state; resolves when it is on disk. Calls are carried out one after the other. */
  write(next: TransferState): Promise<void>;
  /** The same for what a transfer can go on without: while the file is in use, the next write brings it to disk. */
  writeSoon(next: TransferState): Promise<void>;
  /** `write` with some fields changed. */
  merge(changes: Partial<TransferState>): Promise<void>;
}

/** Confirms before each write that the folder and the locks are still ours (`directory.confirm`). */
export function createStateFile(
  directory: Folder & Pick<DownloadDirectory, "confirm">,
  base: string,
  initial: TransferState,
): StateFile {
  let current = initial;
  let written = initial;
  let last: Promise<void> = Promise.resolve();
  const write = (next: TransferState): Promise<void> => {
    current = next;
    const turn = last.then(directory.confirm).then(async () => {
      // The newest state, not the one of this call: an older state must never be written last.
      const newest = current;
      await writeJson(directory, beside.state(base), newest);
      written = newest;
    });
    // The caller gets the failure; the next write is tried anyway.
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
    writeSoon: (next) =>
      write(next).catch((error: unknown) => {
        if (!isMomentary(error)) throw error;
      }),
    merge: (changes) => write({ ...current, ...changes }),
  };
}
