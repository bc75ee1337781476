import type { DownloadDirectory } from "../folder/download-directory.ts";
import type { RecordedFile, SavedSnapshot } from "../folder/saved-files.ts";
import { isSound } from "../soundness.ts";
import { prepareVerification } from "../verify-file.ts";
import type { SaveStatus } from "./save-status.ts";
import type { SavingDeps } from "./saving-deps.ts";

/** Reads files that were written to since they were saved, and returns the first that still is what its record tells. */
export async function recheck(
  { slots, startCheck, checkedFiles }: SavingDeps,
  { directory, touched }: { directory: DownloadDirectory; touched: readonly RecordedFile[] },
  status: SaveStatus,
  signal: AbortSignal,
): Promise<SavedSnapshot | undefined> {
  status.state = "queued";
  const leave = await slots.enter(signal);
  try {
    for (const { fileName, record } of touched) {
      const { run, report } = await prepareVerification({ directory, fileName, startCheck, checkedFiles });
      status.file = { fileName, path: directory.at(fileName) };
      status.follow(() => ({ bytes: report().checkedBytes, total: record.bytes }));
      status.state = "verifying";
      const { integrity } = await run(signal);
      if (integrity && isSound(integrity)) return { fileName, record };
    }
    status.file = undefined;
    status.follow(() => ({ bytes: 0 }));
    status.state = "requesting";
    return undefined;
  } finally {
    leave();
  }
}
