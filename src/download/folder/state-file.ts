import { z } from "zod";
import { ATLAS_ID } from "../../core/atlas-id.ts";
import type { SnapshotFacts, SnapshotIdentity } from "../contract.ts";
import { factsSchema, identitySchema } from "../identity.ts";
import { type ObjectVersion, objectVersionSchema } from "../object-version.ts";
import { readJson, writeJson } from "./json-file.ts";
import { ownerSchema } from "./process-identity.ts";

const jobId = z.string().regex(ATLAS_ID);
const count = z.number().int().nonnegative();

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
