import { setTimeout as sleep } from "node:timers/promises";
import { watchOthers } from "./others.mjs";

/** More than this many processors in use by other programs, and a round says more about them. */
const DISTURBING_PROCESSORS = 0.15;
const LOOK_MS = 2_000;

/**
 * Runs every variant once per round, in another order each time, so that whatever else the machine does hits all alike.
 * A round waits for a quiet machine; up to `tries` times as many are run as are wanted, and those count that other programs
 * disturbed least, whatever came out of them.
 */
export function createRounds({ tries, waitMs }, note) {
  const disturbances = [];

  /** Resolves with the samples of each variant. */
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

function shuffled(indices) {
  return [...indices]
    .map((index) => ({ index, at: Math.random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ index }) => index);
}
