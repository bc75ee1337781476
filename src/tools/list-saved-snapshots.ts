// The tool list_saved_snapshots: what is in the download folder, finished or not.
import * as z from "zod";
import type { OpenTransfer, SavedFile } from "../download/contract.ts";
import { lastError, viewError } from "./file-view.ts";
import { count, defineTool, field, nextStep, optionalCount, optionalText, text, truncated } from "./tool.ts";

/** Room for the folder's path and the entries, so that the answer stays below 64 KiB. A hundred long entries would exceed it. */
const MAX_LISTED_BYTES = 62 * 1024;

export const listSavedSnapshots = defineTool({
  name: "list_saved_snapshots",
  title: "List saved snapshots",
  description:
    "Lists the snapshots (backups) on this computer: finished files, running and paused transfers with percent and the arguments to continue. Needs no connection to Atlas. Files without a record are unrecorded.",
  input: z.strictObject({}),
  output: z.strictObject({
    directory: text("The download folder."),
    files: field(
      "Finished files, newest first.",
      z.array(
        z.strictObject({
          fileName: text("The argument of `verify_saved_snapshot`."),
          path: text("Absolute path."),
          bytes: count("Size of the file."),
          state: text(
            "`complete`: saved and checked by this server. `changed`: written to since it was saved, as a copy or a backup tool does too; verifying tells whether it still is what was saved. `unrecorded`: there is no matching record, since something else put the file there. `foreign`: it belongs to another user of this computer and counts as no backup.",
          ),
          groupId: optionalText("Project. From the record, like the fields below."),
          name: optionalText("Cluster."),
          snapshotId: optionalText("Snapshot."),
          finishTime: optionalText("When Atlas had finished the snapshot."),
          mongoDBVersion: optionalText("The cluster's version at that time."),
          sha256: optionalText("Of the file when it was saved."),
          sound: field(
            "`false`: saved as the file host has it, but the archive inside is incomplete.",
            z.boolean().optional(),
          ),
          kind: optionalText("Like `contents.kind` of `save_flex_snapshot`."),
          savedAt: optionalText("When it got its name."),
        }),
      ),
    ),
    transfers: field(
      "Transfers that are not complete.",
      z.array(
        z.strictObject({
          state: text(
            "Like `state` of `save_flex_snapshot`, or `elsewhere`: another process, such as a second client's server, saves it.",
          ),
          fileName: optionalText("The name that the file will have; absent until the snapshot has been looked up."),
          bytes: count("Bytes on disk."),
          totalBytes: optionalCount("Size that the host announced."),
          percent: optionalCount("`bytes` as a share of `totalBytes`."),
          continueWith: field(
            "Arguments of `save_flex_snapshot` to follow or continue it: {fields}.",
            z.strictObject({ groupId: z.string(), name: z.string(), snapshotId: z.string() }),
          ),
          lastError: lastError("Why it stands still: {fields}."),
        }),
      ),
    ),
    truncated,
    freeBytes: optionalCount("Free space on the disk of the folder, as far as the system tells."),
    nextStep,
  }),
  async handler(_, { store, signal, ifTool }) {
    const { directory, files, transfers, truncated = false, warning = "", freeBytes } = await store.list(signal);
    const fits = roomFor(MAX_LISTED_BYTES - bytesOf(directory));
    const shownTransfers = transfers.map(viewTransfer).filter(fits);
    const shownFiles = files.map(viewFile).filter(fits);
    const left = transfers.length + files.length - shownTransfers.length - shownFiles.length;
    const isTruncated = truncated || left > 0;
    return {
      directory,
      files: shownFiles,
      transfers: shownTransfers,
      ...(isTruncated ? { truncated: true } : {}),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      nextStep: [
        warning,
        transfers.some(({ state }) => state === "elsewhere")
          ? "A transfer that is elsewhere is being saved by another process: list again to follow it."
          : "",
        transfers.some(({ state }) => state !== "elsewhere")
          ? ifTool(
              "save_flex_snapshot",
              "To follow or continue a transfer, call save_flex_snapshot with its continueWith.",
            )
          : "",
        files.some(({ state }) => state !== "foreign")
          ? ifTool(
              "verify_saved_snapshot",
              "To check a file and see how to restore it, call verify_saved_snapshot with its fileName.",
            )
          : "",
        files.some(({ sound }) => sound === false)
          ? "In a file whose sound is false the archive inside is incomplete: do not restore from it."
          : "",
        files.some(({ state }) => state === "changed")
          ? "A file that is changed was written to since it was saved, which a copy or a backup does too: verifying it, or saving its snapshot again, tells whether it still is what was saved."
          : "",
        files.some(({ state }) => state === "foreign")
          ? "A file that is foreign belongs to another user of this computer: do not restore from it."
          : "",
        isTruncated
          ? "The list is cut: the download folder holds more than is shown. Of its files, the newest are shown."
          : "",
        files.length + transfers.length === 0 ? "Nothing has been saved yet." : "",
      ]
        .filter(Boolean)
        .join(" "),
    };
  },
});

const viewFile = ({ identity, facts, contents, ...file }: SavedFile) => ({
  ...file,
  ...identity,
  finishTime: facts?.finishTime,
  mongoDBVersion: facts?.mongoDBVersion,
  kind: contents?.kind,
});

const viewTransfer = ({ identity, lastError, ...transfer }: OpenTransfer) => ({
  ...transfer,
  continueWith: identity,
  ...(lastError ? { lastError: viewError(lastError) } : {}),
});

/** A filter that accepts entries until their JSON fills `bytes`. */
function roomFor(bytes: number): (entry: object) => boolean {
  let left = bytes;
  return (entry) => {
    left -= bytesOf(entry) + 1;
    return left >= 0;
  };
}

const bytesOf = (value: object | string) => Buffer.byteLength(JSON.stringify(value));
