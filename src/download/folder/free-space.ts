import { statfs } from "node:fs/promises";
import type { Limits } from "../limits.ts";
import { diskFull } from "./disk-failure.ts";

/** Bytes that this user may still write in the folder; undefined where the file system does not tell. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    // Some network file systems do not tell; the writes themselves then find out.
    return undefined;
  }
}

/** Rejects with `DISK_FULL` when the rest of the file would not leave the reserve. Advisory: others write to the disk too. */
export async function checkSpace(
  path: string,
  remainingBytes: number,
  limits: Pick<Limits, "diskReserveBytes" | "diskReserveShare">,
): Promise<void> {
  const free = await freeBytes(path);
  const reserve = Math.max(limits.diskReserveBytes, Math.ceil(remainingBytes * limits.diskReserveShare));
  if (free !== undefined && free < remainingBytes + reserve) throw diskFull(remainingBytes + reserve, free);
}
