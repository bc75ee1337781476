import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { SecretFile } from "./environment.ts";

/** Far above any secret of Atlas; a larger file is not one. */
const MAX_BYTES = 4096;

/** Reads the file that a `_FILE` variable names: a regular one of at most 4 KiB, less one newline at its end. */
export function readSecretFile(path: string): SecretFile {
  let descriptor: number;
  try {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer for ever.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch {
    // The reason could hold the path, which the person who set the variable knows anyway.
    return { problem: "names a file that does not exist or cannot be read." };
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return { problem: "must name a regular file." };
    // Read to a limit, since the files of some file systems say that their size is 0.
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const length = readSync(descriptor, bytes);
    if (length > MAX_BYTES) return { problem: "names a file larger than 4 KiB, which is no secret of Atlas." };
    const secret = bytes.toString("utf8", 0, length).replace(/\r?\n$/, "");
    if (secret.trim() === "") return { problem: "names an empty file." };
    return { secret, readableByOthers: process.platform !== "win32" && (stat.mode & 0o044) !== 0 };
  } catch {
    return { problem: "names a file that cannot be read." };
  } finally {
    closeSync(descriptor);
  }
}
