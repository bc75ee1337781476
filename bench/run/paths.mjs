import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

/** The built server, as its users start it. */
export const BUILT = join(ROOT, "dist/atlas-flex-snapshots-mcp.js");

/** Gives `work` a folder of its own, which is gone afterwards. On the disk that holds temporary files: large files go there. */
export async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "atlas-flex-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
