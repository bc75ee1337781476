// The tool verify_saved_snapshot: reads a saved file to its end and compares it with its record.
import * as z from "zod";
import { sizeInWords } from "../core/text.ts";
import type { Integrity, VerifyReport } from "../download/contract.ts";
import { fileFields, INCOMPLETE, restoreAdvice, viewContents, viewIntegrity, viewRestore } from "./file-view.ts";
import { fileName, waitSeconds } from "./params.ts";
import { count, defineTool, field, nextStep, waitMsOf } from "./tool.ts";

export const verifySavedSnapshot = defineTool({
  name: "verify_saved_snapshot",
  title: "Verify saved snapshot",
  description:
    "Reads a saved snapshot to its end and says whether it is whole, what is inside and how to restore it on this computer. Compares with the record written when it was saved. Leaves the file as it is. Large files take longer than one call: call again with the same fileName until state is complete.",
  input: z.strictObject({ fileName, waitSeconds: waitSeconds(25) }),
  output: z.strictObject({
    state: field(
      "`verifying`: the check goes on; call again. `complete`: `integrity` has the outcome.",
      z.enum(["verifying", "complete"]),
    ),
    ...fileFields,
    checkedBytes: count("Bytes read so far."),
    nextStep,
  }),
  async handler({ fileName, waitSeconds }, context) {
    const { store, signal, report } = context;
    const result = await store.verify(fileName, {
      waitMs: waitMsOf(waitSeconds, 25, context),
      signal,
      onProgress: ({ checkedBytes, bytes }) =>
        report({
          progress: checkedBytes,
          total: bytes,
          message: `${sizeInWords(checkedBytes)} of ${sizeInWords(bytes)} checked`,
        }),
    });
    const { contents, restore, integrity, warning: _, ...rest } = result;
    return {
      ...rest,
      size: sizeInWords(result.bytes),
      ...(integrity ? { integrity: viewIntegrity(integrity) } : {}),
      ...(contents ? { contents: viewContents(contents) } : {}),
      ...(restore ? { restore: viewRestore(restore) } : {}),
      nextStep: advice(result),
    };
  },
});

function advice({ sound, integrity, contents, restore, fileName, warning }: VerifyReport): string {
  if (!integrity)
    return "The check continues in the background while this client is open. Call verify_saved_snapshot again with the same fileName.";
  const isOpen = warning !== undefined;
  const because = isOpen ? ` ${warning}` : "";
  if (!sound) return `${unsoundAdvice(integrity, isOpen)}${because}`;
  const unknown = contents?.kind === "unknown" ? " It may be no backup." : "";
  return `${wholeAdvice(integrity, isOpen)}${because}${unknown} ${restoreAdvice(restore, fileName)}`;
}

/** `isOpen`: others may have put the file and a record that fits it into the folder, so nothing is said of its origin. */
function wholeAdvice({ recordedSha256 }: Integrity, isOpen: boolean): string {
  if (recordedSha256 === "unrecorded") return "The file is whole; there is no record to compare it with.";
  if (isOpen) return "The file is whole and matches its record, but other users may have replaced both.";
  return "The file is whole and is the one that was saved.";
}

function unsoundAdvice({ gzip, length, md5, recordedSha256 }: Integrity, isOpen: boolean): string {
  if (recordedSha256 === "ok" && (length === "wrong" || md5 === "wrong"))
    return `The file ${isOpen ? "matches its record" : "is the one that was saved"}, but it is not what the file host announced: do not restore from it. Save the snapshot again under another name while Atlas still has it.`;
  if (recordedSha256 === "ok" && gzip === "ok")
    return isOpen ? "The archive inside the file is incomplete: do not restore from it." : INCOMPLETE;
  if (recordedSha256 !== "unrecorded")
    return "The file is damaged or was changed: do not restore from it. Save the snapshot again under another name while Atlas still has it.";
  const found =
    gzip === "ok"
      ? "Nothing shows that the file is a whole snapshot archive"
      : "The file is not a whole snapshot archive";
  return `${found}: do not restore from it. There is no record of it, so nothing is known of where it came from or what it was.`;
}
