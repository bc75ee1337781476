import * as z from "zod";
import type { OpenTransfer, SavedFile } from "../download/contract.ts";
import { lastError, viewError } from "./file-view.ts";
import { defineTool } from "./tool.ts";

const text = z.string().optional();
const count = z.number().optional();

/** For the folder's path and the entries, so that the answer stays below 64 KiB; a hundred long entries come to more. */
const MAX_LISTED_BYTES = 62 * 1024;

export const listSavedSnapshots = defineTool({
  name: "list_saved_snapshots",
  title: "List saved snapshots",
  description:
    "Lists the snapshots (backups) on this computer: finished files, running and paused transfers with percent and the arguments to continue. Needs no connection to Atlas. Files without a record are unrecorded.",
  input: z.strictObject({}),
  output: z.strictObject({
    directory: z.string(),
    files: z.array(
      z.strictObject({
        fileName: z.string(),
        path: z.string(),
        bytes: z.number(),
        state: z.string(),
        groupId: text,
        name: text,
        snapshotId: text,
        finishTime: text,
        mongoDBVersion: text,
        sha256: text,
        kind: text,
        savedAt: text,
      }),
    ),
    transfers: z.array(
      z.strictObject({
        state: z.string(),
        fileName: z.string(),
        bytes: z.number(),
        totalBytes: count,
        percent: count,
        continueWith: z.strictObject({ groupId: z.string(), name: z.string(), snapshotId: z.string() }),
        lastError,
      }),
    ),
    truncated: z.boolean().optional(),
    freeBytes: count,
    nextStep: z.string(),
  }),
  async handler(_, { store, signal, ifTool }) {
    const { directory, files, transfers, truncated = false, freeBytes } = await store.list(signal);
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
        transfers.some(({ state }) => state === "elsewhere")
          ? "A transfer that is elsewhere is being saved by another process: list again to follow it."
          : "",
        transfers.some(({ state }) => state !== "elsewhere")
          ? ifTool(
              "save_flex_snapshot",
              "To follow or continue a transfer, call save_flex_snapshot with its continueWith.",
            )
          : "",
        files.length > 0
          ? ifTool(
              "verify_saved_snapshot",
              "To check a file and see how to restore it, call verify_saved_snapshot with its fileName.",
            )
          : "",
        files.some(({ state }) => state === "changed")
          ? "A file that is changed was written to since it was saved, which a copy or a backup does too: verifying it, or saving its snapshot again, tells whether it still is what was saved."
          : "",
        isTruncated
          ? "The list is cut: the download folder holds more than is shown, and of its files the newest are."
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

/** Lets entries through, in their order, until their JSON fills the room. */
function roomFor(bytes: number): (entry: object) => boolean {
  let left = bytes;
  return (entry) => {
    left -= bytesOf(entry) + 1;
    return left >= 0;
  };
}

const bytesOf = (value: object | string) => Buffer.byteLength(JSON.stringify(value));
