// Writes what Atlas and its file host did during a save, for people who cannot see it: forms, counts and times, never who it was.
import type { Exchange } from "../../atlas/access.ts";
import { codeOf, type ErrorEnvelope } from "../../core/errors.ts";
import type { Redactor } from "../../core/redact.ts";
import type { Clock } from "../../core/time.ts";
import { type FileExchange, firstEntriesOf, type SaveReport, type SnapshotIdentity } from "../../download/contract.ts";
import { archiveDifferences, archiveLines, errorLine, reportDifferences, reportLine } from "./report/archive.ts";
import { createAtlasNotes } from "./report/atlas.ts";
import { documentedWords } from "./report/documented.ts";
import { createFileHostNotes, SIGNATURE_PARAMETERS } from "./report/file-host.ts";
import { createHidden, type Hidden } from "./report/hidden.ts";
import { OWN_WORDS } from "./report/own-words.ts";
import { codeShown, KNOWN_HEADERS, times } from "./report/shown.ts";

/** How one save ended. */
export interface SaveOutcome {
  identity?: Partial<SnapshotIdentity>;
  report?: SaveReport;
  error?: ErrorEnvelope;
}

export interface Report {
  /** For `AccessEdges.onExchange`. */
  onExchange: (exchange: Exchange) => void;
  /** For `SnapshotStoreOptions.onExchange`. */
  onFileExchange: (exchange: FileExchange) => void;
  /** The report as Markdown; may be called again. */
  describe: (outcomes: readonly SaveOutcome[]) => Promise<string>;
}

export interface ReportOptions {
  clock: Pick<Clock, "ticks">;
  version: string;
  redactor: Pick<Redactor, "scrub">;
  /** The answers came from the embedded simulator. */
  isSimulated: boolean;
}

const MAX_LINES = 300;
/** More than the longest list has. */
const MAX_LINE_CHARACTERS = 4_000;
/** The first archives tell what the others are like. */
const MAX_ARCHIVES = 3;

export function createReport({ clock, version, redactor, isSimulated }: ReportOptions): Report {
  const hidden = createHidden(new Set([...documentedWords(), ...OWN_WORDS, ...NAMES, ...NAMES.flatMap(wordsIn)]));
  const atlas = createAtlasNotes(hidden);
  const fileHost = createFileHostNotes(hidden);

  return {
    onExchange: (exchange) => atlas.observe(exchange, clock.ticks()),
    onFileExchange: fileHost.observe,
    describe: async (outcomes) => {
      for (const outcome of outcomes) hideOutcome(hidden, outcome);
      const archives = await archivesOf(outcomes, hidden);
      const differences = [
        ...atlas.differences(),
        ...fileHost.differences(),
        ...archives.flatMap((archive) => archive.differences),
        ...outcomes.flatMap(({ report }) => (report ? reportDifferences(report) : [])),
      ];
      // Says nothing of what was observed, although a folder or a user may be called like this program.
      const head = [
        "# What Atlas and its file host did",
        "",
        `- atlas-flex-snapshots-mcp ${version}, Node.js ${process.version}, ${process.platform} ${process.arch}`,
        `- Answers came from ${isSimulated ? "the embedded simulator" : "the network"}.`,
        "- Left out: links, ids, names, addresses, credentials, exact lengths.",
        "",
      ];
      const lines = [
        "## Differs from what was expected",
        "",
        ...counted(differences, "Nothing."),
        "",
        "## Result",
        "",
        ...counted(
          outcomes.map((outcome) => outcomeLine(outcome, hidden)),
          "No save ended.",
        ),
        "",
        "## Atlas",
        "",
        ...atlas.describe(),
        "## File host",
        "",
        ...fileHost.describe(),
        "## Beginning of the archive",
        "",
        ...(archives.length === 0 ? ["- No archive was saved."] : archives.flatMap((archive) => archive.lines)),
      ];
      const { scrub } = redactor;
      const shown = [...head, ...checked(cut(lines, MAX_LINES - head.length), hidden)];
      return `${shown.map((line) => (scrub(line) === line ? line : REMOVED)).join("\n")}\n`;
    },
  };
}

/** What is shown of foreign names as it is. */
const NAMES = [...KNOWN_HEADERS, ...SIGNATURE_PARAMETERS].map((name) => name.toLowerCase());
const wordsIn = (name: string) => name.split("-");

/** Each text once, as an entry of a list. */
function counted(texts: string[], none: string): string[] {
  if (texts.length === 0) return [`- ${none}`];
  return [...new Set(texts)].map((text) => {
    const count = texts.filter((each) => each === text).length;
    return count === 1 ? `- ${text}` : `- ${text} (${times(count)})`;
  });
}

function outcomeLine({ report, error }: SaveOutcome, hidden: Hidden): string {
  if (report) return reportLine(report, hidden);
  return error ? errorLine(error, hidden) : "neither a file nor a failure";
}

function hideOutcome(hidden: Hidden, { identity = {}, report, error }: SaveOutcome): void {
  for (const id of [identity.groupId, identity.snapshotId, report?.sha256]) if (id !== undefined) hidden.text(id);
  const path = report?.path ?? "";
  const names = [identity.name, report?.fileName, report?.facts?.projectName, ...path.split(/[/\\]/)];
  for (const name of names) if (name !== undefined) hidden.name(name);
  hidden.text(path);
  for (const parameter of error?.parameters ?? []) hidden.text(parameter);
  hidden.pieces(error?.detail ?? "");
}

interface Archive {
  lines: string[];
  differences: string[];
}

async function archivesOf(outcomes: readonly SaveOutcome[], hidden: Hidden): Promise<Archive[]> {
  const paths = outcomes.flatMap(({ report }) => (report?.state === "complete" && report.path ? [report.path] : []));
  const found: Archive[] = [];
  for (const path of [...new Set(paths)].slice(0, MAX_ARCHIVES)) found.push(await archiveOf(path, hidden));
  return found;
}

async function archiveOf(path: string, hidden: Hidden): Promise<Archive> {
  try {
    const entries = await firstEntriesOf(path);
    return { lines: archiveLines(entries), differences: archiveDifferences(entries) };
  } catch (error) {
    // The rest of the report is worth having without it.
    return { lines: [`- The file cannot be read: ${codeShown(codeOf(error) ?? "", hidden)}`], differences: [] };
  }
}

function cut(lines: string[], most: number): string[] {
  if (lines.length <= most) return lines;
  return [...lines.slice(0, most - 1), `- ${lines.length - most + 1} more lines, not shown`];
}

const REMOVED = "- (A line was removed: something in it may tell who it was.)";

/** The last look at every line: what was observed is searched for, whatever the filters before let through. */
function checked(lines: string[], hidden: Hidden): string[] {
  const found = hidden.foundIn(lines.join("\n")).length > 0;
  return lines.map((line) => {
    const isOpen = line.length <= MAX_LINE_CHARACTERS && !(found && hidden.foundIn(line).length > 0);
    return isOpen ? line : REMOVED;
  });
}
