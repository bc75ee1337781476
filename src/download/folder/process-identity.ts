import { randomBytes } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { codeOf } from "../../core/errors.ts";

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
