// Mutations of the deletion of older files by `save --keep`.
import { edit } from "./edit.mjs";

const KEEP = "src/download/keep-newest.ts";
const CHOICE = ["test/download/keep-choice.test.ts"];
const NEWEST = ["test/download/keep-newest.test.ts"];
const NOTHING = ["test/download/keep-nothing.test.ts"];
const COMMAND = ["test/commands/keep.test.ts", "test/commands/keep-ended.test.ts"];

export const OLDER = [
  {
    claim: "delete files of another cluster of the same name",
    edits: [edit(KEEP, " && facts.clusterId === clusterId", "")],
    tests: CHOICE,
  },
  {
    claim: "delete files of another project",
    edits: [edit(KEEP, "identity.groupId === groupId && ", "")],
    tests: CHOICE,
  },
  {
    claim: "delete files of another name than the cluster's",
    edits: [edit(KEEP, " && identity.name === name;", ";")],
    tests: CHOICE,
  },
  {
    claim: "count and delete files of no kind that is recognised",
    edits: [edit(KEEP, ' && contents.kind !== "unknown" && isTimed', " && isTimed")],
    tests: CHOICE,
  },
  {
    claim: "delete although what was saved is not recognised as a backup",
    edits: [edit(KEEP, 'if (savedFile.record.contents.kind === "unknown")', "if (false)")],
    tests: NOTHING,
  },
  {
    claim: "count and delete files that are not sound",
    edits: [edit(KEEP, "return isOfCluster && sound &&", "return isOfCluster &&")],
    tests: CHOICE,
  },
  {
    claim: "delete files without a finish time first",
    edits: [edit(KEEP, "finishOf(facts) > 0 && ", "")],
    tests: CHOICE,
  },
  {
    claim: "let a backup of the future take a place for good",
    edits: [edit(KEEP, " && finishOf(facts) <= now + MOST_AHEAD_MS", "")],
    tests: CHOICE,
  },
  {
    claim: "count and delete copies, and real files after a simulated save",
    edits: [edit(KEEP, " && isTimed && isNamedBySave", " && isTimed")],
    tests: CHOICE,
  },
  {
    claim: "delete the file that was just saved, if it is old",
    edits: [edit(KEEP, "isAmongNewest || file.fileName === saved.fileName", "isAmongNewest")],
    tests: CHOICE,
  },
  {
    claim: "count records without files",
    edits: [edit(KEEP, 'else if (file.state !== "gone")', "else")],
    tests: CHOICE,
  },
  {
    claim: "delete although a file that stays has another size",
    edits: [edit(KEEP, "if (changed.length > 0) return notAsSaved(changed);", "")],
    tests: NOTHING,
  },
  {
    claim: "delete without reading the files that stay",
    edits: [edit(KEEP, "if (damaged.length > 0) return notAsSaved(damaged);", "")],
    tests: NOTHING,
  },
  {
    claim: "delete where other users may have put files",
    edits: [edit(KEEP, "order.evenUnprotected ? undefined : await directory.doubt()", "undefined")],
    tests: NOTHING,
  },
  {
    claim: "delete on a disk that keeps no owners but looks private",
    edits: [edit("src/download/folder/directory.ts", "warning ?? (await hiddenDoubt(found, path))", "warning")],
    tests: NOTHING,
  },
  {
    claim: "delete although a file that stays has gone meanwhile",
    edits: [edit(KEEP, "      return isMissing(fileName);", "      continue;")],
    tests: NOTHING,
  },
  {
    claim: "delete a file that another process uses",
    edits: [edit(KEEP, "withLocks([snapshotLock(record.identity)], lock", "withLocks([], lock")],
    tests: NEWEST,
  },
  {
    claim: "delete a file that was replaced after the choice",
    edits: [edit(KEEP, 'if (fate !== "goes") return;', 'if (fate === "gone") return;')],
    tests: NEWEST,
  },
  {
    claim: "delete a file that was overwritten, without reading it",
    edits: [edit(KEEP, 'if (now.state !== "touched") return "goes";', 'return "goes";')],
    tests: NEWEST,
  },
  {
    claim: "delete the record before its file",
    edits: [
      edit(
        KEEP,
        `    await removeFile(directory.at(fileName));
    report.removed`,
        `    await removeFile(directory.at(recordName));
    await removeFile(directory.at(fileName));
    report.removed`,
      ),
    ],
    tests: NEWEST,
  },
  {
    claim: "delete in a folder that has taken the place of the chosen one",
    edits: [
      edit(
        KEEP,
        `        await directory.confirm();
        await remove`,
        "        await remove",
      ),
    ],
    tests: NOTHING,
  },
  {
    claim: "delete a file whose lock another process took over while it was read",
    edits: [edit(KEEP, "        await confirm();\n", "")],
    tests: NEWEST,
  },
  {
    claim: "delete the record of a file that is back",
    edits: [edit(KEEP, '(now.state === "gone") === (state === "gone")', "true")],
    tests: NEWEST,
  },
  {
    claim: "ask to try again where an older file is not as it was saved",
    edits: [edit(KEEP, '.length === 0 ? "goes" : "changed";', '.length === 0 ? "goes" : "inUse";')],
    tests: NEWEST,
  },
  {
    claim: "keep deleting after an interruption",
    edits: [
      edit(
        KEEP,
        `  for (const file of go) {
    signal.throwIfAborted();`,
        "  for (const file of go) {",
      ),
    ],
    tests: NOTHING,
  },
  {
    claim: "hide what is deleted already when the disk fails",
    edits: [
      edit(
        KEEP,
        `    signal.aborted ? STOPPED : reasonOf(error),
  );`,
        `    signal.aborted ? STOPPED : reasonOf(error),
  );
  if (problem !== undefined) report.removed = [];`,
      ),
    ],
    tests: NOTHING,
  },
  {
    claim: "delete older files after a save whose archive is incomplete",
    edits: [edit("src/commands/save/save-cluster.ts", " && report.sound)", ")")],
    tests: COMMAND,
    only: "archive is incomplete",
  },
  {
    claim: "exit with 0 although --keep could not delete",
    edits: [edit("src/commands/save/outcome.ts", "!report.sound || kept?.problem !== undefined", "!report.sound")],
    tests: COMMAND,
    only: "the other backup that stays",
  },
  {
    claim: "say nothing of what --keep deleted before an interruption",
    edits: [
      edit("src/commands/save/save.ts", "if (outcome) add(outcome);", "if (outcome && !signal.aborted) add(outcome);"),
    ],
    tests: COMMAND,
    only: "interrupted while it deletes",
  },
  {
    claim: "exit as if --keep had not been interrupted",
    edits: [edit("src/commands/save/save.ts", "  signal.throwIfAborted();\n", "")],
    tests: COMMAND,
    only: "interrupted while it deletes",
  },
  {
    claim: "accept --keep 0",
    edits: [edit("src/commands/save/order.ts", "[1-9]\\d{0,5}", "\\d{1,6}")],
    tests: COMMAND,
    only: "with --keep=",
  },
];
