// How the save of one cluster ended: its exit code, its text for people and its entry for scripts.
import { type ErrorEnvelope, Failure } from "../../core/errors.ts";
import { quoted, sizeInWords } from "../../core/text.ts";
import { whenOf } from "../../core/time.ts";
import { type KeepReport, type SaveReport, SIMULATED_PREFIX } from "../../download/contract.ts";
import type { Found, Target } from "../../server/find-target.ts";
import { INCOMPLETE, viewContents, viewIntegrity } from "../../tools/file-view.ts";
import { adviceOn, counted, describeFailure } from "../advice.ts";
import { indented, type Look, markOf } from "../terminal.ts";

/** Worth another try (EX_TEMPFAIL of sysexits.h). */
export const EXIT_TRY_AGAIN = 75;

export interface Outcome {
  /** The cluster's name, with its project where several have the name. Absent if nothing could be saved at all. */
  label?: string;
  /** The cluster's name, where it is known. */
  name?: string;
  found?: Found;
  target?: Target;
  /** Of a save that has ended, well or not. */
  report?: SaveReport;
  /** Why nothing was saved. */
  failure?: ErrorEnvelope;
  /** Only with `--keep`, after a sound save. */
  kept?: KeepReport;
  /** The command was stopped before the save had ended. */
  isStopped?: true;
  /** Atlas owes no backup of this cluster yet, and only `--all` asked for it. */
  isTooYoung?: true;
}

/** 0: saved and sound. 1: failed for good. 75: worth another try. */
export function exitCodeOf({ report, kept, ...outcome }: Outcome): number {
  if (outcome.isTooYoung) return 0;
  if (report?.state !== "complete") {
    const failure = outcome.failure ?? report?.lastError;
    return failure?.retryable === false ? 1 : EXIT_TRY_AGAIN;
  }
  if (!report.sound || kept?.problem !== undefined) return 1;
  return kept && kept.inUse.length > 0 ? EXIT_TRY_AGAIN : 0;
}

/** What happened, for a person. */
export function outcomeText(outcome: Outcome, look: Look, now: number, folder?: string): string {
  const { report, isTooYoung, label = "" } = outcome;
  if (isTooYoung)
    return paragraph("skipped", `${label}: `, ["too young for a backup; there will be one tomorrow."], look);
  return report?.state === "complete" ? savedText(outcome, report, look, now) : failureText(outcome, look, folder);
}

function savedText({ label = "", target, kept }: Outcome, report: SaveReport, look: Look, now: number): string {
  const { facts, path = "", bytes, sha256, contents, warnings = [] } = report;
  const project = target?.projectName === undefined || label.includes(" in ") ? "" : ` (${quoted(target.projectName)})`;
  const when = whenOf(facts?.finishTime, now);
  const what = `the backup${when === undefined ? "" : ` of ${when}`}`;
  const how = `${report.isOlder ? "was saved already" : "is saved and verified"}${kept?.problem && kept.removed.length === 0 ? ", but no older file was deleted" : ""}`;
  const collections = contents?.collections === undefined ? "" : `, ${counted(contents.collections, "collection")}`;
  const version = facts?.mongoDBVersion === undefined ? "" : `, MongoDB ${facts.mongoDBVersion}`;
  const isSimulated = report.fileName?.startsWith(SIMULATED_PREFIX);
  const lines = [
    report.sound ? `${what} ${how}.` : `${what} is here, but do not use it. ${INCOMPLETE}`,
    path,
    `${sizeInWords(bytes)}${collections}${version}`,
    `sha256 ${sha256}`,
    ...courseOf(report),
    ...(isSimulated ? ["The file is simulated: it has the form of a backup, but cannot be restored."] : []),
    ...warnings.map((warning) => `! ${warning}`),
    ...keptLines(kept),
  ];
  return paragraph(report.sound && !kept?.problem ? "ok" : "failed", `${label}${project}: `, lines, look);
}

