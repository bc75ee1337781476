import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** The program keeps 64 MiB free, and tests run in parallel; in containers this file system often has only 64 MiB. */
const ENOUGH_BYTES = 1024 ** 3;

function hasRoom(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize >= ENOUGH_BYTES;
}

/** The folder for files of tests: in memory where possible, so that no test waits for a busy disk to sync. */
export const SCRATCH = process.platform === "linux" && existsSync(MEMORY) && hasRoom(MEMORY) ? MEMORY : tmpdir();
