// Lock files: one writer per snapshot and per file name, across processes.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { readFile, readlink, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { hasCode, ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { Limits } from "../limits.ts";
import { entryOfOpen, type Inode, isSameFile, lstatOf, NO_FOLLOW, removeFile, withFile } from "./file-system.ts";
import { type Folder, isReplaceable, nameTaken, readJson } from "./files.ts";

export interface Lock {
  owner: LockOwner;
  /** Aborts with `SAVED_ELSEWHERE` when another process has taken the lock over, because this process slept too long. */
  lost: AbortSignal;
  /** Rejects with `SAVED_ELSEWHERE` when the lock is lost; looks now instead of waiting for the next beat. */
  confirm: () => Promise<void>;
  /** Never rejects: a lock that cannot be removed now counts as dead from here on. */
  release: () => Promise<void>;
}

/** The lock's file, and the times by which it is judged. */
interface LockOptions {
  folder: Folder;
  clock: Clock;
  limits: Pick<Limits, "lockBeatMs" | "lockSilentMs">;
}

/**
 * Creates the lock file or takes it over from a dead process; undefined while a living process holds it. Rejects with
 * `FILE_EXISTS` when the name belongs to something that is not a lock of this server.
 */
export async function acquireLock(name: string, options: LockOptions): Promise<Lock | undefined> {
  const { folder, clock, limits } = options;
  const owner = await newOwner();
  const made = await claim(name, owner, options);
  if (!made) return undefined;
  const released = new AbortController();
  const lost = new AbortController();

  async function checkStillHeld(): Promise<void> {
    // A lock that cannot be read at the moment is not lost.
    if ((await isLost(folder, name, owner).catch(() => false)) && !released.signal.aborted)
      lost.abort(ownFailure("SAVED_ELSEWHERE"));
  }

  /** Touches the lock file regularly: other computers see only this sign of life. */
  async function beat(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(limits.lockBeatMs, released.signal);
      } catch {
        return; // Released.
      }
      await checkStillHeld();
      if (lost.signal.aborted) return;
      const now = clock.now() / 1_000;
      // A beat that cannot be written looks like silence; the next beat tries again.
      await utimes(folder.at(name), now, now).catch(() => undefined);
    }
  }

  void beat();
  return {
    owner,
    lost: lost.signal,
    confirm: async () => {
      await checkStillHeld();
      lost.signal.throwIfAborted();
    },
    release: async () => {
      released.abort();
      if (!lost.signal.aborted) await giveBack(folder, name, owner, made);
    },
  };
}

/**
 * Holds all locks during the work; rejects with `SAVED_ELSEWHERE` while another process holds one. The work gets a `confirm`,
 * which rejects when one is lost meanwhile.
 */
export async function withLocks<T>(
  [name, ...others]: readonly string[],
  options: LockOptions,
  work: (confirm: Lock["confirm"]) => Promise<T>,
): Promise<T> {
  if (name === undefined) return work(async () => undefined);
  const lock = await acquireLock(name, options);
  if (!lock) throw ownFailure("SAVED_ELSEWHERE");
  try {
    return await withLocks(others, options, (confirmOthers) =>
      work(async () => {
        await lock.confirm();
        await confirmOthers();
      }),
    );
  } finally {
    await lock.release();
  }
}

/** Whether a living process holds the lock; changes nothing. */
export async function isLocked(name: string, options: LockOptions): Promise<boolean> {
  return (await judge(name, options)).state === "held";
}

/** Several processes may find the same dead lock. Each round settles it or finds a newer lock, so a few rounds suffice. */
const ROUNDS = 5;

/** Which file was made; undefined if the lock is held. */
async function claim(name: string, owner: LockOwner, options: LockOptions): Promise<Inode | undefined> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const made = await create(options.folder.at(name), owner);
    if (made) return made;
    const found = await judge(name, options);
    if (found.state === "foreign") throw nameTaken(name);
    if (found.state === "held") return undefined;
    if (found.state === "dead") await removeDead(name, found.generation, options);
  }
  return undefined;
}

/**
 * The tokens of the locks that this process holds. A lock with this process's number and another token is left over: from an
 * earlier process of the same number, or because it could not be removed.
 */
const held = new Set<string>();

/** Undefined if the name is taken. */
async function create(path: string, owner: LockOwner): Promise<Inode | undefined> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  let made: Inode | undefined;
  held.add(owner.token);
  try {
    await withFile(path, flags, async (handle) => {
      made = await entryOfOpen(handle);
      await handle.writeFile(JSON.stringify(owner));
    });
    return made;
  } catch (error) {
    held.delete(owner.token);
    if (made) await removeFile(path);
    if (hasCode(error, "EEXIST")) return undefined;
    throw error;
  }
}

/** Removes a lock that this process held, unless it is another's by now. */
async function giveBack(folder: Folder, name: string, owner: LockOwner, made: Inode): Promise<void> {
  held.delete(owner.token);
  try {
    // Where the content cannot be read at the moment, the file itself tells.
    const found = await readOwner(folder, name).catch(() => undefined);
    const isOwn = found ? found.token === owner.token : isSameFile(await lstatOf(folder.at(name)), made);
    if (isOwn) await removeFile(folder.at(name));
  } catch {
    // It stays, and `judge` takes it for dead: in this process at once, in others when this process has ended.
  }
}

