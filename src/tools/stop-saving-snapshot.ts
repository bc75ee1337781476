// The tool stop_saving_snapshot: ends a save that runs, and gives up its part if asked to.
import * as z from "zod";
import { checkAllowed } from "../atlas/look.ts";
import { sizeInWords } from "../core/text.ts";
import type { StopReport } from "../download/contract.ts";
import { snapshotId } from "./params.ts";
import { count, defineTool, field, nextStep, optionalText, type ToolContext } from "./tool.ts";

export const stopSavingSnapshot = defineTool({
  name: "stop_saving_snapshot",
  title: "Stop saving snapshot",
  description:
    "Ends the download of a snapshot and keeps what was saved, so that save_flex_snapshot can continue it. With discard: true the unfinished part is deleted too; a finished file never is. Stopping what does not run is no error.",
  input: z.strictObject({
    snapshotId,
    discard: z.boolean({ error: "must be true or false" }).optional().describe("Also delete the unfinished part"),
  }),
  output: z.strictObject({
    state: field(
      "`stopped`, `discarded`: the part is deleted too. `not-running`: there was nothing to stop.",
      z.enum(["stopped", "discarded", "not-running"]),
    ),
    name: optionalText("Cluster."),
    bytes: count("Bytes that are kept for the next save."),
    size: optionalText("The same for people."),
    nextStep,
  }),
  async handler({ snapshotId, discard = false }, context) {
    const { allowedProjects, signal } = context;
    const check = ({ groupId }: { groupId: string }) => checkAllowed(groupId, allowedProjects);
    const stop = () => context.store.stop(snapshotId, { discard, check, signal });
    let report = await stop();
    if (report.state === "not-running" && context.saves.lookingUp().length > 0) {
      await context.saves.settled(signal);
      report = await stop();
    }
    const { state, identity, bytes } = report;
    return {
      state,
      ...(identity && { name: identity.name }),
      bytes,
      size: bytes > 0 ? sizeInWords(bytes) : undefined,
      nextStep: advice(report, discard, context),
    };
  },
});

function advice({ state, bytes, savedAs }: StopReport, discard: boolean, { ifTool }: ToolContext): string {
  const kept = savedAs === undefined ? "" : ` The finished file ${savedAs} stays: no tool deletes a finished file.`;
  if (state === "discarded") return `The download has ended, and its unfinished part is deleted.${kept}`;
  const goOn = ifTool("save_flex_snapshot", " To continue later, call save_flex_snapshot with the same snapshotId.");
  if (state === "stopped")
    return bytes > 0
      ? `The download has ended; ${sizeInWords(bytes)} are kept.${goOn}`
      : savedAs === undefined
        ? "The download has ended before anything was saved."
        : `The work on it has ended.${kept}`;
  if (bytes > 0) return `Nothing was running; ${sizeInWords(bytes)} of an earlier attempt are kept.${goOn}`;
  const nothing = discard ? "Nothing was running, and there is no unfinished part." : "Nothing was running.";
  return `${nothing}${kept}`;
}
