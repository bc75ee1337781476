// Mutations of the deletion of older files by `save --keep`.
import { edit } from "./edit.mjs";

const KEEP = "src/download/keep-newest.ts";
const CHOICE = ["test/download/keep-choice.test.ts"];
const NEWEST = ["test/download/keep-newest.test.ts"];
const NOTHING = ["test/download/keep-nothing.test.ts"];
const COMMAND = ["test/commands/keep.test.ts"];

export const OLDER = [
  {
    claim: "delete files of another cluster of the same name",
    edits: [
      edit(KEEP, "identity.groupId === groupId && facts.clusterId === clusterId", "identity.groupId === groupId"),
    ],
    tests: CHOICE,
  },
  {
    claim: "delete files of another project",
    edits: [
      edit(KEEP, "identity.groupId === groupId && facts.clusterId === clusterId", "facts.clusterId === clusterId"),
    ],
    tests: CHOICE,
  },
  {
    claim: "count and delete files that are not sound",
    edits: [edit(KEEP, "return isOfCluster && sound && finishOf", "return isOfCluster && finishOf")],
    tests: CHOICE,
  },
  {
    claim: "delete files without a finish time first",
    edits: [edit(KEEP, " && finishOf(facts) > 0", "")],
    tests: CHOICE,
  },
  {
    claim: "delete real files after a simulated save",
    edits: [edit(KEEP, " && fileName.startsWith(SIMULATED_PREFIX) === isSimulated", "")],
    tests: CHOICE,
  },
  {
    claim: "delete the file that was just saved, if it is old",
    edits: [edit(KEEP, "isAmongNewest || id === savedId", "isAmongNewest")],
    tests: CHOICE,
  },
  {
    claim: "count two copies of a backup as two",
    edits: [edit(KEEP, "newest.add(id);", "newest.add(file.fileName);")],
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
    claim: "delete where the folder keeps no owners",
    edits: [edit(KEEP, "directory.isUnprotected && !order.evenUnprotected", "directory.isUnprotected && false")],
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
    edits: [
      edit(
        KEEP,
        "if (await mayGo(directory, file, order, tools, signal)) await",
        "if (await lstatOf(directory.at(fileName))) await",
      ),
    ],
    tests: NEWEST,
  },
  {
    claim: "delete a file that was overwritten, without reading it",
    edits: [
      edit(
        KEEP,
        'return now.state === "untouched" || (await readAgain(directory, [fileName], tools, signal)).length === 0;',
        "return true;",
      ),
    ],
    tests: NEWEST,
  },
  {
    claim: "delete the record before its file",
    edits: [
      edit(
        KEEP,
        `  await removeFile(directory.at(fileName));
  report.removed`,
        `  await removeFile(directory.at(beside.record(fileName)));
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
`,
        "",
      ),
    ],
    tests: NOTHING,
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