/** What a person may have noticed on the way. */
function courseOf({ resumedFromBytes = 0, interruptions = 0 }: SaveReport): string[] {
  const resumed = `The connection broke ${interruptions === 1 ? "once" : `${interruptions} times`}; the download resumed where it had stopped.`;
  return [
    ...(resumedFromBytes > 0 ? [`It went on from the ${sizeInWords(resumedFromBytes)} of an earlier attempt.`] : []),
    ...(interruptions > 0 ? [resumed] : []),
  ];
}

function keptLines(kept: KeepReport | undefined): string[] {
  if (!kept) return [];
  return [
    ...kept.removed.map((fileName) => `Deleted ${fileName}`),
    ...kept.inUse.map(
      (fileName) => `Not deleted yet, since another program uses it or has just changed it: ${fileName}`,
    ),
    ...kept.changed.map((fileName) => `Not deleted, since it is not as it was saved: ${fileName}`),
    ...(kept.problem === undefined ? [] : [`! ${kept.problem}`]),
  ];
}

/** `folder`: the download folder, for failures of the disk. */
function failureText({ label, report, failure, isStopped }: Outcome, look: Look, folder: string | undefined): string {
  const envelope = failure ?? report?.lastError;
  const bytes = report?.bytes ?? 0;
  const kept = bytes > 0 ? [`${sizeInWords(bytes)} are kept; the same command continues there.`] : [];
  if (isStopped) return paragraph("failed", `${label}: `, ["stopped.", ...kept], look);
  const where = envelope?.source === "disk" && folder !== undefined ? ["The download folder is:", folder] : [];
  const why = envelope ? [describeFailure({ envelope }), ...adviceOn({ envelope }).split("\n"), ...where] : [];
  const [first = "", ...rest] = why;
  const title = label === undefined ? "Nothing was saved. " : `${label}: not saved. `;
  return paragraph("failed", title, [first, ...rest, ...kept], look);
}

function paragraph(
  state: "ok" | "failed" | "skipped",
  title: string,
  [first = "", ...rest]: string[],
  look: Look,
): string {
  const head = indented(`${title}${first}`, 2, look.columns).trimStart();
  // A path may hold several blanks in a row.
  const body = rest.map((line) => (/^[/\\]|^[a-z]:\\/i.test(line) ? `    ${line}` : indented(line, 4, look.columns)));
  return [`${markOf(state, look)} ${head}`, ...body, ""].join("\n");
}

/** The entry of the outcome in the answer to `--json`, in the words of the tools. */
export function outcomeEntry(outcome: Outcome, now: number) {
  const { found, target, report, kept, isStopped, isTooYoung } = outcome;
  const envelope = isTooYoung ? undefined : (outcome.failure ?? report?.lastError);
  const error = envelope && { ...envelope, hint: adviceOn({ envelope }) };
  const { bytes = 0, facts, integrity, contents } = report ?? {};
  return {
    state: stateOf(outcome),
    name: found?.name ?? outcome.name,
    projectName: target?.projectName ?? found?.project.name,
    groupId: found?.project.id,
    snapshotId: target?.snapshotId,
    finishTime: facts?.finishTime,
    when: whenOf(facts?.finishTime, now),
    mongoDBVersion: facts?.mongoDBVersion,
    fileName: report?.fileName,
    path: report?.path,
    bytes,
    totalBytes: report?.totalBytes,
    sha256: report?.sha256,
    sound: report?.sound,
    ...(integrity && { integrity: viewIntegrity(integrity) }),
    ...(contents && { contents: viewContents(contents) }),
    warnings: report?.warnings,
    ...(isStopped && { stopped: true }),
    ...(kept && { deleted: kept.removed, inUse: kept.inUse, changed: kept.changed, notDeleted: kept.problem }),
    error,
  };
}

function stateOf({ report, isTooYoung }: Outcome) {
  if (isTooYoung) return "too-young";
  if (report?.state === "complete") return "complete";
  return (report?.bytes ?? 0) > 0 ? "paused" : "failed";
}

/** Throws what is not a failure. */
export function envelopeOf(error: unknown): ErrorEnvelope {
  if (error instanceof Failure) return error.envelope;
  throw error;
}
