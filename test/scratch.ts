import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** The program keeps 64 MiB free and tests run side by side; containers often give this file system no more than that. */
const ENOUGH_BYTES = 1024 ** 3;

function hasRoom(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize >= ENOUGH_BYTES;
}

/** Where tests keep their files: in memory where that can be, so that no test waits for a busy disk to sync. */
export const SCRATCH = existsSync(MEMORY) && hasRoom(MEMORY) ? MEMORY : tmpdir();
