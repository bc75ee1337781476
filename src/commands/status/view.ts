// How `status` shows what it found: one line for monitors and people in a hurry, a table, or JSON.
import { ageHoursOf } from "../../atlas/backups.ts";
import { labelsOf } from "../../atlas/look.ts";
import { isClusterName } from "../../core/atlas-id.ts";
import type { Failure } from "../../core/errors.ts";
import { clean, firstFew, quoted } from "../../core/text.ts";
import { agoOf, whenOf } from "../../core/time.ts";
import { adviceOn, counted, describeFailure } from "../advice.ts";
import { indented, type Look, markOf } from "../terminal.ts";
import type { StatusOrder } from "./order.ts";
import type { Overview, Row } from "./overview.ts";

const TITLES = ["CLUSTER", "PROJECT", "NEWEST IN ATLAS", "NEWEST HERE"];

export const isWell = ({ rows, wrong }: Overview) => wrong.length === 0 && rows.every((row) => row.wrong.length === 0);

/** The first line says it all for a monitor that shows no other. */
export function overviewText(overview: Overview, look: Look, now: number): string {
  const { rows, wrong, folder } = overview;
  const state = isWell(overview) ? "ok" : "failed";
  const [first = "", ...others] = [...summaryOf(overview), ...wrong];
  return [
    `${markOf(state, look)} ${hanging(first, look)}`,
    ...others.map((sentence) => `${markOf("failed", look)} ${hanging(sentence, look)}`),
    ...(rows.length > 0 ? ["", ...tableOf(overview, look, now)] : []),
    "",
    `Files are in ${folder}`,
    "",
  ].join("\n");
}

/** A text after a mark. */
const hanging = (text: string, look: Look) => indented(text, 2, look.columns).trimStart();

/** Nothing where the other sentences say what is wrong. */
function summaryOf({ rows, wrong }: Overview): string[] {
  const bad = rows.filter((row) => row.wrong.length > 0);
  if (bad.length === 0 && wrong.length > 0) return [];
  if (bad.length === 0) return [wellText(rows)];
  const label = labelsOf(rows.map(named));
  const names = firstFew(bad.map((row) => label(named(row))));
  // One sentence has room on the line; of several, the table shows which belongs to which cluster.
  const [only, ...others] = bad.length === 1 ? bad.flatMap((row) => row.wrong) : [];
  const detail = only !== undefined && others.length === 0 ? ` ${only}` : "";
  const more = wrong.length > 0 ? ` ${counted(wrong.length, "other problem")} below.` : "";
  return [
    `${bad.length} of ${counted(rows.length, "cluster")} ${bad.length === 1 ? "needs" : "need"} attention: ${names}.${detail}${more}`,
  ];
}

/** Without --max-saved-age nothing is wrong where no file is, but nobody should believe that one is. */
function wellText(rows: readonly Row[]): string {
  const missing = rows.filter(({ newestBackup, newestFile }) => newestBackup && !newestFile).length;
  const all = rows.length === 1 ? "The cluster is well" : `All ${rows.length} clusters are well`;
  if (missing === 0) return `${all}.`;
  return `${all} in Atlas. ${rows.length === 1 ? "It has" : missing === 1 ? "1 has" : `${missing} have`} no file here.`;
}

/** Atlas promises the form of a name, but does not guarantee it. */
const nameOf = ({ name }: Row) => (isClusterName(name) ? name : quoted(name));
const named = (row: Row) => ({ name: nameOf(row), project: row.project });

function tableOf({ rows, isFolderRead }: Overview, look: Look, now: number): string[] {
  const cells = rows.map((row) => {
    const { project, newestBackup, newestFile, isRead } = row;
    return [
      nameOf(row),
      // Several blanks would look like the gap between two columns.
      clean(project.name ?? project.id).replaceAll(/ +/g, " "),
      whenOf(newestBackup?.finishTime, now) ?? (newestBackup ? "of unknown age" : isRead ? "none" : "not read"),
      agoOf(newestFile?.facts?.finishTime, now) ?? (newestFile ? "of unknown age" : isFolderRead ? "none" : "not read"),
    ];
  });
  const widths = TITLES.map((title, index) => Math.max(title.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    `  ${line(TITLES)}`,
    ...rows.flatMap(({ wrong }, index) => [
      `${markOf(wrong.length > 0 ? "failed" : "ok", look)} ${line(cells[index] ?? [])}`,
      ...wrong.map((sentence) => indented(sentence, 4, look.columns)),
    ]),
  ];
}

export function overviewJson(overview: Overview, { maxAgeHours, maxSavedAgeHours }: StatusOrder, now: number): string {
  const { rows, wrong, folder } = overview;
  const moment = (finishTime: string | undefined) => ({
    finishTime,
    when: whenOf(finishTime, now),
    ageHours: ageHoursOf({ finishTime }, now),
  });
  const clusters = rows.map(({ name, project, newestBackup, backups = [], newestFile, wrong: ofCluster }) => ({
    ok: ofCluster.length === 0,
    name: clean(name),
    projectName: project.name,
    groupId: project.id,
    newestBackup: newestBackup && { snapshotId: newestBackup.snapshotId, ...moment(newestBackup.finishTime) },
    backups: backups.map(({ snapshotId, finishTime }) => ({ snapshotId, finishTime, when: whenOf(finishTime, now) })),
    newestFile: newestFile && {
      fileName: newestFile.fileName,
      path: newestFile.path,
      bytes: newestFile.bytes,
      snapshotId: newestFile.identity?.snapshotId,
      ...moment(newestFile.facts?.finishTime),
    },
    wrong: ofCluster,
  }));
  return asJson({ ok: isWell(overview), maxAgeHours, maxSavedAgeHours, folder, clusters, wrong });
}

/** Why nothing could be looked at. */
export function failureText(failure: Failure, look: Look): string {
  const advice = adviceOn(failure).split("\n");
  const lines = advice.map((line) => indented(line, 2, look.columns));
  return `${[`${markOf("failed", look)} ${hanging(describeFailure(failure), look)}`, ...lines].join("\n")}\n`;
}

export function failureJson(failure: Failure): string {
  return asJson({ ok: false, clusters: [], wrong: [describeFailure(failure)], error: failure.envelope });
}

const asJson = (answer: object) => `${JSON.stringify(answer, null, 2)}\n`;
