import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import type { Config } from "../../config/parse.ts";
import { Failure, ownFailure } from "../../core/errors.ts";
import { failedWith as failedBecause, freeBytes, openDownloadDirectory } from "../../download/folder/directory.ts";
import { DEFAULT_LIMITS } from "../../download/limits.ts";
import { type Sources, sourceOf } from "./configuration.ts";
import { describeFailure, failed, failedWith, ok, type StepResult, warning } from "./step.ts";

const GIB = 1024 ** 3;

/** A Flex cluster stores 5 GB at most, so this much free space is enough for any of its snapshots. */
const COMFORTABLE_BYTES = 5 * GIB;

/**
 * Whether the folder can be saved into, without touching it: one that does not exist yet is fine as long as it can be
 * created.
 */
export async function downloadFolder(config: Config, sources: Sources): Promise<StepResult> {
  const setting = sourceOf(sources, "download-dir");
  const given = sources.options["download-dir"] ?? (setting && sources.env[setting]);
  // An MCP client starts servers wherever it likes.
  const relative = typeof given === "string" && /^[^/\\~$]/.test(given.trim()) && !isAbsolute(given.trim());
  const source = `${setting ?? "the default"}${relative ? ", relative to where this was started" : ""}`;
  try {
    return await lookAt(config.downloadDir, source);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "DOWNLOAD_DIR_UNUSABLE") throw error;
    return failedWith(error, `${config.downloadDir} (${source}). ${describeFailure(error)}`);
  }
}

async function lookAt(downloadDir: string, source: string): Promise<StepResult> {
  const nearest = await nearestExisting(downloadDir);
  if (nearest !== downloadDir && !(await stat(nearest)).isDirectory())
    throw unusable("it cannot be created, since a part of its path is a file");
  const found = await openDownloadDirectory(downloadDir, "look");
  if (found) {
    if (!(await mayWrite(found.path))) throw unusable("this user may not write to it");
    return ok(`${downloadDir} (${source})`);
  }
  if (!(await mayWrite(nearest))) throw unusable("this user may not create it");
  if (await holdsNoFiles(nearest)) throw unusable("it cannot be created, since the file system there holds no files");
  return ok(`${downloadDir} (${source}), which does not exist yet and will be created`);
}

/** How much may still be written to the disk of the download folder. */
export async function freeSpace({ downloadDir }: Config): Promise<StepResult> {
  return judgeFreeSpace(await freeBytes(await nearestExisting(downloadDir)));
}

export function judgeFreeSpace(bytes: number | undefined): StepResult {
  if (bytes === undefined) return ok("the file system does not tell; a full disk shows while saving");
  const gigabytes = `${(bytes / GIB).toFixed(1)} GiB free`;
  const advice = "Free space on that disk, or choose another ATLAS_FLEX_DOWNLOAD_DIR.";
  if (bytes < DEFAULT_LIMITS.diskReserveBytes)
    return { ...failed(`${gigabytes}, too little for any file`, advice), errorCode: "DISK_FULL" };
  if (bytes < COMFORTABLE_BYTES)
    return warning(`${gigabytes}; a snapshot of a Flex cluster can have up to 5 GB`, advice);
  return ok(gigabytes);
}

/** What has this path, or the nearest part of it that exists. */
async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await stat(folder);
      return folder;
    } catch (error) {
      if (!failedBecause(error, "ENOENT", "ENOTDIR") || folder === dirname(folder))
        throw unusable("it cannot be looked at");
    }
  }
}

/** Of file systems that only look like one, such as /proc, whose every folder root seems free to write to. */
async function holdsNoFiles(folder: string): Promise<boolean> {
  try {
    const { blocks, files } = await statfs(folder);
    return process.platform === "linux" && blocks === 0 && files === 0;
  } catch {
    return false; // It does not tell, so nothing is known against it.
  }
}

async function mayWrite(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false; // Not allowed, on a read-only file system, or gone: in each case the answer is no.
  }
}

function unusable(why: string) {
  return ownFailure("DOWNLOAD_DIR_UNUSABLE", { detail: `The download folder cannot be used: ${why}.` });
}
