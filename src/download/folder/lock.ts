// Lock files: one writer per snapshot and per file name, across processes.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { readFile, readlink, rm, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { basename } from "node:path";
import { z } from "zod";
import { codeOf, hasCode, ownFailure } from "../../core/errors.ts";
import type { Clock } from "../../core/time.ts";
import type { Limits } from "../limits.ts";
import { isReplaceable, lstatOf, NO_FOLLOW, nameTaken, readJson, withFile } from "./files.ts";

export interface Lock {
  owner: LockOwner;
  /** Aborts with `SAVED_ELSEWHERE` when another process has taken the lock over, because this process slept too long. */
  lost: AbortSignal;
  /** Rejects with `SAVED_ELSEWHERE` when the lock is lost; looks now instead of waiting for the next beat. */
  confirm: () => Promise<void>;
  release: () => Promise<void>;
}

interface LockOptions {
  clock: Clock;
  limits: Pick<Limits, "lockBeatMs" | "lockSilentMs">;
}

/**
 * Creates the lock file or takes it over from a dead process; undefined while a living process holds it. Rejects with
 * `FILE_EXISTS` when the name belongs to something that is not a lock of this server.
 */
export async function acquireLock(path: string, options: LockOptions): Promise<Lock | undefined> {
  const { clock, limits } = options;
  const owner = await newOwner();
  if (!(await claim(path, owner, options))) return undefined;
  const released = new AbortController();
  const lost = new AbortController();

  async function checkStillHeld(): Promise<void> {
    // A lock that cannot be read at the moment is not lost.
    if ((await isLost(path, owner).catch(() => false)) && !released.signal.aborted)
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
      await utimes(path, now, now).catch(() => undefined);
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
      if (lost.signal.aborted) return;
      // When the lock cannot be read, remove it: it was ours a moment ago, and a lock left behind would block later saves.
      if (await isOwn(path, owner).catch(() => true)) await rm(path, { force: true });
    },
  };
}

/** Whether a living process holds the lock; changes nothing. */
export async function isLocked(path: string, options: LockOptions): Promise<boolean> {
  return (await judge(path, options)).state === "held";
}

/** Several processes may find the same dead lock. Each round settles it or finds a newer lock, so a few rounds suffice. */
const ROUNDS = 5;

async function claim(path: string, owner: LockOwner, options: LockOptions): Promise<boolean> {
  for (let round = 0; round < ROUNDS; round += 1) {
    if (await create(path, owner)) return true;
    const found = await judge(path, options);
    if (found.state === "foreign") throw nameTaken(basename(path));
    if (found.state === "held") return false;
    if (found.state === "dead") await removeDead(path, found.generation, options);
  }
  return false;
}

async function create(path: string, owner: LockOwner): Promise<boolean> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | NO_FOLLOW;
  try {
    await withFile(path, flags, async (handle) => {
      try {
        await handle.writeFile(JSON.stringify(owner));
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * Removing a dead lock by name alone could hit a new lock that another process has put there. So the removal of one
 * generation has a lock of its own, named after that generation: only its holder may remove the dead lock, and it checks
 * the lock again first.
 */
async function removeDead(path: string, generation: string, options: LockOptions): Promise<void> {
  const permit = `${path}.${generation}`;
  const owner = await newOwner();
  if (!(await claim(permit, owner, options))) return;
  try {
    const now = await judge(path, options);
    if (now.state === "dead" && now.generation === generation) await rm(path, { force: true });
  } finally {
    if (await isOwn(permit, owner)) await rm(permit, { force: true });
  }
}

/** The first bytes of every lock, as `create` writes them. */
const OWNER_BEGINNING = Buffer.from('{"pid":');

/** Far more than it takes to write the owner of a new lock: milliseconds, a little more on a slow network drive. */
const WRITING_MS = 5_000;

type Judgement = { state: "free" } | { state: "held" } | { state: "foreign" } | { state: "dead"; generation: string };

async function judge(path: string, { clock, limits }: LockOptions): Promise<Judgement> {
  const stat = await lstatOf(path);
  if (!stat) return { state: "free" };
  if (!stat.isFile()) return { state: "foreign" };
  const age = Math.abs(clock.now() - stat.mtimeMs);
  const owner = await readOwner(path);
  if (!owner) {
    if (!(await isReplaceable(path, OWNER_BEGINNING))) return { state: "foreign" };
    // Its owner is still being written, or a crash or a full disk prevented that.
    return age > WRITING_MS ? { state: "dead", generation: "unreadable" } : { state: "held" };
  }
  const life = await lifeOf(owner);
  if (life === "dead" || (life === "unknown" && age > limits.lockSilentMs))
    return { state: "dead", generation: owner.token };
  return { state: "held" };
}

/** Lost only if another owner is recorded or the file is gone; an unreadable lock is still ours. */
async function isLost(path: string, owner: LockOwner): Promise<boolean> {
  const found = await readOwner(path);
  return found ? found.token !== owner.token : (await lstatOf(path)) === undefined;
}

async function isOwn(path: string, owner: LockOwner): Promise<boolean> {
  return (await readOwner(path))?.token === owner.token;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  return ownerSchema.safeParse(await readJson(path)).data;
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
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    if (codeOf(error) === "ESRCH") return "dead";
  }
  if (owner.started === undefined) return owner.pid === process.pid ? "alive" : "unknown";
  return owner.started === (await startOf(owner.pid)) ? "alive" : "dead";
}

async function thisProcess(): Promise<Omit<LockOwner, "token">> {
  const started = await startOf(process.pid);
  return { pid: process.pid, ...(started !== undefined && { started }), space: await processSpace() };
}

async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses, with any characters; field 3 follows the last parenthesis.
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

/** Only Linux has these files; elsewhere the answer is undefined. */
async function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}
