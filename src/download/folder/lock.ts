import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, readFile, readlink, rm, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { basename } from "node:path";
import { z } from "zod";
import { codeOf, ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { Limits } from "../limits.ts";
import { failedWith } from "./directory.ts";
import { nameTaken } from "./file-name.ts";
import { isReplaceable, lstatOf, readJson } from "./files.ts";

export interface Lock {
  /** Aborts with `SAVED_ELSEWHERE` when another process has taken the lock over from this one, which then must have slept. */
  lost: AbortSignal;
  /** Rejects with `SAVED_ELSEWHERE` when the lock is lost, without waiting for the next beat to notice. */
  confirm: () => Promise<void>;
  owner: LockOwner;
  release: () => Promise<void>;
}

interface LockOptions {
  clock: Clock;
  limits: Pick<Limits, "lockBeatMs" | "lockSilentMs">;
}

/**
 * Takes the lock file, also from a dead process; undefined while a living one holds it. Rejects with `FILE_EXISTS` when
 * something that is no lock of this server has its name.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock | undefined> {
  const owner = await newOwner();
  if (!(await claim(path, owner, options))) return undefined;
  const held = new AbortController();
  const lost = new AbortController();
  /** A lock that cannot be read this moment is not lost. */
  async function notice(): Promise<void> {
    if ((await isLost(path, owner).catch(() => false)) && !held.signal.aborted)
      lost.abort(ownFailure("SAVED_ELSEWHERE"));
  }
  void beat(path, options, held.signal, lost.signal, notice);
  return {
    lost: lost.signal,
    owner,
    confirm: async () => {
      await notice();
      lost.signal.throwIfAborted();
    },
    release: async () => {
      held.abort();
      // Without the means to look: it was ours a moment ago, and a lock that stays would outlive its transfer.
      if (!lost.signal.aborted && (await isOwn(path, owner).catch(() => true))) await rm(path, { force: true });
    },
  };
}

/** Whether a living process holds the lock; tells without touching it. */
export async function isLocked(path: string, options: LockOptions): Promise<boolean> {
  return (await judge(path, options)).word === "held";
}

/** Two of us may find the same dead lock: each round settles it or finds a newer lock, so a few rounds are enough. */
const ROUNDS = 5;

async function claim(path: string, owner: LockOwner, options: LockOptions): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    if (await create(path, owner)) return true;
    const found = await judge(path, options);
    if (found.word === "foreign") throw nameTaken(basename(path));
    if (found.word === "held") return false;
    if (found.word === "dead") await removeDead(path, found.generation, options);
  }
  return false;
}

/**
 * Removing a dead lock by name alone could hit a new one that another process put there meanwhile. So the removal of one
 * generation is itself locked, under a name made from that generation: whoever holds that is the only one who may remove
 * it, and looks once more before doing so.
 */
async function removeDead(path: string, generation: string, options: LockOptions): Promise<void> {
  const permit = `${path}.${generation}`;
  const owner = await newOwner();
  if (!(await claim(permit, owner, options))) return;
  try {
    const now = await judge(path, options);
    if (now.word === "dead" && now.generation === generation) await rm(path, { force: true });
  } finally {
    if (await isOwn(permit, owner)) await rm(permit, { force: true });
  }
}

/** How `create` begins what it writes. */
const OWNER_BEGINNING = Buffer.from('{"pid":');

/** Between creating a lock and writing its owner into it lie milliseconds, on a slow network drive a little more. */
const WRITING_MS = 5_000;

type Judgement = { word: "free" } | { word: "held" } | { word: "foreign" } | { word: "dead"; generation: string };

async function judge(path: string, { clock, limits }: LockOptions): Promise<Judgement> {
  const stat = await lstatOf(path);
  if (!stat) return { word: "free" };
  if (!stat.isFile()) return { word: "foreign" };
  const age = Math.abs(clock.now() - stat.mtimeMs);
  const owner = ownerSchema.safeParse(await readJson(path));
  // Unreadable: just created and not yet written, or left by a crash or a full disk in that moment.
  if (!owner.success && !(await isReplaceable(path, OWNER_BEGINNING))) return { word: "foreign" };
  if (!owner.success) return age > WRITING_MS ? { word: "dead", generation: "unreadable" } : { word: "held" };
  const life = await lifeOf(owner.data);
  if (life === "dead" || (life === "unknown" && age > limits.lockSilentMs))
    return { word: "dead", generation: owner.data.token };
  return { word: "held" };
}

async function create(path: string, owner: LockOwner): Promise<boolean> {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
    const handle = await open(path, flags, 0o600);
    try {
      await handle.writeFile(JSON.stringify(owner));
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (failedWith(error, "EEXIST")) return false;
    throw error;
  }
}

/** Nor is one that an unfinished write left unreadable: only another holder or no file at all. */
async function isLost(path: string, owner: LockOwner): Promise<boolean> {
  if (await isOwn(path, owner)) return false;
  const other = ownerSchema.safeParse(await readJson(path));
  return other.success || (await lstatOf(path)) === undefined;
}

async function isOwn(path: string, owner: LockOwner): Promise<boolean> {
  const found = ownerSchema.safeParse(await readJson(path));
  return found.success && found.data.token === owner.token;
}

async function beat(
  path: string,
  { clock, limits }: LockOptions,
  held: AbortSignal,
  lost: AbortSignal,
  notice: () => Promise<void>,
): Promise<void> {
  while (!held.aborted) {
    try {
      await clock.sleep(limits.lockBeatMs, held);
    } catch {
      // Released.
      return;
    }
    await notice();
    if (lost.aborted) return;
    const now = clock.now() / 1_000;
    // A beat that cannot be written shows as silence; the next one tries again.
    await utimes(path, now, now).catch(() => undefined);
  }
}

export const ownerSchema = z.object({
  pid: z.number().int().positive(),
  /** Start time in clock ticks since boot (proc(5), field 22), which tells a process from a later one with its number. */
  started: z.string().exactOptional(),
  /** Within which process numbers mean something: host, boot and PID namespace. */
  space: z.string(),
  token: z.string().regex(/^[a-f0-9]{8}$/),
});

/** One hold of a lock by one process. */
export type LockOwner = z.infer<typeof ownerSchema>;

export async function newOwner(): Promise<LockOwner> {
  const started = await startOf(process.pid);
  return {
    pid: process.pid,
    ...(started !== undefined && { started }),
    space: await processSpace(),
    token: randomBytes(4).toString("hex"),
  };
}

/** Whether this process is the owner. */
export async function isThisProcess(owner: LockOwner): Promise<boolean> {
  const { pid, started, space } = await newOwner();
  return owner.pid === pid && owner.started === started && owner.space === space;
}

/** `unknown`: the process lives where this one cannot see it, or its number may have been given to another by now. */
export async function lifeOf(owner: LockOwner): Promise<"alive" | "dead" | "unknown"> {
  if (owner.space !== (await processSpace())) return "unknown";
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    if (codeOf(error) === "ESRCH") return "dead";
  }
  if (owner.started === undefined) return owner.pid === process.pid ? "alive" : "unknown";
  return owner.started === (await startOf(owner.pid)) ? "alive" : "dead";
}

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may hold anything; field 3 follows the last one.
  return stat
    ?.slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .at(19);
}

async function processSpace(): Promise<string> {
  const boot = await readText("/proc/sys/kernel/random/boot_id");
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return [hostname(), boot?.trim() ?? "", namespace].join(" ");
}

/** Only Linux has these files; elsewhere nothing is known. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
