// Steps of `check` about the download folder: whether it can be saved into, and the free space on its disk.
import { SETTINGS } from "../../config/variables.ts";
import { Failure } from "../../core/errors.ts";
import { DISK_RESERVE_BYTES, inspectFolder } from "../../download/contract.ts";
import { describeFailure } from "../advice.ts";
import type { Configured } from "../terminal.ts";
import { sourceOf } from "./configuration.ts";
import { failed, failedWith, ok, type StepResult, warning } from "./step.ts";

const GIB = 1024 ** 3;

/** A Flex cluster stores 5 GB at most, so this much free space is enough for any of its snapshots. */
const COMFORTABLE_BYTES = 5 * GIB;

const PROTECT =
  "If other people use this computer, choose an ATLAS_FLEX_DOWNLOAD_DIR on a disk with permissions, in your home folder.";

/** Whether the folder exists and can be saved into, or could be created; changes nothing on the disk. */
export async function downloadFolder({ config, options, env }: Configured): Promise<StepResult> {
  const { downloadDir, unusable } = config;
  const source = sourceOf({ options, env }, SETTINGS.downloadDir) ?? "the default";
  if (unusable.includes("downloadDir"))
    return failed(`${source} cannot be used`, "Correct it, or unset it for atlas-flex-snapshots in the home folder.");
  const folder = `${downloadDir} (${source})`;
  try {
    const { exists, warning: doubt } = await inspectFolder(downloadDir);
    if (doubt !== undefined) return warning(`${folder}. ${doubt}`, PROTECT);
    return ok(`${folder}${exists ? "" : ", which does not exist yet and will be created"}`);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "DOWNLOAD_DIR_UNUSABLE") throw error;
    return failedWith(error, `${folder}. ${describeFailure(error)}`);
  }
}

/** Judges the free space of the disk; `bytes` is undefined if the file system does not report it. */
export function freeSpace(bytes: number | undefined): StepResult {
  if (bytes === undefined) return ok("the file system does not tell; a full disk shows while saving");
  const found = `${(bytes / GIB).toFixed(1)} GiB free`;
  const advice = "Free space on that disk, or choose another ATLAS_FLEX_DOWNLOAD_DIR.";
  if (bytes < DISK_RESERVE_BYTES)
    return { ...failed(`${found}, too little for any file`, advice), errorCode: "DISK_FULL" };
  if (bytes < COMFORTABLE_BYTES) return warning(`${found}; a snapshot of a Flex cluster can have up to 5 GB`, advice);
  return ok(found);
}
