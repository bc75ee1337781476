import { readdir, readFile } from "node:fs/promises";

/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/**
 * Starts to watch what others do with the machine; the returned function resolves with how many processors they used on
 * average since then: 0 outside Linux, where nothing tells.
 */
export async function watchOthers() {
  if (process.platform !== "linux") return async () => 0;
  const startedAt = performance.now();
  const before = await ticksOfOthers();
  return async () => {
    const ticks = (await ticksOfOthers()) - before;
    return Math.max(0, ticks) / TICKS_PER_SECOND / ((performance.now() - startedAt) / 1_000);
  };
}

/** Every processor's time that was not idle, less that of this process and all that it started. */
async function ticksOfOthers() {
  const [line] = (await readFile("/proc/stat", "utf8")).split("\n");
  // proc(5): idle and iowait are the fourth and the fifth.
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  return user + nice + system + irq + softirq + steal - (await ticksOfOurs());
}

async function ticksOfOurs() {
  const processes = new Map();
  for (const name of await readdir("/proc")) {
    const stat = /^\d+$/.test(name) ? await statOf(name) : undefined;
    if (stat) processes.set(Number(name), stat);
  }
  const isOurs = (pid) => pid === process.pid || (processes.has(pid) && isOurs(processes.get(pid).parent));
  return [...processes].reduce((sum, [pid, { ticks }]) => (isOurs(pid) ? sum + ticks : sum), 0);
}

/** Fields 4 and 14 to 17 of proc(5): the parent, and the time of a process and of its children that have ended. */
async function statOf(pid) {
  try {
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1).split(" ");
    return { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) };
  } catch {
    return undefined; // It has ended since its name was read.
  }
}
