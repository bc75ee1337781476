import * as z from "zod";
import type { SaveReport } from "../download/contract.ts";
import {
  fileFields,
  pausedAdvice,
  restoreAdvice,
  transferFields,
  transferMessage,
  viewContents,
  viewError,
} from "./file-view.ts";
import { fileName, groupId, name, snapshotId, waitSeconds } from "./params.ts";
import { defineTool, type ToolContext } from "./tool.ts";

export const saveFlexSnapshot = defineTool({
  name: "save_flex_snapshot",
  title: "Save Flex snapshot",
  description:
    "Downloads a Flex snapshot to a verified file on this computer. Gets a link by itself (creates a restore job of type DOWNLOAD unless a usable one exists), saves into the download folder, never overwrites, checks the file as it arrives. The transfer goes on between calls: call again with the same arguments until state is complete. A broken or paused transfer continues where it stopped.",
  input: z.strictObject({ groupId, name, snapshotId, fileName: fileName.optional(), waitSeconds: waitSeconds(25) }),
  output: z.strictObject({
    state: z.enum(["queued", "requesting", "downloading", "verifying", "complete", "paused"]),
    ...fileFields,
    ...transferFields,
    // Not known while the snapshot, whose finish time is part of the default name, is still being looked up.
    fileName: z.string().optional(),
    path: z.string().optional(),
    nextStep: z.string(),
  }),
  async handler({ waitSeconds, fileName, ...snapshot }, context) {
    const report = await context.store.save(
      { ...snapshot, ...(fileName === undefined ? {} : { fileName }) },
      {
        waitMs: waitSeconds * 1000,
        signal: context.signal,
        onProgress: (now) =>
          context.report({
            progress: now.bytes,
            ...(now.totalBytes ? { total: now.totalBytes } : {}),
            message: transferMessage(now),
          }),
      },
    );
    const { lastError, contents, ...rest } = report;
    return {
      ...rest,
      ...(contents ? { contents: viewContents(contents) } : {}),
      ...(lastError ? { lastError: viewError(lastError) } : {}),
      nextStep: advice(report, context),
    };
  },
});

function advice(report: SaveReport, context: ToolContext): string {
  if (report.state === "complete")
    return `${report.contents?.kind === "unknown" ? "The file is complete, but it may be no backup." : "The file is complete and verified."} ${restoreAdvice(report.restore, report.fileName)}`;
  if (report.state === "paused") return pausedAdvice(report);
  const left = report.secondsLeft === undefined ? "" : ` About ${report.secondsLeft} seconds are left.`;
  const ready = context.ifTool("list_saved_snapshots", " list_saved_snapshots shows it too.");
  return `The transfer goes on as long as this server runs.${left} Call save_flex_snapshot again with the same arguments until state is complete.${ready}`;
}
