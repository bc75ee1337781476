import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isAbsolute } from "node:path";
import { codeOf } from "./core/errors.ts";
import { clean } from "./core/text.ts";
import type { SecretFile } from "./environment.ts";
import { withHomeFolder } from "./home-folder.ts";

/** Far above any secret of Atlas; a larger file is not one. */
const MAX_BYTES = 4096;

/** Reads the file that a `_FILE` variable names: a regular one of at most 4 KiB, less one newline at its end. */
export function readSecretFile(setting: string): SecretFile {
  const path = withHomeFolder(setting);
  if (path === undefined) return { problem: "begins with ~, but this user has no home folder." };
  let descriptor: number;
  try {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer for ever.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    return { problem: problemOfOpening(path, error) };
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

function problemOfOpening(path: string, error: unknown): string {
  // Whoever took the variable for that of the secret itself has the secret in it.
  if (!isAbsolute(path) || path.includes("mdb_sa_sk_"))
    return "must be the absolute path of a file that holds the secret; it is none, or the secret itself.";
  const shown = clean(path);
  const code = codeOf(error);
  if (code === "EACCES" || code === "EPERM")
    return `names a file that this user may not read: ${shown}. Check its owner and its permissions.`;
  if (code !== "ENOENT" && code !== "ENOTDIR") return `names a file that cannot be opened: ${shown}.`;
  if (path.startsWith("/path/to/"))
    return `is still the placeholder of the instructions: ${shown}. Name your own file.`;
  return `names a file that does not exist: ${shown}.`;
}
