// Mutations of the command save and of its report.
import { edit } from "./edit.mjs";

const SAVE = "src/commands/save/save.ts";
const CLUSTER = "src/commands/save/save-cluster.ts";
const OUTCOME = "src/commands/save/outcome.ts";
const TESTS = ["test/commands/save.test.ts"];
const PARTS = ["test/commands/save-parts.test.ts"];
const REPORT = ["test/commands/save/report-file.test.ts"];

export const SAVES = [
  {
    claim: "save: exit with 0 for an archive that is incomplete inside",
    edits: [
      edit(OUTCOME, "if (!report.sound || kept?.problem !== undefined) return 1;", "if (kept?.problem) return 1;"),
    ],
    tests: PARTS,
    only: "the exit code",
  },
  {
    claim: "save: exit with 0 although older files could not be deleted",
    edits: [
      edit(OUTCOME, "if (!report.sound || kept?.problem !== undefined) return 1;", "if (!report.sound) return 1;"),
    ],
    tests: PARTS,
    only: "the exit code",
  },
  {
    claim: "save: save what is named well before a wrong name is told",
    edits: [edit(SAVE, "return EXIT_USAGE;\n  const label", "failed.length = 0;\n  const label")],
    tests: TESTS,
    only: "which are wrong usage",
  },
  {
    claim: "save: do not wait for another process that saves the same backup",
    edits: [edit(CLUSTER, "if (!isElsewhere || clock.ticks() >= until) throw error;", "throw error;")],
    tests: TESTS,
    only: "two runs at once",
  },
  {
    claim: "save: wait for bytes that never arrive",
    edits: [edit(CLUSTER, "silent.abort();", "silent.signal.throwIfAborted();")],
    tests: PARTS,
    only: "when no byte arrives",
  },
  {
    claim: "save: end with the code of success after a signal",
    edits: [edit("src/commands/terminal.ts", "SIGTERM: 143", "SIGTERM: 0")],
    tests: TESTS,
    only: "SIGTERM",
  },
  {
    claim: "save: end when nobody reads the output",
    edits: [edit(SAVE, 'for (const stream of [stdout, stderr]) stream.on("error", () => undefined);', "")],
    tests: TESTS,
    only: "nobody reads its output",
  },
  {
    claim: "save: write a file although the server may only read",
    edits: [edit(SAVE, "if (config.readOnly) throw readOnly();", "")],
    tests: TESTS,
    only: "may only read",
  },
  {
    claim: "save: overwrite a file with the report",
    edits: [
      edit("src/commands/save/report-file.ts", "if (existsSync(path)) return", "if (path === '') return"),
      edit("src/commands/save/report-file.ts", 'flag: "wx"', 'flag: "w"'),
    ],
    tests: REPORT,
    only: "never overwrites",
  },
  {
    claim: "save: write the report for everybody to read",
    edits: [edit("src/commands/save/report-file.ts", "mode: 0o600", "mode: 0o644")],
    tests: REPORT,
    only: "shows the report",
  },
];
