import { existsSync, realpathSync, statfsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
/** The program keeps 64 MiB free, and tests run in parallel; in containers this file system often has only 64 MiB. */
const ENOUGH_BYTES = 1024 ** 3;

function hasRoom(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize >= ENOUGH_BYTES;
}

/**
 * The folder for files of tests: in memory where possible, so that no test waits for a busy disk to sync. Its real path,
 * since that of macOS is behind a link, and Windows may name it in its short form.
 */
export const SCRATCH =
  process.platform === "linux" && existsSync(MEMORY) && hasRoom(MEMORY) ? MEMORY : realpathSync.native(tmpdir());

/** Removes a folder; on Windows a file whose process has just ended may be there for a moment still. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 20 });
