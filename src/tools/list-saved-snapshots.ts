import * as z from "zod";
import { viewError } from "./file-view.ts";
import { defineTool } from "./tool.ts";

const text = z.string().optional();
const count = z.number().optional();

export const listSavedSnapshots = defineTool({
  name: "list_saved_snapshots",
  title: "List saved snapshots",
  description:
    "Lists the snapshots (backups) on this computer: finished files, and transfers that run or are paused, with percent and the arguments to continue. Needs no connection to Atlas. A file without a record of this server is unrecorded.",
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
        lastError: z
          .strictObject({ errorCode: text, detail: text, hint: z.string(), retryable: z.boolean() })
          .optional(),
      }),
    ),
    freeBytes: count,
    nextStep: z.string(),
  }),
  async handler(_, { store, signal, ifTool }) {
    const { directory, files, transfers, freeBytes } = await store.list(signal);
    return {
      directory,
      files: files.map(({ identity, facts, contents, ...file }) => ({
        ...file,
        ...identity,
        finishTime: facts?.finishTime,
        mongoDBVersion: facts?.mongoDBVersion,
        kind: contents?.kind,
      })),
      transfers: transfers.map(({ identity, lastError, ...transfer }) => ({
        ...transfer,
        continueWith: identity,
        ...(lastError ? { lastError: viewError(lastError) } : {}),
      })),
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
        files.length + transfers.length === 0 ? "Nothing has been saved yet." : "",
      ]
        .filter(Boolean)
        .join(" "),
    };
  },
});
