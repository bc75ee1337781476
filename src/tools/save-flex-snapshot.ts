// The tool save_flex_snapshot: from a cluster's name to a verified file, joining or continuing a save that was begun.
import * as z from "zod";
import { sizeInWords, spanInWords } from "../core/text.ts";
import { whenOf } from "../core/time.ts";
import { SIMULATED_PREFIX } from "../download/contract.ts";
import {
  fileFields,
  INCOMPLETE,
  lastError,
  pausedAdvice,
  transferMessage,
  viewContents,
  viewError,
  viewIntegrity,
} from "./file-view.ts";
import { fileName, groupId, name, snapshotId, waitSeconds } from "./params.ts";
import {
  defineTool,
  field,
  nextStep,
  optionalCount,
  optionalText,
  type SaveAnswer,
  type ToolContext,
  text,
  waitMsOf,
} from "./tool.ts";

/** A shorter rest is worth another call that waits for it. */
const SOON_SECONDS = 60;

const { restore: _restore, ...savedFields } = fileFields;

export const saveFlexSnapshot = defineTool({
  name: "save_flex_snapshot",
  title: "Save Flex snapshot",
  description:
    "Downloads a backup (snapshot) of a Flex cluster to a verified file on this computer; the cluster's name is enough. Without snapshotId it takes the newest complete backup, without groupId it finds the project. Gets the link by itself, never overwrites. The download goes on between calls; the same call follows or continues it.",
  input: z.strictObject({
    name,
    groupId: groupId.optional(),
    snapshotId: snapshotId.optional(),
    fileName: fileName.optional(),
    waitSeconds: waitSeconds(25),
  }),
  output: z.strictObject({
    state: field(
      "`requesting`: looks the backup up and gets a link. `queued`: waits, since two downloads run at once. `downloading`. `verifying`: all bytes are there, their check goes on. `complete`: the file has its name, and `sound` tells whether it is whole. `paused`: nothing runs, the part is kept, `lastError` says why; the same call continues.",
      z.enum(["queued", "requesting", "downloading", "verifying", "complete", "paused"]),
    ),
    name: text("Cluster."),
    projectName: optionalText("Project, where its name is known."),
    groupId: optionalText("Project id; absent while it is looked up."),
    snapshotId: optionalText("Backup; absent while it is looked up."),
    when: optionalText("When the backup was taken, in this computer's time zone."),
    ...savedFields,
    size: optionalText("Size of the file for people, as far as it is known."),
    fileName: optionalText("Name in the download folder; absent until the backup has been looked up."),
    path: optionalText("Absolute path that the file has or will have."),
    totalBytes: optionalCount("Size that the host announced."),
    rate: optionalText("Present speed."),
    secondsLeft: optionalCount("Time left at the present speed."),
    lastError: lastError("Why a download stands still: {fields}, as in a failure."),
    warnings: field(
      "For example that a newer backup failed, or that the download had to start over.",
      z.array(z.string()).optional(),
    ),
    nextStep,
  }),
  async handler({ waitSeconds, ...order }, context) {
    const report = await context.saves.save(order, {
      waitMs: waitMsOf(waitSeconds, 25, context),
      signal: context.signal,
      onProgress: (now) =>
        context.report({
          progress: now.bytes,
          ...(now.totalBytes ? { total: now.totalBytes } : {}),
          message: transferMessage(now),
        }),
    });
    const {
      state,
      facts,
      bytes,
      totalBytes,
      integrity,
      contents,
      lastError: reason,
      sound,
      sha256,
      secondsLeft,
    } = report;
    const isComplete = state === "complete";
    if (report.ticket !== undefined) context.aside({ ticket: report.ticket });
    const projectName = report.target?.projectName ?? facts?.projectName;
    return {
      state,
      name: order.name,
      ...(projectName ? { projectName } : {}),
      groupId: report.target?.groupId,
      snapshotId: report.target?.snapshotId,
      when: whenOf(facts?.finishTime, context.clock.now()),
      fileName: report.fileName,
      path: report.path,
      bytes,
      size: totalBytes === undefined && bytes === 0 ? undefined : sizeInWords(totalBytes ?? bytes),
      ...(isComplete || totalBytes === undefined ? {} : { totalBytes }),
      rate: report.bytesPerSecond === undefined ? undefined : `${sizeInWords(report.bytesPerSecond)}/s`,
      secondsLeft,
      sha256,
      sound,
      ...(integrity ? { integrity: viewIntegrity(integrity) } : {}),
      ...(contents ? { contents: viewContents(contents) } : {}),
      ...(reason ? { lastError: viewError(reason) } : {}),
      warnings: report.warnings,
      nextStep: advice(report, context),
    };
  },
});

function advice(report: SaveAnswer, context: ToolContext): string {
  const { ifTool } = context;
  if (report.state === "complete") {
    if (!report.sound) return INCOMPLETE;
    const { resumedFromBytes: resumed } = report;
    const continued = resumed ? `; it went on from the ${sizeInWords(resumed)} of an earlier attempt` : "";
    if (report.fileName?.startsWith(SIMULATED_PREFIX))
      return `Saved and verified${continued}. The file is simulated: it has the form of a backup, but cannot be restored.`;
    if (report.contents?.kind === "unknown")
      return "The file arrived whole, but its contents were not recognised: it may be no backup.";
    const how = ifTool("verify_saved_snapshot", " verify_saved_snapshot has the commands that restore it.");
    return `Saved and verified${continued}.${how}`;
  }
  if (report.state === "paused") return pausedAdvice(report);
  const { secondsLeft } = report;
  // That tool needs the id, which is not known before the lookup has ended.
  const stop = report.target ? ifTool("stop_saving_snapshot", " stop_saving_snapshot ends it.") : "";
  if (secondsLeft !== undefined && secondsLeft > SOON_SECONDS)
    return `The download continues in the background while this client is open, about ${spanInWords(secondsLeft)} more. Tell the person, and look again with the same call when the person asks; do not call in a loop.${stop}`;
  const { waitsFor = [] } = report;
  if (waitsFor.length > 0)
    return `Two downloads run at once, so this one waits for the download of ${waitsFor.join(" and ")}, and then begins by itself. Look again with the same call when the person asks.${stop}`;
  if (secondsLeft !== undefined)
    return `The download continues in the background while this client is open, about ${spanInWords(secondsLeft)} more. The same call with waitSeconds ${context.maxWaitSeconds} waits for the end.${stop}`;
  return `${report.state === "requesting" ? "The download is being prepared and then begins by itself" : "The download continues"} in the background while this client is open. Look again with the same call when the person asks.${stop}`;
}
