import { isAbsolute } from "node:path";
import type { Config } from "../../config/config.ts";
import { SETTINGS } from "../../config/variables.ts";
import { Failure } from "../../core/errors.ts";
import { DISK_RESERVE_BYTES, freeBytesFor, inspectFolder } from "../../download/contract.ts";
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
  const setting = sourceOf(sources, SETTINGS.downloadDir);
  const given = sources.options["download-dir"] ?? (setting && sources.env[setting]);
  // An MCP client starts servers wherever it likes.
  const relative = typeof given === "string" && /^[^/\\~$]/.test(given.trim()) && !isAbsolute(given.trim());
  const source = `${setting ?? "the default"}${relative ? ", relative to where this was started" : ""}`;
  try {
    const { exists } = await inspectFolder(config.downloadDir);
    return ok(`${config.downloadDir} (${source})${exists ? "" : ", which does not exist yet and will be created"}`);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "DOWNLOAD_DIR_UNUSABLE") throw error;
    return failedWith(error, `${config.downloadDir} (${source}). ${describeFailure(error)}`);
  }
}

/** How much may still be written to the disk of the download folder. */
export async function freeSpace({ downloadDir }: Config): Promise<StepResult> {
  return judgeFreeSpace(await freeBytesFor(downloadDir));
}

export function judgeFreeSpace(bytes: number | undefined): StepResult {
  if (bytes === undefined) return ok("the file system does not tell; a full disk shows while saving");
  const gigabytes = `${(bytes / GIB).toFixed(1)} GiB free`;
  const advice = "Free space on that disk, or choose another ATLAS_FLEX_DOWNLOAD_DIR.";
  if (bytes < DISK_RESERVE_BYTES)
    return { ...failed(`${gigabytes}, too little for any file`, advice), errorCode: "DISK_FULL" };
  if (bytes < COMFORTABLE_BYTES)
    return warning(`${gigabytes}; a snapshot of a Flex cluster can have up to 5 GB`, advice);
  return ok(gigabytes);
}
