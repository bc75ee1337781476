// Runs the compared variants in rounds, in random order, and prefers rounds during which the machine was otherwise idle.
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** If other programs use more processors than this on average, a round counts as disturbed. */
const DISTURBING_PROCESSORS = 0.15;
const LOOK_MS = 2_000;
/** At most `tries` times the wanted rounds are run; each waits up to `waitMs` for an idle machine. */
const PATIENT = { tries: 3, waitMs: 180_000 };
const HASTY = { tries: 1, waitMs: 0 };

/**
 * Runs every variant once per round, in random order, so that a disturbance affects all variants alike. Each round waits for
 * an idle machine. The least disturbed rounds count, whatever their results.
 */
export function createRounds(isQuick, note) {
  const { tries, waitMs } = isQuick ? HASTY : PATIENT;
  const disturbances = [];

  /** Resolves to the samples of each variant. */
  async function interleave(wanted, variants, label = "") {
    const rounds = [];
    const calm = () => rounds.filter(({ disturbance }) => disturbance <= DISTURBING_PROCESSORS).length;
    while (calm() < wanted && rounds.length < wanted * tries) {
      await quiet();
      note(`${label} round ${rounds.length + 1}, ${calm()} of ${wanted} so far undisturbed`);
      const disturbanceOf = await watchOthers();
      const samples = variants.map(() => undefined);
      for (const index of shuffled(variants.keys())) samples[index] = await variants[index].run();
      rounds.push({ samples, disturbance: await disturbanceOf() });
    }
    const kept = rounds.toSorted((one, other) => one.disturbance - other.disturbance).slice(0, wanted);
    disturbances.push(...kept.map(({ disturbance }) => disturbance));
    return variants.map((_, index) => kept.map(({ samples }) => samples[index]));
  }

  async function quiet() {
    for (const until = performance.now() + waitMs; performance.now() < until; ) {
      const disturbanceOf = await watchOthers();
      await sleep(LOOK_MS);
      if ((await disturbanceOf()) <= DISTURBING_PROCESSORS) return;
    }
  }

  return { interleave, quiet, note, disturbance: () => Math.max(0, ...disturbances) };
}

/** Milliseconds until `work` is done. */
export async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function shuffled(indices) {
  return [...indices]
    .map((index) => ({ index, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ index }) => index);
}

/** Linux counts processor time in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/**
 * Starts to watch the other programs of the machine. The returned function resolves to the number of processors that they have
 * used on average since then. Only Linux reports this; elsewhere it resolves to 0.
 */
async function watchOthers() {
  if (process.platform !== "linux") return async () => 0;
  const startedAt = performance.now();
  const before = await ticksOfOthers();
  return async () => {
    const ticks = (await ticksOfOthers()) - before;
    return Math.max(0, ticks) / TICKS_PER_SECOND / ((performance.now() - startedAt) / 1_000);
  };
}

/** The busy time of all processors without that of this process and its descendants. */
async function ticksOfOthers() {
  const [line] = (await readFile("/proc/stat", "utf8")).split("\n");
  // proc(5): the fourth and fifth field are idle and iowait.
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

/** Fields 4 and 14 to 17 of proc(5): the parent, and the time of the process and of its children that have ended. */
async function statOf(pid) {
  try {
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ").at(-1).split(" ");
    return { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) };
  } catch {
    return undefined; // The process has ended since its name was read.
  }
}
