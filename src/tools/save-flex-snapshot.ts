// The tool save_flex_snapshot: from a snapshot to a verified file, joining or continuing a save that was begun.
import * as z from "zod";
import type { SaveReport } from "../download/contract.ts";
import {
  fileFields,
  INCOMPLETE,
  lastError,
  pausedAdvice,
  restoreAdvice,
  transferMessage,
  viewContents,
  viewError,
  viewRestore,
} from "./file-view.ts";
import { fileName, groupId, name, snapshotId, waitSeconds } from "./params.ts";
import { defineTool, field, nextStep, optionalCount, optionalText, type ToolContext } from "./tool.ts";

export const saveFlexSnapshot = defineTool({
  name: "save_flex_snapshot",
  title: "Save Flex snapshot",
  description:
    "Downloads a Flex snapshot to a verified file on this computer. Gets a link by itself (creates a restore job of type DOWNLOAD unless a usable one exists), saves into the download folder, never overwrites, checks the file as it arrives. The transfer goes on between calls: call again with the same arguments until state is complete. A broken or paused transfer continues where it stopped.",
  input: z.strictObject({ groupId, name, snapshotId, fileName: fileName.optional(), waitSeconds: waitSeconds(25) }),
  output: z.strictObject({
    state: field(
      "`queued`: waits, since two transfers run at once. `requesting`: looks the snapshot up and gets a link. `downloading`. `verifying`: all bytes are there, their check goes on. `complete`: the file has its name, and `sound` tells whether it is whole. `paused`: nothing runs, the part is kept, `lastError` says why; the same call continues.",
      z.enum(["queued", "requesting", "downloading", "verifying", "complete", "paused"]),
    ),
    ...fileFields,
    // The default name contains the snapshot's finish time, so both are unknown until the snapshot has been looked up.
    fileName: optionalText("Name in the download folder; absent until the snapshot has been looked up."),
    path: optionalText("Absolute path that the file has or will have; absent until the snapshot has been looked up."),
    totalBytes: optionalCount("Size that the host announced."),
    bytesPerSecond: optionalCount("Present speed."),
    secondsLeft: optionalCount("Time left at the present speed."),
    resumedFromBytes: optionalCount("How many bytes of an earlier attempt were on disk when this one began."),
    interruptions: optionalCount(
      "How often the connection broke in this run and the transfer resumed where it stopped.",
    ),
    lastError: lastError("Why a transfer stands still: {fields}, as in a failure."),
    warnings: field(
      "For example that the transfer had to start over, or will outlive its link.",
      z.array(z.string()).optional(),
    ),
    nextStep,
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
    const { lastError: reason, contents, restore, ...rest } = report;
    return {
      ...rest,
      ...(contents ? { contents: viewContents(contents) } : {}),
      ...(restore ? { restore: viewRestore(restore) } : {}),
      ...(reason ? { lastError: viewError(reason) } : {}),
      nextStep: advice(report, context),
    };
  },
});

function advice(report: SaveReport, context: ToolContext): string {
  if (report.state === "complete") {
    if (!report.sound) return INCOMPLETE;
    const isUnknown = report.contents?.kind === "unknown";
    const outcome = isUnknown
      ? "The file arrived whole, but it may be no backup."
      : "The file is complete and verified.";
    return `${outcome} ${restoreAdvice(report.restore, report.fileName)}`;
  }
  if (report.state === "paused") return pausedAdvice(report);
  const left = report.secondsLeft === undefined ? "" : ` About ${report.secondsLeft} seconds are left.`;
  const alsoListed = context.ifTool("list_saved_snapshots", " list_saved_snapshots shows it too.");
  return `The download continues in the background while this client is open.${left} Call save_flex_snapshot again with the same arguments until state is complete.${alsoListed}`;
}
