// The tool list_saved_snapshots: what is in the download folder, finished or not.
import * as z from "zod";
import { sizeInWords, spanInWords } from "../core/text.ts";
import { whenOf } from "../core/time.ts";
import type { OpenTransfer, SavedFile, SavedList } from "../download/contract.ts";
import { lastError, viewError } from "./file-view.ts";
import { bytesOf, MAX_LISTED_BYTES, roomFor } from "./room.ts";
import {
  count,
  defineTool,
  field,
  nextStep,
  optionalCount,
  optionalText,
  type ToolContext,
  text,
  truncated,
} from "./tool.ts";

export const listSavedSnapshots = defineTool({
  name: "list_saved_snapshots",
  title: "List saved snapshots",
  description:
    "Lists the snapshots (backups) on this computer: finished files, running and paused transfers with percent and the arguments to continue. Needs no connection to Atlas.",
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
          size: text("The same for people."),
          state: text(
            "`complete`: saved and checked by this server. `changed`: written to since it was saved, as a copy or a backup tool does too; verifying tells whether it still is what was saved. `unrecorded`: there is no matching record, since something else put the file there. `foreign`: it belongs to another user of this computer and counts as no backup.",
          ),
          groupId: optionalText("Project. From the record, like the fields below."),
          projectName: optionalText("Its name, where it was known when the snapshot was saved."),
          name: optionalText("Cluster."),
          snapshotId: optionalText("Snapshot."),
          finishTime: optionalText("When Atlas had finished the snapshot."),
          when: optionalText("The same for people, in this computer's time zone."),
          mongoDBVersion: optionalText("The cluster's version at that time."),
          sound: field(
            "`false`: saved as the file host has it, but the archive inside is incomplete.",
            z.boolean().optional(),
          ),
          kind: optionalText("Like `contents.kind` of `save_flex_snapshot`."),
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
          size: optionalText("The size of the whole file for people, as far as it is known."),
          percent: optionalCount("`bytes` as a share of `totalBytes`."),
          secondsLeft: optionalCount("Time left at the present speed."),
          timeLeft: optionalText("The same for people."),
          projectName: optionalText("Project, where its name is known."),
          when: optionalText("When the backup was taken, in this computer's time zone."),
          continueWith: field(
            "Arguments of `save_flex_snapshot` to follow or continue it: {fields}.",
            z.strictObject({ groupId: z.string(), name: z.string(), snapshotId: z.string() }),
          ),
          lastError: lastError("Why it is paused: {fields}. Absent for a transfer that ended with an earlier client."),
        }),
      ),
    ),
    truncated,
    freeBytes: optionalCount("Free space on the disk of the folder, as far as the system tells."),
    nextStep,
  }),
  async handler(_, { store, saves, signal, ifTool, clock, aside }) {
    const list = await store.list(signal);
    const { directory, files, transfers, warning = "", freeBytes } = list;
    const now = clock.now();
    const lookingUp = saves.lookingUp();
    const fits = roomFor(MAX_LISTED_BYTES - bytesOf(directory));
    const shownTransfers = transfers.map((transfer) => viewTransfer(transfer, now)).filter(fits);
    const shownFiles = files.map((file) => viewFile(file, now)).filter(fits);
    const left = transfers.length + files.length - shownTransfers.length - shownFiles.length;
    const truncated = list.truncated === true || left > 0;
    aside({ lookingUp, found: saves.found(), rates: ratesOf(transfers), sha256: checksumsOf(files) });
    return {
      directory,
      files: shownFiles,
      transfers: shownTransfers,
      ...(truncated ? { truncated } : {}),
      ...(freeBytes === undefined ? {} : { freeBytes }),
      nextStep: [warning, lookedUp(lookingUp), adviceOn({ files, transfers, truncated, lookingUp }, ifTool)]
        .filter(Boolean)
        .join(" "),
    };
  },
});

/** A save that has just ended is among the newest files. */
const MAX_CHECKSUMS = 8;