/**
 * Removing a dead lock by name alone could hit a new lock that another process has put there. So the removal of one
 * generation has a lock of its own, named after that generation: only its holder may remove the dead lock, and it checks
 * the lock again first.
 */
async function removeDead(name: string, generation: string, options: LockOptions): Promise<void> {
  const permit = `${name}.${generation}`;
  const owner = await newOwner();
  const made = await claim(permit, owner, options);
  if (!made) return;
  try {
    const now = await judge(name, options);
    if (now.state === "dead" && now.generation === generation) await removeFile(options.folder.at(name));
  } finally {
    await giveBack(options.folder, permit, owner, made);
  }
}

/** The first bytes of every lock, as `create` writes them. */
const OWNER_BEGINNING = Buffer.from('{"pid":');

/**
 * Far more than it takes to write the owner of a new lock, and less than a save waits for a process that was killed. A slower
 * writer loses the lock, and learns it before it writes anything else.
 */
const WRITING_MS = 1_500;

type Judgement = { state: "free" } | { state: "held" } | { state: "foreign" } | { state: "dead"; generation: string };

async function judge(name: string, { folder, clock, limits }: LockOptions): Promise<Judgement> {
  const stat = await lstatOf(folder.at(name));
  if (!stat) return { state: "free" };
  if (!folder.owns(stat)) return { state: "foreign" };
  const age = Math.abs(clock.now() - stat.mtimeMs);
  const owner = await readOwner(folder, name);
  if (!owner) {
    if (!(await isReplaceable(folder, name, OWNER_BEGINNING))) return { state: "foreign" };
    // Its owner is still being written, or a crash or a full disk prevented that.
    return age > WRITING_MS ? { state: "dead", generation: "unreadable" } : { state: "held" };
  }
  const life = await lifeOf(owner);
  if (life === "dead" || (life === "unknown" && age > limits.lockSilentMs))
    return { state: "dead", generation: owner.token };
  return { state: "held" };
}

/** Lost only if another owner is recorded or the file is gone; an unreadable lock is still ours. */
async function isLost(folder: Folder, name: string, owner: LockOwner): Promise<boolean> {
  const found = await readOwner(folder, name);
  return found ? found.token !== owner.token : (await lstatOf(folder.at(name))) === undefined;
}

async function readOwner(folder: Folder, name: string): Promise<LockOwner | undefined> {
  return ownerSchema.safeParse(await readJson(folder, name)).data;
}

export const ownerSchema = z.object({
  pid: z.number().int().positive(),
  /** Start time in clock ticks since boot (proc(5), field 22), which tells a process from a later one with the same pid. */
  started: z.string().exactOptional(),
  /** Where the pid is valid: host, boot and PID namespace. */
  space: z.string(),
  token: z.string().regex(/^[a-f0-9]{8}$/),
});

/** One process holding one lock once. */
export type LockOwner = z.infer<typeof ownerSchema>;

export async function newOwner(): Promise<LockOwner> {
  return { ...(await thisProcess()), token: randomBytes(4).toString("hex") };
}

/**
 * Whether the process that last had the part open may still write to it. It may have lost its lock while it slept, on a
 * computer or in a container that this process cannot see.
 */
export async function mayStillWrite(writer: LockOwner): Promise<boolean> {
  const { pid, started, space } = await thisProcess();
  // In this process, a transfer starts only after the previous one has closed the part.
  const isThisProcess = writer.pid === pid && writer.started === started && writer.space === space;
  return !isThisProcess && (await lifeOf(writer)) !== "dead";
}

/** `unknown`: this process cannot see the owner, or its pid may belong to another process by now. */
async function lifeOf(owner: LockOwner): Promise<"alive" | "dead" | "unknown"> {
  if (owner.space !== (await processSpace())) return "unknown";
  if (owner.pid === process.pid) return held.has(owner.token) ? "alive" : "dead";
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (hasCode(error, "ESRCH")) return "dead";
  }
  const found = await lookUp(owner.pid);
  if (found?.hasEnded) return "dead";
  if (owner.started === undefined) return "unknown";
  return owner.started === found?.started ? "alive" : "dead";
}

async function thisProcess(): Promise<Omit<LockOwner, "token">> {
  const started = (await lookUp(process.pid))?.started;
  return { pid: process.pid, ...(started !== undefined && { started }), space: await processSpace() };
}

/** What proc(5) says of a process, undefined where there is no such file. It has ended in state Z (zombie) or X (dead). */
async function lookUp(pid: number): Promise<{ hasEnded: boolean; started: string | undefined } | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the program's name in parentheses, with any characters; field 3 follows the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { hasEnded: /^[ZXx]$/.test(fields[0] ?? ""), started: fields[19] };
}

async function processSpace(): Promise<string> {
  const boot = await readText("/proc/sys/kernel/random/boot_id");
  const namespace = await readlink("/proc/self/ns/pid").catch(() => "");
  return [hostname(), boot?.trim() ?? "", namespace].join(" ");
}

/** Only Linux has these files; elsewhere the answer is undefined. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
