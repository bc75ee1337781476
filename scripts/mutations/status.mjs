// Mutations of the command status.
import { edit } from "./edit.mjs";

const OVERVIEW = "src/commands/status/overview.ts";
const VIEW = "src/commands/status/view.ts";
const TESTS = ["test/commands/status/status.test.ts", "test/commands/status/options.test.ts"];
const FILES = ["test/commands/status/files.test.ts"];

export const STATUS = [
  {
    claim: "status: exit with 0 although a cluster needs attention",
    edits: [edit(VIEW, "wrong.length === 0 && rows.every((row) => row.wrong.length === 0)", "wrong.length === 0")],
    tests: TESTS,
    only: "older than 26 hours",
  },
  {
    claim: "status: exit with 0 although a project could not be read",
    edits: [edit(VIEW, "wrong.length === 0 && rows.every(", "rows.every(")],
    tests: TESTS,
    only: "a project that cannot be read",
  },
  {
    claim: "status: round an age before it is compared",
    edits: [edit("src/atlas/backups.ts", "if (age <= maxAgeHours)", "if (Math.round(age * 10) / 10 <= maxAgeHours)")],
    tests: TESTS,
    only: "a little older",
  },
  {
    claim: "status: judge by 26 hours whatever --max-age says",
    edits: [edit(OVERVIEW, "clock: systemClock, maxAgeHours: order.maxAgeHours }", "clock: systemClock }")],
    tests: TESTS,
    only: "older than --max-age",
  },
  {
    claim: "status: pass over a named cluster that does not exist any more",
    edits: [edit(OVERVIEW, "...(only ?? []).flatMap((name) => unknownName(name, all, clusters) ?? []),", "")],
    tests: TESTS,
    only: "does not exist any more",
  },
  {
    claim: "status: be content when every cluster is ignored",
    edits: [edit(OVERVIEW, "...(isIgnored ?", "...(false ?")],
    tests: TESTS,
    only: "nothing is left",
  },
  {
    claim: "status: be content when there is no cluster",
    edits: [edit(OVERVIEW, "...(isEmpty ?", "...(false ?")],
    tests: TESTS,
    only: "no cluster at all",
  },
  {
    claim: "status: say nothing of an unknown name to ignore",
    edits: [edit("src/commands/status/status.ts", "for (const warning of overview.warnings) await warn(warning);", "")],
    tests: TESTS,
    only: "unknown name to ignore",
  },
  {
    claim: "status: show healthy clusters first",
    edits: [
      edit(OVERVIEW, "rows.sort((one, other) => Math.sign(other.wrong.length) - Math.sign(one.wrong.length))", "rows"),
    ],
    tests: TESTS,
    only: "begins with what is wrong",
  },
  {
    claim: "status: end an interrupted look like a failed one",
    edits: [edit("src/commands/status/status.ts", "exitCode = signal.reason.exitCode;", "")],
    tests: TESTS,
    only: "SIGINT",
  },
  {
    claim: "status: trust a clock that is slow",
    edits: [edit(OVERVIEW, "> systemClock.now() + CLOCK_TOLERANCE_MS ?", "> Number.POSITIVE_INFINITY ?")],
    tests: TESTS,
    only: "slow clock",
  },
  {
    claim: "status: count the file of an earlier cluster of the name",
    edits: [edit(OVERVIEW, " && !isOther;", ";")],
    tests: FILES,
    only: "earlier cluster",
  },
  {
    claim: "status: count a file that is not sound as saved",
    edits: [edit(OVERVIEW, "own.find(({ sound }) => sound)", "latest")],
    tests: FILES,
    only: "is not saved for",
  },
  {
    claim: "status: pass over a newest file that is not sound",
    edits: [edit(OVERVIEW, "...(latest && !latest.sound ?", "...(false ?")],
    tests: FILES,
    only: "fails without --max-saved-age",
  },
  {
    claim: "status: count a simulated file as a backup",
    edits: [edit(OVERVIEW, "fileName.startsWith(SIMULATED_PREFIX) === simulate", "fileName || simulate")],
    tests: FILES,
    only: "simulated one",
  },
  {
    claim: "status: ask for a file of a cluster without a backup",
    edits: [
      edit(OVERVIEW, "maxSavedAgeHours === undefined || (!file && !hasBackup)", "maxSavedAgeHours === undefined"),
    ],
    tests: FILES,
    only: "owes no file",
  },
  {
    claim: "status: count a file of unknown age as recent",
    edits: [edit(OVERVIEW, "if (Number.isNaN(hours))", "if (false)")],
    tests: FILES,
    only: "of unknown age",
  },
  {
    claim: "status: say that no file is saved where the folder could not be read",
    edits: [edit(OVERVIEW, "...(files ? remarksOnFile(", "...(true ? remarksOnFile(")],
    tests: FILES,
    only: "fails once",
  },
  {
    claim: "status: let the name of a project look like another column",
    edits: [edit(VIEW, '.replaceAll(/ +/g, " ")', "")],
    tests: TESTS,
    only: "looks like the next columns",
  },
  {
    claim: "status: say that there are no backups where they could not be read",
    edits: [edit(VIEW, 'isRead ? "none" : "not read"', '"none"')],
    tests: TESTS,
    only: "says not read",
  },
  {
    claim: "status: repeat for each project that the credentials are rejected",
    edits: [edit(OVERVIEW, "return isCommon ? first : undefined;", "return undefined;")],
    tests: TESTS,
    only: "wrong credentials of allowed projects",
  },
];