const checksumsOf = (files: readonly SavedFile[]) =>
  Object.fromEntries(
    files
      .slice(0, MAX_CHECKSUMS)
      .flatMap(({ identity, sha256 }) => (identity && sha256 ? [[identity.snapshotId, sha256]] : [])),
  );

const ratesOf = (transfers: readonly OpenTransfer[]) =>
  Object.fromEntries(
    transfers.flatMap(({ identity, bytesPerSecond }) =>
      bytesPerSecond ? [[identity.snapshotId, `${sizeInWords(bytesPerSecond)}/s`]] : [],
    ),
  );

type Listed = Pick<SavedList, "files" | "transfers"> & { truncated: boolean; lookingUp: readonly string[] };

function adviceOn({ files, transfers, truncated, lookingUp }: Listed, ifTool: ToolContext["ifTool"]): string {
  const own = transfers.filter(({ state }) => state !== "elsewhere");
  const isPaused = ({ state }: OpenTransfer) => state === "paused";
  const has = (state: SavedFile["state"]) => files.some((file) => file.state === state);
  return [
    own.length < transfers.length &&
      "A transfer that is elsewhere is saved by another process: list again to follow it.",
    own.length > 0 &&
      ifTool("save_flex_snapshot", "To follow or continue a transfer, call save_flex_snapshot with its continueWith."),
    own.length > 0 &&
      ifTool(
        "stop_saving_snapshot",
        "To stop a transfer, call stop_saving_snapshot with its snapshotId; with discard: true its part is deleted.",
      ),
    own.some((transfer) => isPaused(transfer) && !transfer.lastError) &&
      "A paused transfer without lastError stopped when its client closed.",
    files.some(({ state }) => state !== "foreign") &&
      ifTool(
        "verify_saved_snapshot",
        "To check a file and see how to restore it, call verify_saved_snapshot with its fileName.",
      ),
    files.some(({ sound }) => sound === false) &&
      "In a file whose sound is false the archive inside is incomplete: do not restore from it.",
    has("changed") &&
      "A changed file was written to since it was saved, as a copy or a backup tool does too: verifying it, or saving its snapshot again, tells whether it still is what was saved.",
    has("unrecorded") && "An unrecorded file has no record of this server, so where it came from is not known.",
    has("foreign") && "A foreign file belongs to another user of this computer: do not restore from it.",
    files.length > 0 &&
      "No tool deletes a finished file: a person can delete it in the folder, with its .json file, or give the command save the option --keep N, which leaves the newest N of a cluster.",
    truncated && "The list is cut: the folder holds more than is shown. Of its files, the newest are shown.",
    files.length + transfers.length + lookingUp.length === 0 && "Nothing has been saved yet.",
  ]
    .filter(Boolean)
    .join(" ");
}

const lookedUp = (names: readonly string[]) =>
  names.length > 0
    ? `The backup of ${names.join(" and ")} is being looked up; its download then begins by itself.`
    : "";

const viewFile = ({ fileName, path, bytes, state, identity, facts, sound, contents }: SavedFile, now: number) => ({
  fileName,
  path,
  bytes,
  size: sizeInWords(bytes),
  state,
  ...identity,
  projectName: facts?.projectName,
  finishTime: facts?.finishTime,
  when: whenOf(facts?.finishTime, now),
  mongoDBVersion: facts?.mongoDBVersion,
  sound,
  kind: contents?.kind,
});

function viewTransfer({ identity, facts, lastError, bytesPerSecond: _, ...transfer }: OpenTransfer, now: number) {
  const { bytes, totalBytes = bytes, secondsLeft } = transfer;
  return {
    ...transfer,
    size: totalBytes > 0 ? sizeInWords(totalBytes) : undefined,
    timeLeft: secondsLeft === undefined ? undefined : spanInWords(secondsLeft),
    projectName: facts?.projectName,
    when: whenOf(facts?.finishTime, now),
    continueWith: identity,
    ...(lastError ? { lastError: viewError(lastError) } : {}),
  };
}
