// Owners of locks that are not this process.
import { readFile, writeFile } from "node:fs/promises";
import { type LockOwner, newOwner } from "../../src/download/folder/lock.ts";

/** Number and start of another process, by proc(5); only its number where there is no /proc. */
export async function identityOf(pid: number): Promise<Pick<LockOwner, "pid" | "started">> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return { pid };
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return { pid, ...(started !== undefined && { started }) };
}

/** A lock of a process that lives as long as the test. */
export async function lockOfLivingProcess(path: string): Promise<void> {
  await writeFile(path, JSON.stringify({ ...(await newOwner()), ...(await identityOf(process.ppid)) }));
}
