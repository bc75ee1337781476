// Mutations of the download folder.
import { edit } from "./edit.mjs";

const QUOTED = "test/secrets/quoted.test.ts";

export const FOLDER = [
  {
    claim: "let a record speak as this server",
    edits: [edit("src/download/folder/records.ts", 'says("The record", QUOTED_NOTE.exec(note)?.[1] ?? note)', "note")],
    tests: [QUOTED],
    only: "notes in a record",
  },
  {
    claim: "list what a final failure left without its reason",
    edits: [edit("src/download/store.ts", " ?? snapshots.get(keyOf(transfer.identity))?.ended", "")],
    tests: ["test/download/listing.test.ts"],
    only: "a final failure left",
  },
  {
    claim: "ignore how many bytes were written",
    edits: [edit("src/download/folder/part.ts", "rest = withoutFirst(rest, bytesWritten);", "rest = [];")],
    tests: ["test/download/part-writer.test.ts"],
  },
  {
    claim: "follow the link to the folder again for each file",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "at: (name) => join(path, name),",
        "at: (name) => join(resolve(folder), name),",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
    only: "keeps its target for the whole transfer",
  },
  {
    claim: "list a save only once its file has a name",
    edits: [edit("src/download/store.ts", "  if (report) {", "  if (report?.fileName) {")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is listed with how to go on",
  },
  {
    claim: "forget a failure that no call has heard of",
    edits: [
      edit(
        "src/download/store.ts",
        "const reason = missed?.failure.envelope ?? lastError;",
        "const reason = undefined;",
      ),
    ],
    tests: ["test/tools/saved-files.test.ts"],
    only: "is listed with its reason",
  },
  {
    claim: "forget that the bytes came in several responses",
    edits: [edit("src/download/folder/local-copy.ts", "isJoined ||= isBetweenResponses;", "")],
    tests: ["test/download/soundness.test.ts"],
    only: "no splice is published",
  },
  {
    claim: "rename over the final name instead of linking",
    edits: [
      edit(
        "src/download/folder/publish.ts",
        "const isLinked = hasLinks && (await linkToFree(part, final));",
        "await renameFile(part.path, final); const isLinked = true;",
      ),
    ],
    tests: ["test/download/crash.test.ts"],
  },
  {
    claim: "continue a part that another process may still hold open",
    edits: [
      edit(
        "src/download/folder/lock.ts",
        'return !isThisProcess && (await lifeOf(writer)) !== "dead";',
        "return false;",
      ),
    ],
    tests: ["test/download/takeover.test.ts"],
  },
  {
    claim: "count files of another user",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "file.isFile() && (owner === undefined || file.uid === owner)",
        "file.isFile() || file.uid === owner",
      ),
    ],
    tests: ["test/download/ownership.test.ts"],
  },
  {
    claim: "trust a folder of everyone because of its sticky bit",
    edits: [
      edit(
        "src/download/folder/folder-safety.ts",
        "const everyone = (mode & OTHERS_MAY_WRITE) !== 0;",
        "const everyone = (mode & OTHERS_MAY_WRITE) !== 0 && (mode & STICKY) === 0;",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "trust a folder that a group may write to",
    edits: [
      edit(
        "src/download/folder/folder-safety.ts",
        "const group = (mode & GROUP_MAY_WRITE) !== 0;",
        "const group = everyone && (mode & GROUP_MAY_WRITE) !== 0;",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "accept an open folder without asking whether its file system keeps permissions",
    edits: [
      edit(
        "src/download/folder/directory.ts",
        "if (!made || made.keepsModes) throw refused(open);",
        "if (!made) throw refused(open);",
      ),
    ],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "follow another user's link to the download folder",
    edits: [edit("src/download/folder/folder-safety.ts", "uid === user.uid || uid === 0;", "uid >= 0;")],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "give up at once on a file that another program of Windows has open",
    edits: [edit("src/download/folder/file-system.ts", 'process.platform === "win32" && hasCode', "false && hasCode")],
    tests: ["test/download/file-errors.test.ts"],
    only: "on Windows",
  },
  {
    claim: "wait for Windows to sync a folder, which it never does",
    edits: [edit("src/download/folder/file-system.ts", 'if (process.platform === "win32") return true;', "")],
    tests: ["test/download/file-errors.test.ts"],
    only: "no folder is synced on Windows",
  },
  {
    claim: "do not move an open part aside",
    edits: [edit("src/download/folder/file-system.ts", "!isInUse(error) && !isPerhapsInUse(error)", "error")],
    tests: ["test/download/takeover.test.ts"],
    only: "moved aside and removed",
  },
  {
    claim: "call a lack of permission on Windows a file in use",
    edits: [
      edit("src/download/keep-newest.ts", "!isInUse(error)", "!isMomentary(error)"),
      edit("src/download/keep-newest.ts", "import { isInUse, ", "import { isMomentary, "),
    ],
    tests: ["test/download/keep-nothing.test.ts"],
    only: "on Windows, which has one answer",
  },
  {
    claim: "fail a published save because its part cannot be removed",
    edits: [
      edit(
        "src/download/folder/publish.ts",
        "    if (error instanceof Failure) throw error;\n",
        "    throw error instanceof Failure ? error : new Error(String(error));\n",
      ),
    ],
    tests: ["test/download/file-errors.test.ts"],
    only: "unlink of the part",
  },
  {
    claim: "take a zombie for a living process",
    edits: [edit("src/download/folder/lock.ts", 'if (found?.hasEnded) return "dead";', "")],
    tests: ["test/download/lock.test.ts"],
  },
];
