// Older backups of a cluster, for the tests of what `save --keep` deletes.
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { SIMULATED } from "../../src/simulator/simulated.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import { temporaryFolder } from "../fixtures.ts";
import { SCRATCH } from "../scratch.ts";
import { at, runCommand } from "./command.ts";

export const SMALL = {
  snapshotBytes: 100 * 1024,
  jobMs: 50,
  tokenRequestsPerMinute: 10_000,
  rateLimit: { capacity: 1e6, refillPerMinute: 1e6 },
};
/** Older backups of the simulated cluster, the oldest first. The fourth of the eight failed; each test saves the eighth. */
export const OLDER = ["c2", "c3", "c5", "c6", "c7"];
export const snapshotOf = (ending: string) => SIMULATED.snapshotId.replace(/c8$/, ending);

/** A simulator for the tests of one file, and copies of a folder with five older backups in it. */
export function olderBackups() {
  let simulator: Simulator | undefined;
  let filled = "";

  const here = () => {
    if (!simulator) throw new Error("The simulator has not started");
    return simulator;
  };

  beforeAll(async () => {
    simulator = await startSimulator(SMALL);
    filled = await mkdtemp(join(SCRATCH, "keep-"));
    for (const ending of OLDER) {
      const args = ["save", "orders", "--snapshot", snapshotOf(ending)];
      expect(await runCommand({ args, env: at(here()), home: filled })).toMatchObject({ code: 0 });
    }
  });
  afterAll(async () => {
    await here().close();
    await rm(filled, { recursive: true });
  });

  /** A copy of a folder into which the command saved five older backups. */
  async function shelf() {
    const home = await temporaryFolder();
    const folder = join(home, "snapshots");
    await cp(join(filled, "snapshots"), folder, { recursive: true, preserveTimestamps: true });
    const names = await readdir(folder);
    // A copy has the old times to the microsecond only.
    for (const name of names.filter((each) => each.endsWith(".tgz"))) {
      const record = JSON.parse(await readFile(join(folder, `${name}.json`), "utf8"));
      const { mtimeMs } = await stat(join(folder, name));
      await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...record, mtimeMs }), { mode: 0o600 });
    }
    const nameOf = (ending: string) => names.find((name) => name.endsWith(`${ending}.tgz`)) ?? "";
    const path = (ending: string) => join(folder, nameOf(ending));
    const run = (...args: string[]) => runCommand({ args: ["save", "orders", ...args], env: at(here()), home });
    return { home, folder, nameOf, path, run };
  }

  return { simulator: here, shelf };
}

/** Which of the older backups are in the folder, and which of their records. */
export async function left(folder: string) {
  const names = await readdir(folder);
  return OLDER.filter((ending) => names.some((name) => name.endsWith(`${ending}.tgz`))).map((ending) =>
    names.some((name) => name.endsWith(`${ending}.tgz.json`)) ? ending : `${ending} without record`,
  );
}

export const deletedIn = (text: string) => [...text.matchAll(/^ {4}Deleted (\S+)$/gm)].map(([, name]) => name);
