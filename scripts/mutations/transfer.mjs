// Mutations of transferring, checking and restoring.
import { edit } from "./edit.mjs";

const FAULT_ROWS = "test/download/fault-matrix.test.ts";
const QUOTED = "test/secrets/quoted.test.ts";

export const TRANSFER = [
  {
    claim: "name any Content-Encoding of a file host",
    edits: [
      edit("src/download/transfer/response-judge.ts", "NAMED_CODINGS.includes(coding) ? coding", "true ? coding"),
    ],
    tests: [QUOTED],
    only: "an unknown coding",
  },
  {
    claim: "log the signature of a link",
    edits: [
      edit(
        "src/download/transfer/transfer.ts",
        'log({ event: "file-host-answered", host: nameOf(url),',
        'log({ event: "file-host-answered", host: String(url.searchParams.get("X-Amz-Signature")),',
      ),
    ],
    tests: ["test/secrets/links.test.ts"],
    only: "complete after",
  },
  {
    claim: "drop If-Range",
    edits: [edit("src/download/transfer/file-request.ts", ', "if-range": range.validator', "")],
    tests: [FAULT_ROWS],
    only: "the file changed meanwhile",
  },
  {
    claim: "ignore the ETag",
    edits: [edit("src/download/transfer/response-judge.ts", "if (etag === asked.etag)", "if (true)")],
    tests: [FAULT_ROWS],
    only: "206 with another ETag",
  },
  {
    claim: "follow a redirect to anywhere",
    edits: [edit("src/download/transfer/transfer.ts", "checkRedirect(url, outcome.to, transfer.policy)", "outcome.to")],
    tests: ["test/download/redirects.test.ts"],
    only: "to a private address is not followed",
  },
  {
    claim: "give up the part for one odd answer",
    edits: [edit("src/download/transfer/transfer.ts", "doubts > 1", "doubts > 0")],
    tests: [FAULT_ROWS],
    only: "206 with another ETag, once",
  },
  {
    claim: "append the body of a 200 to the part",
    edits: [edit("src/download/transfer/receive.ts", "await watch.excuse(copy.startOver(unproven));", "")],
    tests: [FAULT_ROWS],
    only: "200 instead of 206",
  },
  {
    claim: "terminate the thread of a check from outside",
    edits: [edit("src/download/integrity/archive-check.ts", 'send({ type: "stop" });', "await worker.terminate();")],
    tests: ["test/download/integrity/archive-check.test.ts"],
  },
  {
    claim: "call a file sound whose end nothing proves",
    edits: [edit("src/download/integrity/soundness.ts", 'if (length !== "ok") return "damaged";', "")],
    tests: ["test/download/soundness.test.ts"],
    only: "at the end of its first gzip member",
  },
  {
    claim: "call a file sound whose archive breaks off",
    edits: [edit("src/download/integrity/soundness.ts", 'ending === "early" ? "incomplete" : "sound"', '"sound"')],
    tests: ["test/download/soundness.test.ts"],
    only: "whose archive ends inside an entry",
  },
  {
    claim: "call a mongodump archive whole that ends between two blocks",
    edits: [edit("src/download/integrity/mongodump.ts", " && open.size === 0;", ";")],
    tests: ["test/download/integrity/contents.test.ts"],
    only: "each collection has its last block",
  },
  {
    claim: "read a mongodump archive of countless documents to its end",
    edits: [edit("src/download/integrity/mongodump.ts", "documents > limits.documents", "false")],
    tests: ["test/download/integrity/contents.test.ts"],
    only: "is read no further",
  },
  {
    claim: "save a web page that a gateway packed with gzip",
    edits: [edit("src/download/integrity/contents.ts", 'ending: isPage ? "foreign" : "unknown"', 'ending: "unknown"')],
    tests: ["test/download/soundness.test.ts"],
    only: "nothing of it stays",
  },
  {
    claim: "ignore what an earlier record says of the end of its file",
    edits: [
      edit("src/download/integrity/soundness.ts", 'if (notes.some((note) => EARLY.test(note))) return "early";', ""),
    ],
    tests: ["test/download/soundness.test.ts"],
    only: "is judged by its notes",
  },
  {
    claim: "say how to restore a file that is not sound",
    edits: [edit("src/download/restore-guide.ts", "if (!sound) return {};", "")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "none says how to restore it",
  },
  {
    claim: "serve restored data to every user of the computer",
    edits: [
      edit(
        "src/download/restore-guide.ts",
        "options(posixQuote(folder), posixQuote(socket))",
        'options(".", "127.0.0.1")',
      ),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "that no other user can reach",
  },
  {
    claim: "unpack where other users can enter",
    edits: [edit("src/download/restore-guide.ts", 'command("mkdir", "-m", "700",', 'command("mkdir",')],
    tests: ["test/download/restore-guide.test.ts"],
    only: "where no other user can enter",
  },
  {
    claim: "unpack an archive into the folder that is to keep others out",
    edits: [edit("src/download/restore-guide.ts", 'const data = join(folder, "data");', "const data = join(folder);")],
    tests: ["test/download/restore-guide.test.ts"],
    only: "only the reader can enter",
  },
  {
    claim: "give what root unpacks to the owners that the archive names",
    edits: [
      edit(
        "src/download/restore-guide.ts",
        'command("tar", "-xzof", facts.path, "-C", data, LIKE_ANY_USER,',
        'command("tar", "-xzf", facts.path, "-C", data,',
      ),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "a dump directory is unpacked",
  },
  {
    claim: "restore within a folder that protects nothing",
    edits: [
      edit("src/download/restore-guide.ts", 'if (isOpen && platform !== "win32") {', "if (platform === undefined) {"),
    ],
    tests: ["test/download/restore-guide.test.ts"],
    only: "elsewhere, where no other user can enter",
  },
  {
    claim: "start mongod without the storage options of its files",
    edits: [edit("src/download/restore-guide.ts", ", ...storageOptions(contents))", ")")],
    tests: ["test/tools/saved-files.test.ts"],
    only: "with the option for that",
  },
  {
    claim: "write to the disk under --read-only",
    edits: [edit("src/download/verify.ts", "if (!readOnly) await noteCheck", "await noteCheck")],
    tests: ["test/tools/switches.test.ts"],
    only: "writes nothing to the disk",
  },
  {
    claim: "say nothing about a folder that does not protect its files",
    edits: [edit("src/download/saving/save-snapshot.ts", "    status.warn(directory.warning);\n", "")],
    tests: ["test/download/folder.test.ts"],
  },
  {
    claim: "discard parts of a project without asking whether it is allowed",
    edits: [edit("src/download/saving/stop-save.ts", "  for (const each of identities) check(each);\n", "")],
    tests: ["test/download/stop.test.ts"],
    only: "asks about the project first",
  },
];
