import type { Integrity } from "./contract.ts";

/** Whether nothing speaks against a file that was read to its end: it may get its final name, and be restored from. */
export function isSound({ gzip, length, md5, recordedSha256 }: Integrity): boolean {
  return gzip === "ok" && ![length, md5, recordedSha256].includes("wrong");
}
